/** Vector columns between the wire's `VectorField` and memory: dense ones stay views of the received bytes. */
import type { MessageInitShape } from '@bufbuild/protobuf'
import { fault } from '../../errors/error.ts'
import type { VectorField, VectorFieldSchema } from '../../gen/schema_pb.js'
import { emptyVectors, type PackedKind, rowBytes, type VectorData, type VectorKind } from '../../model/vectors.ts'
import { floatBytes, storedFloats } from './floats.ts'

/** Milvus' words for the data of a type, in its texts about lengths. */
const WORDS = { float16Vector: 'float16', bfloat16Vector: 'bfloat16', int8Vector: 'int8' } as const

/**
 * The vectors of a column. A column without data is an empty one of the declared type.
 * @param declared by the column's type; null = unknown, or no vector
 * @throws RedkiteError `invalidParameter` where the values are of another type or no whole number of rows.
 */
export function vectorsIn(vectors: VectorField, name: string, declared: VectorKind | null): VectorData {
  const dim = Number(vectors.dim)
  const found = dataIn(vectors, dim, name) ?? emptyVectors(declared ?? 'floatVector', 0, dim)
  if (declared !== null && found.kind !== declared) {
    throw fault(
      'invalidParameter',
      `the ${declared} field '${name}' is illegal, array type mismatch: got ${found.kind}`,
    )
  }
  return found
}

function dataIn({ data }: VectorField, dim: number, name: string): VectorData | null {
  switch (data.case) {
    case undefined:
      return null
    case 'floatVector': {
      const values = storedFloats(data.value.data)
      checkDim(dim, name)
      if (values.length % dim !== 0) throw notWhole(values.length, 'float', dim)
      return { kind: 'floatVector', dim, values }
    }
    case 'sparseFloatVector':
      return { kind: 'sparseVector', values: data.value.contents }
    case 'binaryVector':
    case 'float16Vector':
    case 'bfloat16Vector':
    case 'int8Vector':
      return packed(data.case, dim, data.value, name)
    default:
      throw fault('unimplemented', `${data.case} (field ${name})`)
  }
}

function packed(kind: PackedKind, dim: number, values: Uint8Array, name: string): VectorData {
  checkDim(dim, name)
  if (kind === 'binaryVector') {
    if (dim % 8 !== 0) throw fault('invalidParameter', `the dim(${dim}) of field data(${name}) should divide 8`)
    if ((values.byteLength * 8) % dim !== 0) {
      const text = `the num(${values.byteLength * 8}) of all bits should divide the dim(${dim})`
      throw fault('invalidParameter', text)
    }
  } else if (values.byteLength % rowBytes(kind, dim) !== 0) throw notWhole(values.byteLength, WORDS[kind], dim)
  return { kind, dim, values }
}

function checkDim(dim: number, name: string): void {
  if (dim > 0) return
  throw fault('invalidParameter', `the dim (${dim}) of field data(${name}) should be greater than 0`)
}

function notWhole(length: number, word: string, dim: number): Error {
  return fault('invalidParameter', `the length(${length}) of ${word} data should divide the dim(${dim})`)
}

/** The mirror of `vectorsIn`; the bytes are views until the message is written. */
export function vectorsOut(data: VectorData): MessageInitShape<typeof VectorFieldSchema> {
  switch (data.kind) {
    case 'floatVector':
      return {
        dim: BigInt(data.dim),
        data: { case: 'floatVector', value: { data: floatBytes(data.values) } },
      }
    case 'sparseVector': {
      const dim = BigInt(sparseDim(data.values))
      return { dim, data: { case: 'sparseFloatVector', value: { dim, contents: [...data.values] } } }
    }
    default:
      return { dim: BigInt(data.dim), data: { case: data.kind, value: data.values } }
  }
}

/** One more than the largest index: the last of each row, since they ascend. */
function sparseDim(rows: readonly Uint8Array[]): number {
  let dim = 0
  for (const row of rows) {
    if (row.byteLength < 8) continue
    const last = new DataView(row.buffer, row.byteOffset, row.byteLength).getUint32(row.byteLength - 8, true)
    dim = Math.max(dim, last + 1)
  }
  return dim
}
