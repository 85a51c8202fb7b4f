/** One search over all parts of an index: segments and growing rows side by side, merged best first. */
import type { MetricType } from '../model/schema.ts'
import { bitsOf, type RidBits } from './bitmap.ts'
import type { RowFilter, VectorHits, VectorSearch, VectorSource } from './contract.ts'
import { packHits } from './exact.ts'
import type { Parts } from './parts.ts'
import type { Slice } from './scan.ts'
import type { ScanPool } from './scan-pool.ts'
import { searchSegment } from './segment-search.ts'
import { type RankedHits, smallerIsBetter } from './top-k.ts'

/** Native searches of one request in flight: they share libuv's pool (4 threads by default) with everybody else. */
const NATIVE_IN_FLIGHT = 8
/** Queries of one scan job: a long request must let others through between jobs. */
const SCAN_QUERIES = 64
const RERUNS_MAX = 3

/** What a search reads; `efMax` is the native library's, 0 without one. */
export interface SearchScope {
  readonly dim: number
  readonly metric: MetricType
  readonly parts: Parts
  readonly source: VectorSource
  readonly pool: ScanPool
  readonly efMax: number
}

/**
 * A row removed while the search runs is hidden. When that costs a hit, the search runs again (a few times at most),
 * so that a result is not short of rows that exist.
 */
export async function searchParts(scope: SearchScope, search: VectorSearch): Promise<VectorHits> {
  for (let run = 1; ; run++) {
    const perQuery = await searchOnce(scope, search)
    const alive = perQuery.map((hits) => liveOnly(scope.parts, hits))
    if (run === RERUNS_MAX || alive.every((hits, i) => hits === perQuery[i])) return packHits(alive)
  }
}

async function searchOnce(scope: SearchScope, search: VectorSearch): Promise<RankedHits[]> {
  const { segments, growing } = scope.parts
  const slices = growing.slices()
  const releases = segments.map((segment) => segment.use())
  try {
    const growingHits = scanGrowing(scope, search, slices)
    // Both run together, so a failure of the first must not leave the second unheard.
    growingHits.catch(() => {})
    const { radius, rangeFilter, k, ef, filter, exact } = search
    const tasks = segments.flatMap((segment) =>
      Array.from({ length: search.nq }, (_, q) => ({ segment, query: queryAt(search, scope.dim, q) })),
    )
    const sealed = await mapLimited(tasks, NATIVE_IN_FLIGHT, ({ segment, query }) =>
      searchSegment(segment, scope.source, scope.efMax, {
        ...{ query, k, ef, filter, exact },
        range: { radius, rangeFilter },
      }),
    )
    const grown = await growingHits
    return Array.from({ length: search.nq }, (_, q) => {
      const lists = segments.flatMap((_, s) => sealed[s * search.nq + q] ?? [])
      const own = grown[q]
      return merge(scope.metric, own ? [...lists, own] : lists, k)
    })
  } finally {
    for (const release of releases) release()
  }
}

const queryAt = (search: VectorSearch, dim: number, q: number): Float32Array =>
  search.queries.subarray(q * dim, (q + 1) * dim)

async function scanGrowing(
  scope: SearchScope,
  search: VectorSearch,
  slices: readonly Slice[],
): Promise<readonly RankedHits[]> {
  if (slices.length === 0) return []
  const { metric, dim, pool } = scope
  const { k, radius, rangeFilter, nq } = search
  const pass = passBits(search.filter)
  const groups = Array.from({ length: Math.ceil(nq / SCAN_QUERIES) }, (_, i) => i * SCAN_QUERIES)
  const results = await mapLimited(groups, 2, async (first) => {
    const count = Math.min(SCAN_QUERIES, nq - first)
    const queries = search.queries.subarray(first * dim, (first + count) * dim)
    return unpack(await pool.scan(slices, { metric, queries, nq: count, k, range: { radius, rangeFilter }, pass }))
  })
  return results.flat()
}

function passBits(filter: RowFilter | null): RidBits | null {
  if (filter === null) return null
  return filter.kind === 'only' ? bitsOf(filter.rids) : { base: filter.base, bits: filter.bits }
}

function unpack({ counts, rids, scores }: VectorHits): RankedHits[] {
  let at = 0
  return Array.from(counts, (count) => {
    const from = at
    at += count
    return { rids: rids.subarray(from, at), scores: scores.subarray(from, at) }
  })
}

/** The k best of several ranked lists; ties by ascending row id. */
function merge(metric: MetricType, lists: readonly RankedHits[], k: number): RankedHits {
  const [only] = lists
  if (only && lists.length === 1 && only.rids.length <= k) return sorted(metric, only, k)
  const rids = new Float64Array(lists.reduce((sum, list) => sum + list.rids.length, 0))
  const scores = new Float32Array(rids.length)
  let at = 0
  for (const list of lists) {
    rids.set(list.rids, at)
    scores.set(list.scores, at)
    at += list.rids.length
  }
  return sorted(metric, { rids, scores }, k)
}

/** Native hits come best first but leave the order of equal scores open: most lists are in order already. */
function sorted(metric: MetricType, hits: RankedHits, k: number): RankedHits {
  const { rids, scores } = hits
  const sign = smallerIsBetter(metric) ? 1 : -1
  if (rids.length <= k && isOrdered(hits, sign)) return hits
  const order = Uint32Array.from(rids, (_, i) => i)
  order.sort((a, b) => sign * ((scores[a] ?? 0) - (scores[b] ?? 0)) || (rids[a] ?? 0) - (rids[b] ?? 0))
  const best = order.subarray(0, k)
  return {
    rids: Float64Array.from(best, (i) => rids[i] ?? 0),
    scores: Float32Array.from(best, (i) => scores[i] ?? 0),
  }
}

function isOrdered({ rids, scores }: RankedHits, sign: number): boolean {
  for (let i = 1; i < rids.length; i++) {
    const worse = sign * ((scores[i] ?? 0) - (scores[i - 1] ?? 0))
    if (worse < 0 || (worse === 0 && (rids[i] ?? 0) < (rids[i - 1] ?? 0))) return false
  }
  return true
}

/** The same object when nothing was removed. */
function liveOnly(parts: Parts, hits: RankedHits): RankedHits {
  if (hits.rids.every((rid) => parts.isLive(rid))) return hits
  const kept = Array.from(hits.rids.keys()).filter((i) => parts.isLive(hits.rids[i] ?? 0))
  return {
    rids: Float64Array.from(kept, (i) => hits.rids[i] ?? 0),
    scores: Float32Array.from(kept, (i) => hits.scores[i] ?? 0),
  }
}

/** Results in the order of the items, at most `limit` running. */
async function mapLimited<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = []
  let next = 0
  const lane = async () => {
    while (next < items.length) {
      const at = next++
      const item = items[at]
      if (item !== undefined) results[at] = await work(item)
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane))
  return results
}
