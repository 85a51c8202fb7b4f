import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { arrayText } from '../model/fields/array.ts'
import { fieldTypes } from '../model/fields/table.ts'
import { type FieldSchema, sqlColumn } from '../model/schema.ts'
import { testSchema } from './arbitrary.test-support.ts'
import { compileFilter, toSql } from './filter.ts'
import { jsonText, type Row, type Truth } from './naive.test-support.ts'

export const testOptions = { plan: 'query', bytesMax: 1 << 20, depthMax: 64 } as const

/** The scalar columns of `testSchema`, `meta` too. */
export const testColumns: readonly FieldSchema[] = [
  ...testSchema.fields.filter((field) => !fieldTypes[field.type].isVector),
  ...(testSchema.dynamic ? [testSchema.dynamic] : []),
]

/** A `rows` table as the row store has it, in memory. */
export interface RowsTable {
  fill(rows: readonly Row[]): void
  /** The filter's truth of each row, in order. */
  truths(text: string): Truth[]
}

export function openRows(): RowsTable {
  const db = new DatabaseSync(':memory:')
  const declared = testColumns.map((field) => `${sqlColumn(field)} ${fieldTypes[field.type].sql}`)
  db.exec(`CREATE TABLE rows (rid INTEGER PRIMARY KEY, ${declared.join()})`)
  const insert = db.prepare(`INSERT INTO rows VALUES (?, ${testColumns.map(() => '?').join()})`)
  return {
    fill(rows) {
      db.exec('DELETE FROM rows')
      rows.forEach((row, rid) => {
        insert.run(rid, ...testColumns.map((field) => stored(field, row)))
      })
    },
    truths(text) {
      const expr = compileFilter(text, testSchema, {}, testOptions)
      assert.ok(expr)
      const { sql, params } = toSql(expr)
      const found = db.prepare(`SELECT (${sql}) AS truth FROM rows ORDER BY rid`).all(...params)
      return found.map(({ truth }) => (truth === null ? null : truth === 1))
    },
  }
}

function stored(field: FieldSchema, row: Row): null | bigint | number | string {
  const value = row[field.name] ?? null
  if (value === null) return null
  if (field.type === 'JSON') return jsonText(value)
  if (field.type === 'Array' && Array.isArray(value)) return arrayText(value)
  if (typeof value === 'boolean') return value ? 1n : 0n
  return typeof value === 'object' ? null : value
}
