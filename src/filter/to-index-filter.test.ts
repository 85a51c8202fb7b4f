import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import * as zvec from '@zvec/zvec'
import fc from 'fast-check'
import type { FieldSchema } from '../model/schema.ts'
import { sqlColumn } from '../model/schema.ts'
import { arbitraryFilter, arbitraryRow, columnLeaf, testSchema } from './arbitrary.test-support.ts'
import { compileFilter, toIndexFilter } from './filter.ts'
import { naiveText, type Row } from './naive.test-support.ts'
import { openRows, testColumns, testOptions } from './rows-table.test-support.ts'

const runs = Number(process.env['FILTER_RUNS'] ?? 400)
const ROWS = 300

/** The columns a segment carries, with the types the engine gives them. */
const carried = testColumns.filter((field) => field.type !== 'JSON' && field.type !== 'Array')
const pushable = new Set(carried.map(sqlColumn))

function zvecType(type: FieldSchema['type']): zvec.ZVecFieldSchema['dataType'] {
  const { ZVecDataType: t } = zvec
  const types = { Bool: t.BOOL, Int8: t.INT32, Int32: t.INT32, Int64: t.INT64, VarChar: t.STRING }
  return Object.entries(types).find(([name]) => name === type)?.[1] ?? t.DOUBLE
}

/** What the index can hold exactly: rows with larger integers make the engine take the field out of `pushable`. */
function holdable(row: Row): Row {
  const cut = (value: Row[string]): Row[string] => (typeof value === 'bigint' ? BigInt.asIntN(50, value) : value)
  return Object.fromEntries(Object.entries(row).map(([key, value]) => [key, key === 'doc' ? value : cut(value)]))
}

const directory = mkdtempSync(join(tmpdir(), 'redkite-filter-'))
const rows = fc.sample(arbitraryRow, { numRuns: ROWS, seed: 7 }).map(holdable)
const table = openRows()
table.fill(rows)

function openIndex(name: string, optimised: boolean): zvec.ZVecCollection {
  const indexParams = { indexType: zvec.ZVecIndexType.INVERT } as const
  const collection = zvec.ZVecCreateAndOpen(
    join(directory, name),
    new zvec.ZVecCollectionSchema({
      name: 'segment',
      vectors: {
        name: 'v',
        dataType: zvec.ZVecDataType.VECTOR_FP32,
        dimension: 2,
        indexParams: { indexType: zvec.ZVecIndexType.HNSW, metricType: zvec.ZVecMetricType.L2 },
      },
      fields: carried.map((field) => ({
        name: sqlColumn(field),
        dataType: zvecType(field.type),
        nullable: true,
        indexParams,
      })),
    }),
  )
  const docs = rows.map((row, rid) => ({ id: String(rid), vectors: { v: [rid, 1] }, fields: carriedValues(row) }))
  assert.ok(collection.insertSync(docs).every((status) => status.ok))
  if (optimised) collection.optimizeSync()
  return collection
}

function carriedValues(row: Row): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const field of carried) {
    const value = row[field.name] ?? null
    if (value !== null) values[sqlColumn(field)] = typeof value === 'bigint' ? Number(value) : value
  }
  return values
}

const indexes = [openIndex('growing', false), openIndex('sealed', true)]
after(() => {
  for (const index of indexes) index.closeSync()
  rmSync(directory, { recursive: true, force: true })
})

function indexFilter(text: string): string | null {
  const expr = compileFilter(text, testSchema, {}, testOptions)
  assert.ok(expr)
  return toIndexFilter(expr, pushable)
}

test('a pushed filter selects in the native index the rows that SQL selects', () => {
  let pushed = 0
  fc.assert(
    fc.property(arbitraryFilter(columnLeaf), (expr) => {
      const text = naiveText(expr)
      const filter = indexFilter(text)
      if (filter === null) return
      pushed += 1
      const expected = table.truths(text).flatMap((truth, rid) => (truth === true ? [rid] : []))
      for (const index of indexes) {
        const found = index.querySync({ fieldName: 'v', vector: [0, 0], topk: ROWS, filter })
        const rids = found.map((doc) => Number(doc.id)).sort((a, b) => a - b)
        assert.deepEqual(rids, expected, `${text}  =>  ${filter}`)
      }
    }),
    { numRuns: runs },
  )
  assert.ok(pushed > runs / 4, `only ${pushed} of ${runs} were pushed`)
})

test('negation moves into the leaves', () => {
  const filter = indexFilter('not (small > 1 and (name == "a" or not (price is null))) or large not in [1, 2]')
  assert.equal(
    filter,
    '((f101 <= 1 or ((f103 < "a" or f103 > "a") and f104 is null)) or (f102 not in (1,2) and f102 is not null))',
  )
})

test('what the index cannot say exactly is not pushed', () => {
  for (const text of [
    'small + 1 == 2',
    'small < large',
    'doc["a"] == 1',
    'color == "red"',
    'name like "%a"',
    'name like "a%b"',
    'not (name like "a%")',
    'name == "back\\\\slash"',
    'name == "it\'s \\"both\\""',
    'name == "two\\nlines"',
    'large == 9007199254740993',
    'small < 3000000000',
    'price < 5e-324',
    'small in []',
    'small == 1 or json_contains(doc["a"], 1)',
  ]) {
    assert.equal(indexFilter(text), null, text)
  }
})

test('a column that is not pushable keeps the whole filter back', () => {
  const expr = compileFilter('small > 1 and large > 1', testSchema, {}, testOptions)
  assert.ok(expr)
  assert.equal(toIndexFilter(expr, new Set(['f101'])), null)
  assert.equal(toIndexFilter(expr, new Set(['f101', 'f102'])), '(f101 > 1 and f102 > 1)')
})

test('more leaves or levels than the native parser should see are not pushed', () => {
  const many = Array.from({ length: 300 }, (_, i) => `(small > ${i} and name > "${i}")`).join(' or ')
  assert.equal(indexFilter(many), null)
  const deep = `${'(small > 1 and (name > "a" or '.repeat(12)}large > 1${'))'.repeat(12)}`
  assert.equal(indexFilter(deep), null)
})
