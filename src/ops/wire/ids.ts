import type { MessageInitShape } from '@bufbuild/protobuf'
import type { IDsSchema } from '../../gen/schema_pb.js'
import type { Ids } from '../../model/columns.ts'

/** Ids as `schema.IDs`. */
export function toWireIds(ids: Ids): MessageInitShape<typeof IDsSchema> {
  return ids.kind === 'long'
    ? { idField: { case: 'intId', value: { data: Array.from(ids.values) } } }
    : { idField: { case: 'strId', value: { data: [...ids.values] } } }
}
