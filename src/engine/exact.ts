/**
 * The reference: plain loops over typed arrays, summed in double precision. Slow, obvious and right; tests and the
 * bench hold every faster path against it.
 */
import type { MetricType } from '../model/schema.ts'
import type { VectorHits } from './contract.ts'
import { inRange, type RankedHits, type ScoreRange, TopK } from './top-k.ts'

/** Milvus' score of one query against row `row` of `vectors` (rows x dim, row-major). A zero vector has cosine 0. */
export function exactScore(metric: MetricType, query: Float32Array, vectors: Float32Array, row: number): number {
  const dim = query.length
  const at = row * dim
  let dot = 0
  let squares = 0
  let queryNorm = 0
  let rowNorm = 0
  for (let i = 0; i < dim; i++) {
    const a = query[i] ?? 0
    const b = vectors[at + i] ?? 0
    dot += a * b
    squares += (a - b) * (a - b)
    queryNorm += a * a
    rowNorm += b * b
  }
  if (metric === 'L2') return squares
  if (metric === 'IP') return dot
  return queryNorm === 0 || rowNorm === 0 ? 0 : dot / Math.sqrt(queryNorm * rowNorm)
}

/** Rows to search, in any order. */
export interface ExactRows {
  readonly rids: Float64Array
  /** rows x dim, row-major. */
  readonly vectors: Float32Array
}

/** The k best rows of one query among those `accept` lets through, within the score range. */
export function exactSearch(
  metric: MetricType,
  rows: ExactRows,
  query: Float32Array,
  k: number,
  range: ScoreRange = { radius: null, rangeFilter: null },
  accept: (rid: number) => boolean = () => true,
): RankedHits {
  const best = new TopK(metric, k)
  rows.rids.forEach((rid, row) => {
    if (!accept(rid)) return
    const score = exactScore(metric, query, rows.vectors, row)
    if (inRange(metric, range, score)) best.offer(rid, score)
  })
  return best.ranked()
}

/** Lays the hits of several queries behind one another, as searches return them. */
export function packHits(perQuery: readonly RankedHits[]): VectorHits {
  const counts = Int32Array.from(perQuery, (hits) => hits.rids.length)
  const total = counts.reduce((sum, count) => sum + count, 0)
  const rids = new Float64Array(total)
  const scores = new Float32Array(total)
  let at = 0
  for (const hits of perQuery) {
    rids.set(hits.rids, at)
    scores.set(hits.scores, at)
    at += hits.rids.length
  }
  return { counts, rids, scores }
}
