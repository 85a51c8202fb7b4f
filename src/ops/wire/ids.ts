import type { MessageInitShape } from '@bufbuild/protobuf'
import type { IDs, IDsSchema } from '../../gen/schema_pb.js'
import type { Ids } from '../../model/columns.ts'

/** Ids as `schema.IDs`. */
export function toWireIds(ids: Ids): MessageInitShape<typeof IDsSchema> {
  return ids.kind === 'long'
    ? { idField: { case: 'intId', value: { data: Array.from(ids.values) } } }
    : { idField: { case: 'strId', value: { data: [...ids.values] } } }
}

/** `schema.IDs` as ids; an empty message is no int64 ids. */
export function fromWireIds(ids: IDs): Ids {
  return ids.idField.case === 'strId'
    ? { kind: 'string', values: ids.idField.value.data }
    : { kind: 'long', values: BigInt64Array.from(ids.idField.value?.data ?? []) }
}
