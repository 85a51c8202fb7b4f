/**
 * The vector engine by itself, in this process: recall@10, QPS at 1 and 16 in flight, build and open time, memory.
 * `node bench/engine.ts [--data fashion-mnist|words] [--seconds 3] [--json FILE]`. Others measure the server against
 * these figures. The sealed index is kept under `.cache/`, so only the first run builds it.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import type { FieldIndex, RowFilter, VectorSearch, VectorSource } from '../src/engine/contract.ts'
import { createVectorEngine } from '../src/engine/engine.ts'
import { createScanPool } from '../src/engine/scan-pool.ts'
import { silentLog } from '../src/observe/log.ts'
import { createMetrics } from '../src/observe/metrics.ts'
import { cacheDirectory, type Dataset, datasets } from './datasets.ts'

const K = 10
const TRUTH_QUERIES = 1_000

/** A data set as the row store of an index: row i has row id i + 1. */
export function datasetSource({ vectors, dim, rowCount }: Dataset): VectorSource {
  return {
    async read(after, upTo, limit) {
      const from = Math.min(after, rowCount)
      const to = Math.min(upTo, rowCount, from + limit)
      const rids = Float64Array.from({ length: to - from }, (_, i) => from + i + 1)
      return { rids, vectors: vectors.slice(from * dim, to * dim), scalars: [] }
    },
    dead: async () => new Float64Array(),
    lastRid: () => rowCount,
  }
}

/** Row ids of the exact k nearest of the first queries, K a query, computed once and kept in `.cache/`. */
export async function groundTruth(data: Dataset): Promise<Float64Array> {
  const nq = Math.min(TRUTH_QUERIES, data.queryCount)
  const sum = createHash('sha256').update(data.vectors).update(data.queries).digest('hex').slice(0, 16)
  const path = join(cacheDirectory(), `truth-${data.name}-${sum}-${nq}x${K}.f64`)
  if (existsSync(path)) return new Float64Array(new Uint8Array(readFileSync(path)).buffer)
  await using pool = createScanPool(2)
  const rids = new Float64Array(new SharedArrayBuffer(data.rowCount * 8))
  for (let i = 0; i < rids.length; i++) rids[i] = i + 1
  const dead = new Uint8Array(new SharedArrayBuffer(data.rowCount))
  const slices = [{ block: { id: 0, rids, vectors: data.vectors, dead }, count: data.rowCount }]
  const queries = data.queries.subarray(0, nq * data.dim)
  const range = { radius: null, rangeFilter: null }
  const hits = await pool.scan(slices, { metric: data.metric, queries, nq, k: K, range, pass: null })
  writeFileSync(path, new Uint8Array(hits.rids.buffer))
  return hits.rids
}

/** The share of the true k nearest among the rows found, over all queries. */
export function recallOf(found: readonly Float64Array[], truth: Float64Array): number {
  let hits = 0
  found.forEach((rids, q) => {
    const want = new Set(truth.subarray(q * K, (q + 1) * K))
    hits += rids.filter((rid) => want.has(rid)).length
  })
  return hits / (found.length * K)
}

/** The k nearest of query number `query` (taken modulo their number), with the terms in `more`. */
export function searchOf(data: Dataset, query: number, more: Partial<VectorSearch> = {}): VectorSearch {
  const at = (query % data.queryCount) * data.dim
  return {
    ...{ queries: data.queries.subarray(at, at + data.dim), nq: 1, k: K, ef: null, filter: null },
    ...{ radius: null, rangeFilter: null, exact: false, ...more },
  }
}

/** Calls a second, and milliseconds. */
export interface Throughput {
  readonly qps: number
  readonly p50: number
  readonly p99: number
  /** The longest the event loop was held, milliseconds. */
  readonly loopMax: number
}

/** Runs `call` for so many seconds with so many in flight; latencies in milliseconds. */
export async function throughput(
  inFlight: number,
  seconds: number,
  call: (i: number) => Promise<unknown>,
): Promise<Throughput> {
  const times: number[] = []
  const loop = monitorEventLoopDelay({ resolution: 1 })
  let next = 0
  loop.enable()
  const started = performance.now()
  const end = started + seconds * 1000
  const lane = async () => {
    while (performance.now() < end) {
      const before = performance.now()
      await call(next++)
      times.push(performance.now() - before)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  const elapsed = performance.now() - started
  loop.disable()
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN
  return { qps: (times.length / elapsed) * 1000, p50: at(0.5), p99: at(0.99), loopMax: loop.max / 1e6 }
}

async function recall(data: Dataset, index: FieldIndex, truth: Float64Array, more: Partial<VectorSearch>) {
  const nq = truth.length / K
  const found: Float64Array[] = []
  for (let q = 0; q < nq; q++) found.push((await index.search(searchOf(data, q, more))).rids)
  return recallOf(found, truth)
}

/** A filter that lets each tenth row through, as the planner hands it over without a pushdown. */
function tenth(rowCount: number): RowFilter {
  const bits = new Uint8Array(Math.ceil(rowCount / 8))
  for (let i = 0; i < rowCount; i += 10) bits[i >> 3] = (bits[i >> 3] ?? 0) | (1 << (i & 7))
  return { kind: 'pass', base: 1, bits, passing: Math.ceil(rowCount / 10), pushdown: null }
}

async function measure(data: Dataset, seconds: number) {
  const truth = await groundTruth(data)
  await using engine = createVectorEngine({ log: silentLog, metrics: createMetrics(), threads: 2 })
  const options = {
    ...{ directory: join(cacheDirectory(), `index-${data.name}`), dim: data.dim, metric: data.metric },
    ...{ m: 16, efConstruction: 200, scalars: [], source: datasetSource(data), sealRows: Number.MAX_SAFE_INTEGER },
  }
  const opening = performance.now()
  await using index = await engine.open({ ...options, kind: 'graph' })
  const openMs = performance.now() - opening
  const building = performance.now()
  await index.seal()
  const built = index.state().sealedRows === data.rowCount && performance.now() - building
  const rows: Record<string, unknown>[] = []
  const variants: [string, Partial<VectorSearch>][] = [
    ['default ef', {}],
    ...[32, 64, 128, 160, 256].map((ef): [string, Partial<VectorSearch>] => [`ef ${ef}`, { ef }]),
    ['exact', { exact: true }],
    ['each tenth row', { filter: tenth(data.rowCount) }],
  ]
  for (const [name, more] of variants) {
    const share = more.filter ? Number.NaN : await recall(data, index, truth, more)
    const one = await throughput(1, seconds, (i) => index.search(searchOf(data, i, more)))
    const many = await throughput(16, seconds, (i) => index.search(searchOf(data, i, more)))
    rows.push({
      ...{ search: name, 'recall@10': fixed(share, 4), 'QPS 1': Math.round(one.qps), 'QPS 16': Math.round(many.qps) },
      ...{ 'p50 ms': fixed(one.p50, 3), 'p99 ms': fixed(one.p99, 3), 'p99 ms at 16': fixed(many.p99, 3) },
      'loop max ms': fixed(Math.max(one.loopMax, many.loopMax), 1),
    })
  }
  const rssMb = Math.round(process.memoryUsage.rss() / 1e6)
  return {
    data: data.name,
    engine: engine.name,
    openMs: Math.round(openMs),
    sealMs: Math.round(Number(built)),
    rssMb,
    rows,
  }
}

const fixed = (value: number, digits: number) => (Number.isNaN(value) ? '' : value.toFixed(digits))

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      data: { type: 'string', multiple: true, default: ['fashion-mnist'] },
      seconds: { type: 'string', default: '3' },
      json: { type: 'string' },
    },
  })
  const results = []
  for (const name of values.data) {
    const load = Object.entries(datasets).find(([known]) => known === name)?.[1]
    if (!load) throw new Error(`no data set ${name}: there is ${Object.keys(datasets).join(' and ')}`)
    const result = await measure(await load(), Number(values.seconds))
    console.log(
      `${result.data}, ${result.engine}: open ${result.openMs} ms, seal ${result.sealMs} ms, RSS ${result.rssMb} MB`,
    )
    console.table(result.rows)
    results.push(result)
  }
  if (values.json) writeFileSync(values.json, JSON.stringify(results, null, 2))
}
