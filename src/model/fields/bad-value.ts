import { faultText, type RedkiteError } from '../../errors/error.ts'
import type { FieldSchema } from '../schema.ts'

/** A JSON value that does not fit its field, as Milvus words it on REST (code 1804). */
export function badJson(field: FieldSchema, row: number, value: unknown): RedkiteError {
  const shown = JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? v.toString() : v)) ?? 'undefined'
  const clipped = shown.length > 80 ? `${shown.slice(0, 77)}...` : shown
  return badRow(
    row,
    `value ${clipped} of field ${field.name} does not fit its type ${field.type}; send a value of that type`,
  )
}

/** A row of a REST insert that cannot be taken. */
export function badRow(row: number, why: string): RedkiteError {
  return faultText('restInsertData', `fail to deal the insert data, error: row ${row}: ${why}`)
}
