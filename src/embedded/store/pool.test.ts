import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { FieldTypeName } from '../../model/fields/table.ts'
import { dynamicField } from '../../model/schema.ts'
import type { RowStore } from './contract.ts'
import {
  column,
  DIM,
  field,
  idField,
  labelField,
  labels,
  longs,
  openPool,
  plain,
  range,
  sampleFields,
  sampleRows,
  temporaryDirectory,
  vecField,
  vectors,
} from './test-support.ts'

async function withStore(use: (store: RowStore, reopen: () => Promise<RowStore>) => Promise<void>): Promise<void> {
  using directory = temporaryDirectory()
  await using pool = openPool()
  const path = join(directory.path, 'deep', 'collection')
  const open = () => pool.open(path, { fields: sampleFields })
  const store = await open()
  await use(store, async () => {
    await store[Symbol.asyncDispose]()
    return await open()
  })
}
const insert = (keys: readonly number[], value?: (key: number) => number, partition?: number) =>
  ({ kind: 'insert', rows: sampleRows(keys, value, partition) }) as const

describe('row store', () => {
  it('keeps every type exactly', async () => {
    using directory = temporaryDirectory()
    await using pool = openPool()
    const types: FieldTypeName[] = ['Bool', 'Int8', 'Int32', 'Int64', 'Float', 'Double', 'VarChar', 'JSON']
    const fields = [
      field(100, 'pk', 'VarChar', { isPrimary: true }),
      field(101, 'vec', 'FloatVector', { dim: 2 }),
      ...types.map((type, i) => field(102 + i, type, type, { nullable: true })),
      dynamicField(110),
    ]
    const store = await pool.open(directory.path, { fields })
    const float = Math.fround(0.1)
    const written = [
      column('Bool', { kind: 'bool', values: Uint8Array.of(1, 0, 0) }, Uint8Array.of(1, 1, 0)),
      column('Int8', { kind: 'int', values: Int32Array.of(-128, 127, 0) }),
      column('Int32', { kind: 'int', values: Int32Array.of(-(2 ** 31), 2 ** 31 - 1, 0) }),
      column('Int64', longs([-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n])),
      column('Float', { kind: 'float', values: Float32Array.of(float, 3.4028234663852886e38, 1e-45) }),
      column('Double', { kind: 'double', values: Float64Array.of(0.1, Number.MAX_VALUE, 5e-324) }),
      column('VarChar', { kind: 'string', values: ['a\0b', '', '赤鳶🪁'] }),
      column('JSON', { kind: 'json', values: ['{"a":[1,2.5,null]}', '"x"', ''] }, Uint8Array.of(1, 1, 0)),
      column('$meta', { kind: 'json', values: ['{}', '{"k":"v"}', '{"n":9007199254740993}'] }),
    ]
    await store.write({
      kind: 'insert',
      rows: {
        partition: 7,
        rowCount: 3,
        pks: { kind: 'string', values: ['b', 'a', 'ü'] },
        scalars: written,
        vectors: [
          column(
            'vec',
            vectors(
              [
                [float, -0],
                [1, 2],
                [3e38, 1e-45],
              ],
              2,
            ),
          ),
        ],
        ts: 2n ** 62n,
      },
    })
    const { alive, columns } = await store.fetch(Float64Array.of(1, 2, 3), fields)
    assert.deepEqual([...alive], [1, 1, 1])
    assert.deepEqual(plain(columns[0]), ['b', 'a', 'ü'])
    assert.deepEqual(plain(columns[1]), [
      [float, -0],
      [1, 2],
      [Math.fround(3e38), Math.fround(1e-45)],
    ])
    assert.deepEqual(columns.slice(2).map(plain), written.map(plain))
    assert.deepEqual(
      columns.slice(2).map((c) => [c.field, c.data.kind, c.dynamic]),
      written.map((c) => [c.field, c.data.kind, c.dynamic]),
    )
    const sorted = await store.query({ where: null, partitions: [7], limit: 2, offset: 1, fields })
    assert.deepEqual(plain(sorted.columns[0]), ['b', 'ü'], 'ascending keys, after the offset')
  })

  it('shows a write to every reader as soon as it is acknowledged', async () => {
    await withStore(async (store) => {
      for (let i = 1; i <= 100; i++) {
        const { firstRid } = await store.write(insert([i]))
        const [count, { alive }] = await Promise.all([
          store.count(null, null),
          store.fetch(Float64Array.of(firstRid), [idField]),
        ])
        assert.deepEqual([count, alive[0], store.rowCount, store.lastRid], [i, 1, i, i])
      }
    })
  })

  it('upserts, deletes by key, by filter and by partition, and tells the row ids', async () => {
    await withStore(async (store) => {
      assert.deepEqual(await store.write(insert([1, 2, 3])), {
        firstRid: 1,
        inserted: 3,
        deletedRids: new Float64Array(),
      })
      await store.write(insert([4, 5, 6], undefined, 2))
      const rows = sampleRows([2, 9], () => 77)
      const upserted = await store.write({ kind: 'upsert', replaces: longs([2, 5, 404]), rows })
      assert.deepEqual(upserted, { firstRid: 7, inserted: 2, deletedRids: Float64Array.of(2, 5) })
      assert.deepEqual(
        [...(await labels(store))],
        [
          [1n, 1n],
          [2n, 77n],
          [3n, 3n],
          [4n, 4n],
          [6n, 6n],
          [9n, 77n],
        ],
      )

      const elsewhere = await store.write({ kind: 'deletePks', pks: longs([4, 1]), partitions: [1] })
      assert.deepEqual([...elsewhere.deletedRids], [1], 'key 4 lies in another partition')
      const where = { sql: 'f102 = ? OR meta ->> ? = ?', params: [77n, '$.key', 3] }
      assert.deepEqual(
        [...(await store.write({ kind: 'deleteWhere', where, partitions: null })).deletedRids],
        [3, 7, 8],
      )
      assert.deepEqual([...(await store.write({ kind: 'dropPartition', partition: 2 })).deletedRids], [4, 6])
      assert.deepEqual([store.rowCount, await store.count(null, null)], [0, 0])
      assert.deepEqual([...(await store.deadRids(1, 7))], [2, 3, 4, 5, 6, 7])
    })
  })

  it('never gives a row id twice, also after a restart', async () => {
    await withStore(async (store, reopen) => {
      await store.write(insert([1, 2, 3]))
      await store.write({ kind: 'deletePks', pks: longs([2, 3]), partitions: null })
      const again = await reopen()
      assert.deepEqual([again.rowCount, again.lastRid], [1, 3])
      assert.equal((await again.write(insert([4]))).firstRid, 4)
      await assert.rejects(store.count(null, null), /is being closed/)
    })
  })

  it('answers scans within the bounds', async () => {
    await withStore(async (store) => {
      await store.write(insert(range(1, 50), (key) => key % 5))
      await store.write(insert(range(51, 50), (key) => key % 5, 2))
      await store.write({ kind: 'deletePks', pks: longs([20, 30]), partitions: null })
      const where = { sql: 'f102 = ?', params: [0] }
      assert.deepEqual([await store.count(where, null), await store.count(where, [2])], [18, 10])
      assert.equal(await store.count(null, []), 0, 'no partition is not every partition')
      const all = Number.POSITIVE_INFINITY
      assert.deepEqual([...(await store.matching(where, null, 10, 40, all))], [15, 25, 35, 40])
      assert.deepEqual([...(await store.matching(where, [2], 0, all, 3))], [55, 60, 65])
      assert.deepEqual([...(await store.matching(null, null, 97, 1e9, all))], [98, 99, 100])
      const query = { where, partitions: null, limit: 3, offset: 2, fields: [labelField, vecField, idField] }
      const { rowCount, columns } = await store.query(query)
      assert.equal(rowCount, 3)
      assert.deepEqual(columns.map(plain), [[0n, 0n, 0n], Array(3).fill([0, 0, 0, 0]), [15n, 25n, 35n]])
    })
  })

  it('fetches in the order asked for, here and in a reader thread alike', async () => {
    await withStore(async (store) => {
      await store.write(insert(range(1, 300)))
      await store.write({ kind: 'deletePks', pks: longs([7]), partitions: null })
      for (const rids of [
        [5, 7, 3, 5, 999],
        [...range(1, 300).reverse(), 999],
      ]) {
        const { alive, columns } = await store.fetch(Float64Array.from(rids), [vecField, idField])
        const gone = (rid: number) => rid === 7 || rid === 999
        assert.deepEqual(
          [...alive],
          rids.map((rid) => (gone(rid) ? 0 : 1)),
        )
        assert.deepEqual(
          plain(columns[0]),
          rids.map((rid) => (gone(rid) ? null : Array(DIM).fill(rid))),
        )
        assert.deepEqual(
          plain(columns[1]),
          rids.map((rid) => (gone(rid) ? null : BigInt(rid))),
        )
      }
    })
  })

  it('reads live vectors with their scalars, over piece boundaries and rows without a vector', async () => {
    using directory = temporaryDirectory()
    await using pool = openPool()
    const dim = 20_000
    const wide = field(101, 'vec', 'FloatVector', { dim, nullable: true })
    const store = await pool.open(directory.path, { fields: [idField, wide, labelField] })
    const count = 20
    const data = vectors(
      range(1, count).map((key) => Array(dim).fill(key)),
      dim,
    )
    const valid = Uint8Array.from(range(1, count), (key) => (key === 4 ? 0 : 1))
    await store.write({
      kind: 'insert',
      rows: { ...sampleRows(range(1, count)), vectors: [column('vec', data, valid)] },
    })
    await store.write({ kind: 'deletePks', pks: longs([9]), partitions: null })
    const read = await store.readVectors(wide, [labelField], 2, 100, 15)
    assert.deepEqual(
      [...read.rids],
      range(3, 17).filter((rid) => rid !== 4 && rid !== 9),
    )
    assert.deepEqual(plain(read.scalars[0]), Array.from(read.rids, BigInt))
    read.rids.forEach((rid, i) => {
      assert.ok(read.vectors.subarray(i * dim, (i + 1) * dim).every((value) => value === rid))
    })
    assert.equal((await store.readVectors(wide, [labelField], 20, 100, 15)).rids.length, 0)
  })

  it('undoes a change that fails alone', async () => {
    await withStore(async (store) => {
      const bad = { sql: 'json_extract(?, ?) = 1', params: ['{broken', '$.a'] }
      const results = await Promise.allSettled([
        store.write(insert([1])),
        store.write({ kind: 'insert', rows: { ...sampleRows([2, 3]), pks: longs([2]) } }),
        store.write(insert([4])),
        store.write({ kind: 'deleteWhere', where: bad, partitions: null }),
        store.write(insert([5])),
      ])
      assert.deepEqual(
        results.map((result) => (result.status === 'fulfilled' ? result.value.firstRid : result.reason.kind)),
        [1, 'serviceInternal', 2, 'serviceInternal', 3],
      )
      assert.deepEqual([...(await labels(store)).keys()], [1n, 4n, 5n])
      assert.equal(store.rowCount, 3)
    })
  })

  it('adds the columns of fields that came later', async () => {
    using directory = temporaryDirectory()
    await using pool = openPool()
    const old = await pool.open(directory.path, { fields: sampleFields })
    await old.write(insert([1]))
    await old[Symbol.asyncDispose]()
    const added = field(104, 'added', 'VarChar', { nullable: true })
    const store = await pool.open(directory.path, { fields: [...sampleFields, added] })
    assert.deepEqual(plain((await store.fetch(Float64Array.of(1), [added])).columns[0]), [null])
  })
})
