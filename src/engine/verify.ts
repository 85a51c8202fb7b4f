/**
 * The check a segment must pass before it answers anyone. It exists because of a real fault: a zvec collection
 * optimised after a delete opens, counts right, and returns other rows' vectors (alibaba/zvec #724).
 */
import type { MetricType } from '../model/schema.ts'
import { exactScore } from './exact.ts'
import type { NativeSegment } from './native/contract.ts'

/** Rows kept aside while building, or read from the row store: the truth. */
export interface Sample {
  readonly rids: readonly number[]
  readonly vectors: readonly Float32Array[]
}

/** Rows of a build compared value for value. */
export const SAMPLE_ROWS = 200
const SELF_SEARCHES = 50
/** A graph search may miss a few; a corrupt graph misses most. */
const SELF_MISSES_MAX = 5
/** zvec stores cosine vectors as direction and length, so what comes back is rounded (measured: 1.1e-7). */
const COSINE_ROUNDING = 1e-5

/** Null when the segment holds what it should, else the first thing found wrong. */
export async function verifySegment(
  segment: NativeSegment,
  metric: MetricType,
  count: number,
  sample: Sample,
): Promise<string | null> {
  if (segment.count !== count) return `holds ${segment.count} rows, not ${count}`
  return wrongVector(segment, metric, sample) ?? (await wrongSearch(segment, metric, sample))
}

function wrongVector(segment: NativeSegment, metric: MetricType, sample: Sample): string | null {
  const stored = segment.fetch(sample.rids)
  for (const [i, rid] of sample.rids.entries()) {
    const want = sample.vectors[i]
    const got = stored.get(rid)
    if (!got) return `row ${rid} is missing`
    if (!want || !sameVector(metric, got, want)) return `row ${rid} holds another vector`
  }
  return null
}

function sameVector(metric: MetricType, got: Float32Array, want: Float32Array): boolean {
  if (got.length !== want.length) return false
  if (metric !== 'COSINE') return got.every((value, i) => value === want[i])
  return got.every((value, i) => Math.abs(value - (want[i] ?? 0)) <= COSINE_ROUNDING * Math.abs(want[i] ?? 0))
}

async function wrongSearch(segment: NativeSegment, metric: MetricType, sample: Sample): Promise<string | null> {
  let misses = 0
  for (const [i, rid] of sample.rids.slice(0, SELF_SEARCHES).entries()) {
    const query = sample.vectors[i]
    if (!query) continue
    const self = exactScore(metric, query, query, 0)
    const near = (score: number | undefined) =>
      Math.abs((score ?? Number.NaN) - self) <= 1e-4 * Math.max(1, Math.abs(self))
    const filter = segment.ridFilter([rid])
    const own = await segment.search({ query, k: 2, ef: 'linear', filter })
    if (own.rids.length !== 1 || own.rids[0] !== rid || !near(own.scores[0])) return `row ${rid} does not find itself`
    const found = await segment.search({ query, k: 1, ef: 128, filter: null })
    // The best of an inner product search is seldom the row itself, and may score higher.
    const missed =
      metric === 'IP'
        ? (found.scores[0] ?? Number.NEGATIVE_INFINITY) < self && !near(found.scores[0])
        : !near(found.scores[0])
    if (missed) misses++
  }
  return misses > SELF_MISSES_MAX ? `${misses} of ${SELF_SEARCHES} searches miss their own row` : null
}
