/**
 * The row store alone: durable inserts in batches of 1,000 x 784, single rows at 16 in flight, fetches of 10 rows, a
 * count with a filter. Run: `node bench/micro/row-store.ts [batches]`. The disk decides: trust the ratios.
 */
import { join } from 'node:path'
import type { RowsToInsert } from '../../src/embedded/store/contract.ts'
import {
  column,
  field,
  idField,
  labelField,
  longs,
  openPool,
  range,
  temporaryDirectory,
} from '../../src/embedded/store/test-support.ts'
import { dynamicField } from '../../src/model/schema.ts'

const ROWS = 1_000
const DIM = 784
const IN_FLIGHT = 16
const batches = Number(process.argv[2] ?? 60)
const vector = field(101, 'vec', 'FloatVector', { dim: DIM })

using place = temporaryDirectory()
await using pool = openPool()
const store = await pool.open(join(place.path, 'c'), { fields: [idField, vector, labelField, dynamicField(103)] })

function rowsFrom(first: number, count: number): RowsToInsert {
  const keys = range(first, count)
  const values = new Float32Array(new SharedArrayBuffer(count * DIM * 4)).fill(first)
  return {
    partition: 1,
    rowCount: count,
    pks: longs(keys),
    scalars: [
      column('label', longs(keys.map((key) => key % 10))),
      column('$meta', { kind: 'json', values: keys.map(() => '{}') }),
    ],
    vectors: [column('vec', { kind: 'floatVector', dim: DIM, values })],
    ts: 1n,
  }
}

async function timed(what: string, work: () => Promise<unknown>, tell: (seconds: number) => string): Promise<void> {
  const before = performance.now()
  await work()
  process.stdout.write(`${what}: ${tell((performance.now() - before) / 1000)}\n`)
}

const prepared = Array.from({ length: batches }, (_, i) => rowsFrom(i * ROWS, ROWS))
const insertAll = async () => {
  for (const rows of prepared) await store.write({ kind: 'insert', rows })
}
const megabytes = (batches * ROWS * DIM * 4) / 1e6
await timed('durable batches of 1,000 x 784', insertAll, (s) => `${(megabytes / s).toFixed(0)} MB/s`)

const singles = 4_000
let next = 10_000_000
const lane = async () => {
  while (next < 10_000_000 + singles) await store.write({ kind: 'insert', rows: rowsFrom(next++, 1) })
}
const lanes = () => Promise.all(Array.from({ length: IN_FLIGHT }, lane))
await timed(`durable single rows, ${IN_FLIGHT} in flight`, lanes, (s) => `${(singles / s).toFixed(0)} a second`)

const fetches = 2_000
const fetchAll = async () => {
  for (let i = 0; i < fetches; i++) {
    const rids = Float64Array.from(range(0, 10), (k) => ((i * 7919 + k * 104_729) % (batches * ROWS)) + 1)
    await store.fetch(rids, [idField, labelField])
  }
}
await timed('fetch of 10 rows', fetchAll, (s) => `${((s / fetches) * 1e6).toFixed(0)} us`)

const counts = 20
const countAll = async () => {
  for (let i = 0; i < counts; i++) await store.count({ sql: 'f102 = ?', params: [BigInt(i % 10)] }, null)
}
const rows = batches * ROWS + singles
await timed(`count with a filter over ${rows} rows`, countAll, (s) => `${((s / counts) * 1e3).toFixed(1)} ms`)
