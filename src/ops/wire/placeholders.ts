import { create, toBinary } from '@bufbuild/protobuf'
import { fault } from '../../errors/error.ts'
import { PlaceholderGroupSchema, PlaceholderType } from '../../gen/common_pb.js'
import { decodeMessage } from '../wire.ts'
import { floatBytes, floatView } from './floats.ts'

/** Query vectors of a search: `nq` x dim floats, row-major, and the bytes of one vector as received. */
export interface QueryVectors {
  readonly vectors: Float32Array
  readonly nq: number
  readonly vectorBytes: number
}

/** Milvus' C++ names of the vector types, as its texts print them. */
const ENGINE_NAMES: Readonly<Record<number, string>> = {
  [PlaceholderType.BinaryVector]: 'VECTOR_BINARY',
  [PlaceholderType.Float16Vector]: 'VECTOR_FLOAT16',
  [PlaceholderType.BFloat16Vector]: 'VECTOR_BFLOAT16',
  [PlaceholderType.SparseFloatVector]: 'VECTOR_SPARSE_U32_F32',
  [PlaceholderType.Int8Vector]: 'VECTOR_INT8',
}

/**
 * The float vectors of a serialized `common.PlaceholderGroup`. Their length is compared with the field's by the
 * service, which knows it (`vectorBytes`).
 * @throws RedkiteError `invalidParameter` for another vector type or vectors of unequal length.
 */
export function queryVectors(bytes: Uint8Array, annsField: string): QueryVectors {
  const group = decodeMessage(PlaceholderGroupSchema, bytes, 'invalidParameter')
  const [first] = group.placeholders
  if (!first || group.placeholders.length > 1) {
    throw fault('invalidParameter', `please specify one placeholder, got ${group.placeholders.length}`)
  }
  if (first.type !== PlaceholderType.FloatVector) {
    const name = ENGINE_NAMES[first.type]
    if (!name) throw fault('unimplemented', `search by ${PlaceholderType[first.type] ?? `type ${first.type}`}`)
    throw fault(
      'invalidParameter',
      `vector type must be the same, field ${annsField} - type VECTOR_FLOAT, search info type ${name}`,
    )
  }
  const { values } = first
  const vectorBytes = values[0]?.byteLength ?? 0
  const odd = values.findIndex((value) => value.byteLength !== vectorBytes)
  if (odd >= 0) {
    throw fault(
      'invalidParameter',
      `query vectors differ in size: vector 0 has ${vectorBytes} bytes, vector ${odd} has ${values[odd]?.byteLength}`,
    )
  }
  return { vectors: joined(values, vectorBytes), nq: values.length, vectorBytes }
}

/** A wrong length that is no multiple of 4 is left to the service's own check: only whole floats are kept. */
function joined(values: readonly Uint8Array[], vectorBytes: number): Float32Array {
  if (values.length === 1 && values[0]) return floatView(values[0])
  const dim = vectorBytes >> 2
  const all = new Float32Array(values.length * dim)
  values.forEach((value, query) => {
    all.set(floatView(value), query * dim)
  })
  return all
}

/** The mirror of `queryVectors`: a serialized `common.PlaceholderGroup`, the vectors being views until it is written. */
export function placeholderGroup({ vectors, nq }: Pick<QueryVectors, 'vectors' | 'nq'>): Uint8Array {
  const dim = nq === 0 ? 0 : vectors.length / nq
  const values = Array.from({ length: nq }, (_, query) => floatBytes(vectors.subarray(query * dim, (query + 1) * dim)))
  const placeholders = [{ tag: '$0', type: PlaceholderType.FloatVector, values }]
  return toBinary(PlaceholderGroupSchema, create(PlaceholderGroupSchema, { placeholders }))
}
