import type { Column, ColumnBatch } from './columns.ts'
import { badRow } from './fields/bad-value.ts'
import { jsonText } from './fields/json.ts'
import { fieldTypeOf } from './fields/registry.ts'
import { type CollectionSchema, DYNAMIC_FIELD, type FieldSchema } from './schema.ts'

type Row = Readonly<Record<string, unknown>>

/**
 * REST's row objects as columns: one for each field that any row names, and `$meta` for the keys that no field has.
 * Absent and null values are marked invalid, or left to the field's default.
 * @throws RedkiteError `restInsertData` naming field, row and value; `invalidParameter` for a type that is not served
 */
export function columnsFromJson(schema: CollectionSchema, rows: readonly Row[]): ColumnBatch {
  const columns = schema.fields.flatMap((field) => fieldColumn(field, rows) ?? [])
  const known = new Set(schema.fields.map((field) => field.name))
  const extras = rows.map((row) => Object.entries(row).filter(([key, value]) => !known.has(key) && value !== null))
  if (!extras.some((extra) => extra.length > 0)) return { rowCount: rows.length, columns }
  const values = extras.map((extra) => jsonText(Object.fromEntries(extra)))
  const data = { kind: 'json', values } as const
  const dynamic: Column = { field: DYNAMIC_FIELD, data, valid: null, dynamic: true, type: 'JSON' }
  return { rowCount: rows.length, columns: [...columns, dynamic] }
}

function fieldColumn(field: FieldSchema, rows: readonly Row[]): Column | null {
  const values = rows.map((row) => row[field.name])
  const isPresent = (value: unknown): boolean => value !== undefined && value !== null
  const present = values.filter(isPresent).length
  if (present === 0) return null
  if (present < rows.length && !field.nullable && field.defaultValue === null) {
    const row = values.findIndex((value) => !isPresent(value))
    throw badRow(row, `no value for field ${field.name}; send one for each row`)
  }
  const valid = present === rows.length ? null : Uint8Array.from(values, (value) => Number(isPresent(value)))
  const data = fieldTypeOf(field).fromJson(field, values)
  const column = { field: field.name, data, valid, dynamic: false, type: field.type }
  return field.elementType === null ? column : { ...column, elementType: field.elementType }
}
