import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Applied, Change, RowStore } from './contract.ts'
import {
  idField,
  labelField,
  longs,
  openPool,
  plain,
  sampleFields,
  sampleRows,
  temporaryDirectory,
  vecField,
} from './test-support.ts'

interface Row {
  readonly key: number
  readonly label: number
  readonly partition: number
}

/** The row store as plain maps: every row by its row id. */
class Model {
  readonly rows = new Map<number, Row>()
  readonly dead: number[] = []
  lastRid = 0

  apply(step: Step): Applied {
    const gone = [...this.rows].filter(([, row]) => step.deletes(row)).map(([rid]) => rid)
    for (const rid of gone) this.rows.delete(rid)
    this.dead.push(...gone)
    const firstRid = this.lastRid + 1
    for (const row of step.inserts) this.rows.set(++this.lastRid, row)
    return { firstRid, inserted: step.inserts.length, deletedRids: Float64Array.from(gone) }
  }
}

/** A change with its meaning, told independently of SQL. */
interface Step {
  readonly change: Change
  readonly inserts: readonly Row[]
  readonly deletes: (row: Row) => boolean
}

const KEYS = 12
const keys = fc.uniqueArray(fc.nat(KEYS), { minLength: 1, maxLength: 6 })
const label = fc.integer({ min: 0, max: 3 })
const partition = fc.integer({ min: 1, max: 3 })
const partitions = fc.option(fc.uniqueArray(partition, { maxLength: 3 }))
const within = (chosen: readonly number[] | null, row: Row) => chosen === null || chosen.includes(row.partition)

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(keys, label, partition).map(([list, value, part]): Step => {
    const inserts = list.map((key) => ({ key, label: value, partition: part }))
    const change = { kind: 'insert', rows: sampleRows(list, () => value, part) } as const
    return { change, inserts, deletes: () => false }
  }),
  fc.tuple(keys, keys, label, partition).map(([list, replaced, value, part]): Step => {
    const inserts = list.map((key) => ({ key, label: value, partition: part }))
    const change = { kind: 'upsert', replaces: longs(replaced), rows: sampleRows(list, () => value, part) } as const
    return { change, inserts, deletes: (row) => replaced.includes(row.key) }
  }),
  fc.tuple(keys, partitions).map(([list, chosen]): Step => {
    const deletes = (row: Row) => list.includes(row.key) && within(chosen, row)
    return { change: { kind: 'deletePks', pks: longs(list), partitions: chosen }, inserts: [], deletes }
  }),
  fc.tuple(label, partitions).map(([value, chosen]): Step => {
    const where = { sql: 'f102 >= ? AND pk <> ?', params: [value, 3] }
    const deletes = (row: Row) => row.label >= value && row.key !== 3 && within(chosen, row)
    return { change: { kind: 'deleteWhere', where, partitions: chosen }, inserts: [], deletes }
  }),
  partition.map((part): Step => {
    const deletes = (row: Row) => row.partition === part
    return { change: { kind: 'dropPartition', partition: part }, inserts: [], deletes }
  }),
)

async function compare(store: RowStore, model: Model): Promise<void> {
  const live = [...model.rows].sort(([a], [b]) => a - b)
  assert.deepEqual([store.rowCount, store.lastRid], [live.length, model.lastRid])
  assert.deepEqual(
    [...(await store.deadRids(0, 1e15))],
    model.dead.toSorted((a, b) => a - b),
  )
  const where = { sql: 'f102 = ?', params: [1] }
  const passing = live.filter(([, row]) => row.label === 1 && row.partition !== 2)
  assert.equal(await store.count(where, [1, 3]), passing.length)
  assert.deepEqual(
    [...(await store.matching(where, [1, 3], 0, 1e15, 1e15))],
    passing.map(([rid]) => rid),
  )
  const read = await store.readVectors(vecField, [idField], 0, 1e15, 1e9)
  assert.deepEqual(
    [[...read.rids], plain(read.scalars[0])],
    [live.map(([rid]) => rid), live.map(([, row]) => BigInt(row.key))],
  )
  const { alive, columns } = await store.fetch(
    Float64Array.from({ length: model.lastRid + 2 }, (_, i) => i),
    [labelField, vecField],
  )
  const expected = Array.from({ length: alive.length }, (_, rid) => model.rows.get(rid)?.label ?? null)
  assert.deepEqual(
    [...alive],
    expected.map((value) => (value === null ? 0 : 1)),
  )
  assert.deepEqual(
    plain(columns[0]),
    expected.map((value) => (value === null ? null : BigInt(value))),
  )
  assert.deepEqual(
    plain(columns[1]),
    expected.map((value) => (value === null ? null : Array(4).fill(value))),
  )
}

describe('row store against a model', () => {
  it('does what plain maps do, whatever is written together, also after a restart', async () => {
    using directory = temporaryDirectory()
    await using pool = openPool()
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { maxLength: 8 }), async (groups) => {
        const path = join(directory.path, String(run++))
        const model = new Model()
        {
          await using store = await pool.open(path, { fields: sampleFields })
          for (const group of groups) {
            const applied = await Promise.all(group.map((each) => store.write(each.change)))
            assert.deepEqual(
              applied,
              group.map((each) => model.apply(each)),
            )
          }
          await compare(store, model)
        }
        await using again = await pool.open(path, { fields: sampleFields })
        await compare(again, model)
      }),
      { numRuns: 25 },
    )
  })
})
