/** How wide the graph of one segment must be searched: measured on its own rows when it is built. */
import type { NativeSegment } from './native/contract.ts'
import type { Sample } from './verify.ts'

const K = 10
const QUERIES_MAX = 200
const WIDTHS = [16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768] as const
const WIDTH_MAX = 1_024
/**
 * Where the curve is still steep, so that the sample's noise moves the answer little; then twice as wide, for real
 * queries that are harder than the made ones.
 */
const RECALL_WANTED = 0.99
const SAFETY_FACTOR = 2
/** How far a query lies from its row, away from one of the row's neighbours, in parts of their distance. */
const STEP = 0.35
/** Wide enough to find some neighbour. */
const NEIGHBOUR_EF = 64

/**
 * The `ef` with which searches reach recall@10 >= .99 on this segment. Data sets differ by a factor of twenty in what
 * they need: one constant would be slow on most of them or wrong on some. Stored rows are too easy to find to be the
 * queries (their neighbours are their links), so each query is a step off its row (docs/adr/006 has the comparison).
 */
export async function calibrateEf(segment: NativeSegment, sample: Sample): Promise<number> {
  const queries = await strangers(segment, sample)
  const truth: ReadonlySet<number>[] = []
  for (const query of queries) truth.push(new Set(await nearest(segment, query, K, 'linear')))
  const wanted = truth.reduce((sum, rids) => sum + rids.size, 0)
  for (const ef of WIDTHS) {
    let found = 0
    for (const [q, query] of queries.entries()) {
      for (const rid of await nearest(segment, query, K, ef)) if (truth[q]?.has(rid)) found++
    }
    if (found >= wanted * RECALL_WANTED) return Math.ceil(ef * SAFETY_FACTOR)
  }
  return WIDTH_MAX
}

/** Queries that are like the rows but none of them. */
async function strangers(segment: NativeSegment, sample: Sample): Promise<Float32Array[]> {
  const queries: Float32Array[] = []
  for (const [i, row] of sample.vectors.slice(0, QUERIES_MAX).entries()) {
    const around = await nearest(segment, row, K + 1, NEIGHBOUR_EF)
    const chosen = around[1 + (i % K)] ?? around.at(-1)
    const other = chosen === undefined ? undefined : segment.fetch([chosen]).get(chosen)
    queries.push(other ? row.map((value, d) => value + STEP * (value - (other[d] ?? 0))) : row)
  }
  return queries
}

async function nearest(
  segment: NativeSegment,
  query: Float32Array,
  k: number,
  ef: number | 'linear',
): Promise<Float64Array> {
  return (await segment.search({ query, k, ef, filter: null })).rids
}
