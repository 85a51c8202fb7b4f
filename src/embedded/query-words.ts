import { wordsOf } from '../engine/words.ts'
import { fault } from '../errors/error.ts'
import type { SearchRequest } from '../model/calls.ts'
import { checkSparse } from '../model/fields/sparse-float-vector.ts'
import { fieldTypes } from '../model/fields/table.ts'
import type { FieldSchema } from '../model/schema.ts'
import { isVectorKind, rowBytes, type VectorKind } from '../model/vectors.ts'

/** Milvus' C++ names of the vector types, as its texts print them. */
const ENGINE_NAMES: Readonly<Record<VectorKind, string>> = {
  binaryVector: 'VECTOR_BINARY',
  floatVector: 'VECTOR_FLOAT',
  float16Vector: 'VECTOR_FLOAT16',
  bfloat16Vector: 'VECTOR_BFLOAT16',
  sparseVector: 'VECTOR_SPARSE_U32_F32',
  int8Vector: 'VECTOR_INT8',
}

type Queries = Pick<SearchRequest, 'vectors' | 'packed' | 'vectorBytes'>

/** @throws RedkiteError with Milvus' text when the query vectors are not of the field's type and size. */
export function checkQueries(field: FieldSchema, { packed, vectorBytes }: Queries): void {
  const { kind } = fieldTypes[field.type]
  const given = packed?.kind ?? 'floatVector'
  if (kind === null || !isVectorKind(kind)) throw new Error(`field ${field.name} is no vector`)
  if (given !== kind) {
    throw fault(
      'invalidParameter',
      `vector type must be the same, field ${field.name} - type ${ENGINE_NAMES[kind]}, search info type ${ENGINE_NAMES[given]}`,
    )
  }
  if (packed && kind === 'sparseVector') {
    packed.values.forEach((value, query) => {
      checkSparse(value, `query ${query}`)
    })
    return
  }
  const expected = rowBytes(kind, field.dim)
  if (vectorBytes !== expected) {
    throw fault(
      'invalidParameter',
      `vector dimension mismatch, expected vector size(byte) ${expected}, actual ${vectorBytes}.`,
    )
  }
}

/** The queries as the engine takes them. */
export function queryWords(field: FieldSchema, { vectors, packed }: Queries): Float32Array {
  if (!packed) return vectors
  const { kind, values } = packed
  return wordsOf(kind === 'sparseVector' ? { kind, values } : { kind, dim: field.dim, values: Buffer.concat(values) })
}
