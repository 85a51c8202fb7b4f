import { faultText } from '../../errors/error.ts'
import type { WriteRequest } from '../../model/calls.ts'
import { columnsFromJson } from '../../model/json-rows.ts'
import type { RestInput } from '../op.ts'
import { isObject } from '../wire/properties.ts'
import { collectionOf, requireFields, text } from './body.ts'

/**
 * The rows of `entities/insert` and `entities/upsert` as columns of the collection's schema, which is asked for first,
 * as Milvus' REST does; one object stands for a list of one.
 * @throws RedkiteError `restInsertData` for rows that are not objects or do not fit.
 */
export async function writeOf(input: RestInput): Promise<WriteRequest> {
  requireFields(input.body, 'CollectionDataReq', ['collectionName', 'data'])
  const { data } = input.body
  const rows: unknown[] = Array.isArray(data) ? data : [data]
  if (rows.length === 0) throw badRows('data is empty')
  const odd = rows.findIndex((row) => !isObject(row))
  if (odd >= 0) throw badRows(`row ${odd} is not an object`)
  const where = collectionOf(input)
  const partition = text(input.body, 'partitionName')
  const { schema } = await input.call('DescribeCollection', { ...where, collectionId: 0n })
  return { ...where, partition, rows: columnsFromJson(schema, rows.filter(isObject)) }
}

function badRows(reason: string): Error {
  return faultText('restInsertData', `fail to deal the insert data, error: ${reason}`)
}
