/** The query vectors of a REST body, as the type of the searched field reads them. */
import { fault } from '../../errors/error.ts'
import type { InCollection } from '../../model/calls.ts'
import { fieldTypeOf } from '../../model/fields/registry.ts'
import { isVectorType } from '../../model/fields/table.ts'
import { isVectorData, packedRow } from '../../model/vectors.ts'
import type { RestInput } from '../op.ts'
import type { QueryVectors } from '../wire/placeholders.ts'
import { notJson } from './body.ts'

/**
 * The vectors of `data`. JSON does not tell the types apart, so the collection is asked for, as Milvus' REST does.
 * @throws RedkiteError `restNotJson` for what is no vector of the field, `unimplemented` for text.
 */
export async function queryVectorsOf(
  { call }: Pick<RestInput, 'call'>,
  { db, collection }: InCollection,
  annsField: string,
  data: unknown,
): Promise<QueryVectors> {
  if (!Array.isArray(data)) throw notJson('data must be a list of vectors')
  const { schema } = await call('DescribeCollection', { db, collection, collectionId: 0n })
  const vectors = schema.fields.filter(({ type }) => isVectorType(type))
  const field = annsField === '' ? vectors[0] : vectors.find(({ name }) => name === annsField)
  // which field is wrong, or that one must be named, is for the service to say
  if (!field || field.type === 'FloatVector') return floatQueries(data)
  const read = fieldTypeOf(field).fromJson(field, data)
  if (!isVectorData(read) || read.kind === 'floatVector') throw new Error(`${field.name} is no vector`)
  const { kind } = read
  const values = read.kind === 'sparseVector' ? read.values : data.map((_, row) => packedRow(read, row))
  const vectorBytes = values[0]?.byteLength ?? 0
  return { vectors: new Float32Array(0), packed: { kind, values }, nq: values.length, vectorBytes }
}

/** `data` as float vectors. @throws RedkiteError `restNotJson` for ragged or non-numeric vectors */
function floatQueries(data: readonly unknown[]): QueryVectors {
  const [first] = data
  if (typeof first === 'string') throw fault('unimplemented', 'search by text')
  const dim = Array.isArray(first) ? first.length : 0
  const vectors = new Float32Array(data.length * dim)
  data.forEach((vector: unknown, query) => {
    if (!Array.isArray(vector)) throw notJson(`data[${query}] must be a vector: a list of numbers`)
    if (vector.length !== dim) {
      throw notJson(`data[${query}] has ${vector.length} numbers where data[0] has ${dim}`)
    }
    vector.forEach((value: unknown, at) => {
      if (typeof value !== 'number' && typeof value !== 'bigint') {
        throw notJson(`data[${query}][${at}] must be a number, got a ${typeof value}`)
      }
      vectors[query * dim + at] = Number(value)
    })
  })
  return { vectors, nq: data.length, vectorBytes: dim * 4 }
}
