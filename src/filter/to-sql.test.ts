import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import fc from 'fast-check'
import { sqlColumn } from '../model/schema.ts'
import { arbitraryFilter, arbitraryRow, columnLeaf, otherLeaf, testSchema } from './arbitrary.test-support.ts'
import { compileFilter, toSql } from './filter.ts'
import { jsonText, type Naive, naiveText, naiveTruth, type Row, type Truth } from './naive.test-support.ts'

const options = { plan: 'query', bytesMax: 1 << 20, depthMax: 64 } as const
const { dynamic } = testSchema
const columns = [...testSchema.fields.filter((f) => f.type !== 'FloatVector'), ...(dynamic ? [dynamic] : [])]

function openRows(): { fill(rows: readonly Row[]): void; truths(text: string): Truth[] } {
  const db = new DatabaseSync(':memory:')
  const types = { Int64: 'INTEGER', Int32: 'INTEGER', Int8: 'INTEGER', Bool: 'INTEGER', Float: 'REAL', Double: 'REAL' }
  const declared = columns.map(
    (f) => `${sqlColumn(f)} ${Object.entries(types).find(([t]) => t === f.type)?.[1] ?? 'TEXT'}`,
  )
  db.exec(`CREATE TABLE rows (rid INTEGER PRIMARY KEY, ${declared.join()})`)
  const insert = db.prepare(`INSERT INTO rows VALUES (?, ${columns.map(() => '?').join()})`)
  return {
    fill(rows) {
      db.exec('DELETE FROM rows')
      rows.forEach((row, rid) => {
        insert.run(
          rid,
          ...columns.map((field) => {
            const value = row[field.name] ?? null
            if (field.type === 'JSON') return value === null ? null : jsonText(value)
            if (typeof value === 'boolean') return value ? 1n : 0n
            return value === null || typeof value === 'object' ? null : value
          }),
        )
      })
    },
    truths(text) {
      const expr = compileFilter(text, testSchema, {}, options)
      assert.ok(expr)
      const { sql, params } = toSql(expr)
      const found = db.prepare(`SELECT (${sql}) AS truth FROM rows ORDER BY rid`).all(...params)
      return found.map(({ truth }) => (truth === null ? null : truth === 1))
    },
  }
}

const rowsTable = openRows()

function agree(expr: Naive, rows: readonly Row[]): void {
  const text = naiveText(expr)
  rowsTable.fill(rows)
  const expected = rows.map((row) => naiveTruth(expr, row))
  assert.deepEqual(rowsTable.truths(text), expected, text)
}

test('each predicate gives the truth of the naive evaluator, UNKNOWN included', () => {
  fc.assert(
    fc.property(fc.oneof(columnLeaf, otherLeaf), fc.array(arbitraryRow, { minLength: 1, maxLength: 6 }), agree),
    { numRuns: Number(process.env['FILTER_RUNS'] ?? 1500) },
  )
})

test('and, or, not over them too', () => {
  fc.assert(
    fc.property(
      arbitraryFilter(fc.oneof(columnLeaf, otherLeaf)),
      fc.array(arbitraryRow, { minLength: 1, maxLength: 4 }),
      agree,
    ),
    { numRuns: Number(process.env['FILTER_RUNS'] ?? 500) },
  )
})
