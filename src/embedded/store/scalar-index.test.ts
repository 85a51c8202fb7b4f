import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { idField, openPool, range, sampleFields, sampleRows, temporaryDirectory } from './test-support.ts'

/** How SQLite would answer, from a connection of its own. */
function planOf(directory: string, sql: string): string {
  const db = new DatabaseSync(join(directory, 'rows.db'), { readOnly: true })
  try {
    return db
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all(7n)
      .map((row) => String(row['detail']))
      .join('; ')
  } finally {
    db.close()
  }
}

const COUNT = 'SELECT count(*) FROM rows WHERE (f102 = ?)'
/** As `Reader.matching` asks. */
const MATCHING = 'SELECT rid FROM rows WHERE rid > 0 AND rid <= 1000 AND (f102 = ?) ORDER BY rid LIMIT -1'

test('a scalar index is a SQLite index that counts and filtered searches use, until it is dropped', async () => {
  using directory = temporaryDirectory()
  await using pool = openPool()
  await using store = await pool.open(directory.path, { fields: sampleFields })
  await store.write({ kind: 'insert', rows: sampleRows(range(1, 1000)) })
  assert.match(planOf(directory.path, COUNT), /SCAN rows/)
  await store.write({ kind: 'scalarIndex', column: 'f102', wanted: true })
  for (const sql of [COUNT, MATCHING]) assert.match(planOf(directory.path, sql), /USING (COVERING )?INDEX rows_f102/)
  assert.equal(await store.count({ sql: 'f102 = ?', params: [7n] }, null), 1)
  await store.write({ kind: 'scalarIndex', column: 'f102', wanted: false })
  assert.match(planOf(directory.path, COUNT), /SCAN rows/)
})

test('expire deletes what was written up to a time, by an index on it, and tells the oldest row left', async () => {
  using directory = temporaryDirectory()
  await using pool = openPool()
  await using store = await pool.open(directory.path, { fields: sampleFields })
  for (const ts of [10n, 20n, 30n]) await store.write({ kind: 'insert', rows: { ...sampleRows([Number(ts)]), ts } })
  const first = await store.write({ kind: 'expire', upTo: 20n })
  assert.deepEqual([[...first.deletedRids], first.oldestTs], [[1, 2], 30n])
  const { columns } = await store.query({ where: null, partitions: null, limit: null, offset: 0, fields: [idField] })
  assert.deepEqual(columns[0]?.data.values, BigInt64Array.of(30n))
  assert.match(planOf(directory.path, 'SELECT rid FROM rows WHERE ts <= ?'), /INDEX rows_ts/)
  const last = await store.write({ kind: 'expire', upTo: 30n })
  assert.equal(last.oldestTs, null)
})
