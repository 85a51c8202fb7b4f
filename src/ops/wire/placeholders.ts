import { create, toBinary } from '@bufbuild/protobuf'
import { fault } from '../../errors/error.ts'
import { PlaceholderGroupSchema, PlaceholderType } from '../../gen/common_pb.js'
import type { PackedQueries } from '../../model/calls.ts'
import { decodeMessage } from '../wire.ts'
import { floatBytes, floatView } from './floats.ts'

/** Query vectors of a search: `nq` x dim floats, row-major, or `packed`; and the bytes of one vector as received. */
export interface QueryVectors {
  readonly vectors: Float32Array
  readonly packed?: PackedQueries
  readonly nq: number
  readonly vectorBytes: number
}

/** The other types of query vectors, by their placeholder. */
const packedKinds = new Map<PlaceholderType, PackedQueries['kind']>([
  [PlaceholderType.BinaryVector, 'binaryVector'],
  [PlaceholderType.Float16Vector, 'float16Vector'],
  [PlaceholderType.BFloat16Vector, 'bfloat16Vector'],
  [PlaceholderType.SparseFloatVector, 'sparseVector'],
  [PlaceholderType.Int8Vector, 'int8Vector'],
])

/**
 * The vectors of a serialized `common.PlaceholderGroup`. Their type and length are compared with the field's by the
 * service, which knows it (`vectorBytes`).
 * @throws RedkiteError `invalidParameter` for vectors of unequal length, `unimplemented` for what is no vector.
 */
export function queryVectors(bytes: Uint8Array): QueryVectors {
  const group = decodeMessage(PlaceholderGroupSchema, bytes, 'invalidParameter')
  const [first] = group.placeholders
  if (!first || group.placeholders.length > 1) {
    throw fault('invalidParameter', `please specify one placeholder, got ${group.placeholders.length}`)
  }
  const { values, type } = first
  const kind = packedKinds.get(type)
  if (type !== PlaceholderType.FloatVector && !kind) {
    throw fault('unimplemented', `search by ${PlaceholderType[type] ?? `type ${type}`}`)
  }
  const vectorBytes = values[0]?.byteLength ?? 0
  const odd = kind === 'sparseVector' ? -1 : values.findIndex((value) => value.byteLength !== vectorBytes)
  if (odd >= 0) {
    throw fault(
      'invalidParameter',
      `query vectors differ in size: vector 0 has ${vectorBytes} bytes, vector ${odd} has ${values[odd]?.byteLength}`,
    )
  }
  if (kind) return { vectors: new Float32Array(0), packed: { kind, values }, nq: values.length, vectorBytes }
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
export function placeholderGroup({ vectors, packed, nq }: Omit<QueryVectors, 'vectorBytes'>): Uint8Array {
  const dim = nq === 0 ? 0 : vectors.length / nq
  const type = [...packedKinds].find(([, kind]) => kind === packed?.kind)?.[0] ?? PlaceholderType.FloatVector
  const values = packed
    ? [...packed.values]
    : Array.from({ length: nq }, (_, query) => floatBytes(vectors.subarray(query * dim, (query + 1) * dim)))
  return toBinary(
    PlaceholderGroupSchema,
    create(PlaceholderGroupSchema, { placeholders: [{ tag: '$0', type, values }] }),
  )
}
