import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { arbitraryFilter, arbitraryRow, arrayLeaves, columnLeaf, otherLeaf } from './arbitrary.test-support.ts'
import { type Naive, naiveText, naiveTruth, type Row } from './naive.test-support.ts'
import { openRows } from './rows-table.test-support.ts'

/** How many random filters; a long run: `FILTER_RUNS=60000`. */
const runs = Number(process.env['FILTER_RUNS'] ?? 800)
const table = openRows()

function agree(expr: Naive, rows: readonly Row[]): void {
  const text = naiveText(expr)
  table.fill(rows)
  const expected = rows.map((row) => naiveTruth(expr, row))
  assert.deepEqual(table.truths(text), expected, text)
}

test('each predicate as SQL has the truth the naive evaluator finds, UNKNOWN included', () => {
  const leaf = fc.oneof(columnLeaf, otherLeaf, arrayLeaves)
  fc.assert(fc.property(leaf, fc.array(arbitraryRow, { minLength: 1, maxLength: 6 }), agree), { numRuns: runs })
})

test('and so have and, or, not over them', () => {
  const filter = arbitraryFilter(fc.oneof(columnLeaf, otherLeaf, arrayLeaves))
  fc.assert(fc.property(filter, fc.array(arbitraryRow, { minLength: 1, maxLength: 4 }), agree), { numRuns: runs })
})
