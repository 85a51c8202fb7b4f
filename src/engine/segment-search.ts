/**
 * One query against one sealed segment. The native index knows no deletes, no bitmap and no score range, so it is
 * asked for more than k, its hits are checked, and the search widens until k remain or nothing better can come.
 */
import { hasRid, listRids, type RidBits } from './bitmap.ts'
import type { RowFilter, VectorSource } from './contract.ts'
import { scan } from './scan.ts'
import type { SealedSegment } from './segment.ts'
import { beyondRadius, inRange, type RankedHits, type ScoreRange, TopK } from './top-k.ts'

/** Values in one `rid in (…)`: 10,000 take 13 ms off the main thread (measured on 60,000 x 784). */
const LIST_MAX = 10_000
/** Most hits asked of one native search when widening: turning them into numbers costs about 1 us each here. */
const WIDEN_MAX = 16_384
/** Up to so many hits, checking them against a bitmap beats a filtered search. */
const RECHECK_MAX = 512
const STREAM_ROWS = 1_000
/** Below this many values a linear scan is as fast as the graph, and exact. */
const LINEAR_VALUES = 500_000

/** One query with the terms of its search. */
export interface SegmentQuery {
  readonly query: Float32Array
  readonly k: number
  readonly ef: number | null
  readonly range: ScoreRange
  readonly filter: RowFilter | null
  readonly exact: boolean
}

/** What the native search is asked, and what its hits must still pass. */
interface NativePlan {
  readonly filter: string | null
  readonly bits: RidBits | null
  /** Compute every distance: the candidates are few, or the caller wants it exact. */
  readonly linear: boolean
  /** Hits asked for first, and at most. */
  readonly first: number
  readonly limit: number
  /** No more than so many can come. */
  readonly most: number
}

/**
 * The width measured when the segment was built for ten hits, and twice the hits that are asked for: those behind the
 * first ten must be found as well. A filter that the graph evaluates itself thins it out, which costs width too.
 */
function defaultEf({ marker }: SealedSegment, hits: number, filter: string | null): number {
  return Math.max(filter === null ? marker.ef : 2 * marker.ef, 2 * hits)
}

export async function searchSegment(
  segment: SealedSegment,
  source: VectorSource,
  efMax: number,
  request: SegmentQuery,
): Promise<RankedHits> {
  const { filter } = request
  if (filter?.kind === 'only') return searchListed(segment, efMax, request, filter.rids)
  for (const plan of plansFor(segment, request, filter)) {
    const found = await widen(segment, efMax, request, plan)
    if (found) return found
  }
  // a bitmap that begins behind this segment knows nothing of it: the pushed filter had to give all it has
  const bits = bitsFor(segment, filter)
  const passing = passingRids(segment, bits)
  if (passing.length <= LIST_MAX) return searchListed(segment, efMax, request, passing)
  const wide = { ...baseOf(segment, request), filter: null, bits, first: RECHECK_MAX, limit: WIDEN_MAX }
  return (await widen(segment, efMax, request, wide)) ?? stream(segment, source, request, bits)
}

/** The bitmap may begin behind this segment (it then covers growing rows only); else it knows every row of it. */
function bitsFor({ marker }: SealedSegment, filter: Exclude<RowFilter, { kind: 'only' }> | null) {
  return filter !== null && marker.after + 1 >= filter.base ? filter : null
}

function baseOf({ marker }: SealedSegment, request: SegmentQuery) {
  return { linear: request.exact || marker.count * marker.dim <= LINEAR_VALUES, most: marker.count }
}

/**
 * What to try, cheapest first. With a bitmap at hand, asking for a few hundred hits and dropping those that do not pass
 * is faster than a filtered graph search (0.7 against 4.8 ms for one label of ten, 60,000 x 784); where the neighbours
 * of the query do not pass, the filter is pushed into the graph search. A segment sealed since the filter was planned
 * may not carry its fields exactly, and then nothing is pushed.
 */
function plansFor(
  segment: SealedSegment,
  request: SegmentQuery,
  filter: Exclude<RowFilter, { kind: 'only' }> | null,
): readonly NativePlan[] {
  const { marker } = segment
  const base = baseOf(segment, request)
  const live = segment.liveCount / marker.count
  const all = Math.min(marker.count, Math.max(WIDEN_MAX, request.k))
  const plain = Math.min(all, ask(request.k, live))
  if (filter === null) return [{ ...base, filter: null, bits: null, first: plain, limit: all }]
  const bits = bitsFor(segment, filter)
  const { pushdown } = filter
  const isExact = marker.exact.length === marker.carried.length
  if (bits === null) {
    // only the native side can evaluate this filter: at last it must give every row that passes
    const pushed = { ...base, filter: pushdown, bits: null, first: plain, limit: all }
    return [pushed, { ...pushed, linear: true, first: marker.count, limit: marker.count }]
  }
  const plans: NativePlan[] = []
  // the share of native hits expected to be kept decides how many more than k to ask for
  const first = ask(request.k, (live * bits.passing) / Math.max(1, bits.bits.length * 8))
  if (first <= RECHECK_MAX) plans.push({ ...base, filter: null, bits, first, limit: Math.min(all, RECHECK_MAX) })
  if (pushdown !== null && isExact) plans.push({ ...base, filter: pushdown, bits, first: plain, limit: all })
  return plans
}

/** How many hits to ask for so that about k are kept when this share of them is. */
const ask = (k: number, share: number): number => (share >= 1 ? k : Math.ceil((k / Math.max(share, 1e-6)) * 1.1) + 8)

/** Null when `limit` hits were not enough and there may be more. */
async function widen(
  segment: SealedSegment,
  efMax: number,
  request: SegmentQuery,
  plan: NativePlan,
): Promise<RankedHits | null> {
  const { query, k, range } = request
  let want = plan.first
  let linear = plan.linear
  for (;;) {
    linear ||= want > efMax
    const ef = linear ? 'linear' : Math.min(efMax, Math.max(request.ef ?? defaultEf(segment, want, plan.filter), want))
    const hits = await segment.native.search({ query, k: want, ef, filter: plan.filter })
    const kept = keep(segment, request, plan.bits, hits)
    const worst = hits.scores.at(-1)
    if (kept.rids.length >= k) return kept
    if (worst !== undefined && beyondRadius(segment.marker.metric, range, worst)) return kept
    if (hits.rids.length >= plan.most || (linear && hits.rids.length < want)) return kept
    if (hits.rids.length < want) {
      // A graph search that comes back short may have a gap in its graph: look at every row before believing it.
      linear = true
    } else if (want >= plan.limit) return null
    else want = Math.min(plan.limit, want * 4)
  }
}

/** The first k native hits that are alive, pass and lie in the range. */
function keep(segment: SealedSegment, request: SegmentQuery, bits: RidBits | null, hits: RankedHits): RankedHits {
  const { metric } = segment.marker
  const rids: number[] = []
  const scores: number[] = []
  for (let i = 0; i < hits.rids.length && rids.length < request.k; i++) {
    const rid = hits.rids[i] ?? 0
    const score = hits.scores[i] ?? 0
    if (!segment.isLive(rid) || (bits !== null && !hasRid(bits, rid)) || !inRange(metric, request.range, score))
      continue
    rids.push(rid)
    scores.push(score)
  }
  return { rids: Float64Array.from(rids), scores: Float32Array.from(scores) }
}

/** Exactly these rows, every distance computed. */
async function searchListed(
  segment: SealedSegment,
  efMax: number,
  request: SegmentQuery,
  rids: Float64Array,
): Promise<RankedHits> {
  const own = rids.filter((rid) => segment.isLive(rid))
  const best = new TopK(segment.marker.metric, request.k)
  for (let from = 0; from < own.length; from += LIST_MAX) {
    const part = own.subarray(from, from + LIST_MAX)
    const filter = segment.native.ridFilter(part)
    const first = Math.min(part.length, request.k)
    const plan = { filter, bits: null, linear: true, first, limit: part.length, most: part.length }
    const hits = await widen(segment, efMax, request, plan)
    hits?.rids.forEach((rid, i) => {
      best.offer(rid, hits.scores[i] ?? 0)
    })
  }
  return best.ranked()
}

function passingRids(segment: SealedSegment, bits: RidBits | null): Float64Array {
  if (bits === null) return listRids(segment.live, LIST_MAX + 1)
  const found: number[] = []
  const last = Math.min(segment.marker.upTo, bits.base + bits.bits.length * 8 - 1)
  for (let rid = Math.max(segment.live.base, bits.base); rid <= last && found.length <= LIST_MAX; rid++) {
    if (hasRid(bits, rid) && segment.isLive(rid)) found.push(rid)
  }
  return Float64Array.from(found)
}

/** The last resort, right whatever the native side does: every vector read from the row store, in chunks. */
async function stream(
  segment: SealedSegment,
  source: VectorSource,
  request: SegmentQuery,
  pass: RidBits | null,
): Promise<RankedHits> {
  const { metric, after, upTo } = segment.marker
  const best = new TopK(metric, request.k)
  for (let from = after; ; ) {
    const { rids, vectors } = await source.read(from, upTo, STREAM_ROWS)
    const last = rids.at(-1)
    if (last === undefined) return best.ranked()
    from = last
    const block = { id: 0, rids, vectors, dead: new Uint8Array(rids.length) }
    const job = { metric, queries: request.query, nq: 1, k: request.k, range: request.range, pass }
    const hits = scan([{ block, count: rids.length }], job)
    hits.rids.forEach((rid, i) => {
      best.offer(rid, hits.scores[i] ?? 0)
    })
  }
}
