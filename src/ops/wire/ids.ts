import type { MessageInitShape } from '@bufbuild/protobuf'
import type { IDs, IDsSchema } from '../../gen/schema_pb.js'
import type { Ids } from '../../model/columns.ts'

/** Ids as `schema.IDs`. */
export function toWireIds(ids: Ids): MessageInitShape<typeof IDsSchema> {
  return ids.kind === 'long'
    ? { idField: { case: 'intId', value: { data: Array.from(ids.values) } } }
    : { idField: { case: 'strId', value: { data: [...ids.values] } } }
}

/** `schema.IDs` as ids; absent ones, as of an empty result, are an empty list. */
export function fromWireIds(ids: IDs | undefined): Ids {
  const field = ids?.idField
  if (field?.case === 'strId') return { kind: 'string', values: field.value.data }
  return { kind: 'long', values: BigInt64Array.from(field?.case === 'intId' ? field.value.data : []) }
}
