/** How wide the graph of one segment must be searched: measured on its own rows when it is built. */
import type { NativeSegment } from './native/contract.ts'
import type { Sample } from './verify.ts'

const K = 10
const QUERIES_MAX = 100
const WIDTHS = [16, 24, 32, 48, 64, 96, 128, 192, 256, 384] as const
const WIDTH_MAX = 512
/** Above what is promised (.99): the sample is small. */
const RECALL_WANTED = 0.995
/** Stored rows are easier to find than a stranger's query; measured in docs/adr/006. */
const STRANGER_FACTOR = 5 / 3

/**
 * The `ef` with which searches reach recall@10 >= .99 on this segment. Data sets differ by a factor of eight in what
 * they need: one constant would be slow on most of them or wrong on some.
 */
export async function calibrateEf(segment: NativeSegment, sample: Sample): Promise<number> {
  const queries = sample.vectors.slice(0, QUERIES_MAX)
  const truth: ReadonlySet<number>[] = []
  for (const query of queries) truth.push(new Set(await neighbours(segment, query, 'linear')))
  const wanted = truth.reduce((sum, rids) => sum + rids.size, 0)
  for (const ef of WIDTHS) {
    let found = 0
    for (const [q, query] of queries.entries()) {
      const want = truth[q]
      for (const rid of await neighbours(segment, query, ef)) if (want?.has(rid)) found++
    }
    if (found >= wanted * RECALL_WANTED) return Math.ceil(ef * STRANGER_FACTOR)
  }
  return Math.ceil(WIDTH_MAX * STRANGER_FACTOR)
}

/** The nearest rows but for the first, which is the row itself: everybody finds that one. */
async function neighbours(segment: NativeSegment, query: Float32Array, ef: number | 'linear'): Promise<Float64Array> {
  const { rids } = await segment.search({ query, k: K + 1, ef, filter: null })
  return rids.subarray(1)
}
