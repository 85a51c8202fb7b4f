/** Shared by the engine's tests: random rows into a source and an index, and the comparison with the reference. */
import assert from 'node:assert/strict'
import type { FieldSchema, MetricType } from '../model/schema.ts'
import { type Log, silentLog } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import type { FieldIndex, RowFilter, VectorSearch } from './contract.ts'
import { createVectorEngine, type VectorEngine } from './engine.ts'
import { exactScore, exactSearch } from './exact.ts'
import { type MemorySource, testField } from './test-source.ts'

/** An engine of its own for a test file. */
export const testEngine = (native: 'auto' | 'off' = 'auto', log: Log = silentLog): VectorEngine =>
  createVectorEngine({ log, metrics: createMetrics(), threads: 2, native })

/** The scalars of every test collection: key, tag, label. */
export const testFields: readonly FieldSchema[] = [
  testField(100, 'Int64', true),
  testField(101, 'VarChar'),
  testField(102, 'Int32'),
]

/** A reproducible stream of numbers in [0, 1). */
export function random(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** Rows of numbers in [-1, 1), over shared memory as the server has them. */
export function vectorsOf(rows: number, dim: number, next: () => number): Float32Array {
  const vectors = new Float32Array(new SharedArrayBuffer(rows * dim * 4))
  for (let i = 0; i < vectors.length; i++) vectors[i] = next() * 2 - 1
  return vectors
}

/** A graph index over the source; sealed only on request unless `sealRows` is given. */
export function openIndex(
  use: VectorEngine,
  source: MemorySource,
  metric: MetricType,
  directory: string,
  sealRows = 1_000_000,
): Promise<FieldIndex> {
  return use.open({
    ...{ directory, dim: source.dim, metric, kind: 'graph', m: 16, efConstruction: 100, source, sealRows },
    scalars: source.fields,
  })
}

/** Rows into the source and, where there is one, the index: key = row id, tag or null, label = slot mod 5. */
export function insert(source: MemorySource, index: FieldIndex | null, rows: number, next: () => number): number {
  const vectors = vectorsOf(rows, source.dim, next)
  const base = source.lastRid()
  const scalars = Array.from({ length: rows }, (_, i) => [
    BigInt(base + i + 1),
    i % 3 === 0 ? null : `tag${i % 7}`,
    i % 5,
  ])
  const first = source.insert(vectors, scalars)
  index?.append(first, rows, vectors)
  return first
}

/** Deletes in the source first, as a commit does, then in the index. */
export function remove(source: MemorySource, index: FieldIndex, rids: readonly number[]): void {
  source.remove(rids)
  index.remove(Float64Array.from(rids))
}

/** A search without filter or range. */
export const plainSearch = (queries: Float32Array, nq: number, k: number): VectorSearch => ({
  ...{ queries, nq, k, ef: null, filter: null, radius: null, rangeFilter: null, exact: false },
})

/** The truth: the reference over the rows that live in the source. */
function expected(source: MemorySource, metric: MetricType, search: VectorSearch, accept: (rid: number) => boolean) {
  const live = source.live()
  const rids = Float64Array.from(live, (row) => row.rid)
  const vectors = new Float32Array(live.length * source.dim)
  live.forEach((row, i) => {
    vectors.set(row.vector, i * source.dim)
  })
  return Array.from({ length: search.nq }, (_, q) => {
    const query = search.queries.subarray(q * source.dim, (q + 1) * source.dim)
    return exactSearch(metric, { rids, vectors }, query, search.k, search, accept)
  })
}

/** Every hit right in score, live and accepted; scores rank for rank those of the truth. Returns the recall. */
export async function compare(
  source: MemorySource,
  metric: MetricType,
  index: FieldIndex,
  search: VectorSearch,
  accept: (rid: number) => boolean = () => true,
): Promise<number> {
  const hits = await index.search(search)
  const truth = expected(source, metric, search, accept)
  let at = 0
  let found = 0
  let wanted = 0
  truth.forEach((want, q) => {
    const count = hits.counts[q] ?? 0
    const got = [...hits.rids.subarray(at, at + count)]
    assert.equal(new Set(got).size, count, 'no row twice')
    got.forEach((rid, i) => {
      assert.ok(!source.deleted.has(rid) && accept(rid), `row ${rid} must not be returned`)
      const vector = source.rows[rid - 1]?.vector ?? new Float32Array()
      const query = search.queries.subarray(q * source.dim, (q + 1) * source.dim)
      const score = exactScore(metric, query, vector, 0)
      assert.ok(Math.abs((hits.scores[at + i] ?? 0) - score) < 1e-3, `score of row ${rid}`)
    })
    const kth = want.scores.at(-1) ?? 0
    assert.equal(count, want.rids.length, 'as many hits as there are')
    const good = got.filter((_, i) => {
      const score = hits.scores[at + i] ?? 0
      return metric === 'L2' ? score <= kth + 1e-4 : score >= kth - 1e-4
    })
    found += good.length
    wanted += want.rids.length
    at += count
  })
  assert.equal(at, hits.rids.length)
  return wanted === 0 ? 1 : found / wanted
}

/** Bits for live rows from `base` on; with a pushdown and a base behind the segments, those filter by themselves. */
export function passFilter(
  source: MemorySource,
  accept: (rid: number) => boolean,
  pushdown: string | null,
  base = 1,
): RowFilter {
  const bits = new Uint8Array(Math.ceil(Math.max(0, source.lastRid() + 1 - base) / 8))
  let passing = 0
  for (const { rid } of source.live()) {
    const at = rid - base
    if (at < 0 || !accept(rid)) continue
    bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7))
    passing++
  }
  return { kind: 'pass', base, bits, passing, pushdown }
}
