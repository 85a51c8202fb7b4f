import { faultText } from '../../errors/error.ts'
import type { WriteRequest } from '../../model/calls.ts'
import type { RestInput } from '../op.ts'
import { isObject } from '../wire/properties.ts'
import { collectionOf, requireFields, text } from './body.ts'

/**
 * The rows of `entities/insert` and `entities/upsert`; one object stands for a list of one.
 * @throws RedkiteError `restInsertData` for rows that are not objects.
 */
export function writeOf(input: RestInput): WriteRequest {
  requireFields(input.body, 'CollectionDataReq', ['collectionName', 'data'])
  const { data } = input.body
  const rows: unknown[] = Array.isArray(data) ? data : [data]
  if (rows.length === 0) throw badRows('data is empty')
  const odd = rows.findIndex((row) => !isObject(row))
  if (odd >= 0) throw badRows(`row ${odd} is not an object`)
  return {
    ...collectionOf(input),
    partition: text(input.body, 'partitionName'),
    rows: { kind: 'json', rows: rows.filter(isObject) },
  }
}

function badRows(reason: string): Error {
  return faultText('restInsertData', `fail to deal the insert data, error: ${reason}`)
}
