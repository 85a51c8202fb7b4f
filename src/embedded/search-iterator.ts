import { randomUUID } from 'node:crypto'
import type { VectorHits } from '../engine/contract.ts'
import { fault } from '../errors/error.ts'
import type { SearchReply, SearchRequest } from '../model/calls.ts'
import type { MetricType } from '../model/schema.ts'

const ITERATORS_MAX = 1_000
const FLOAT_MAX = 3.4028234663852886e38

/** Which rows with the last score a client has seen. */
interface Position {
  readonly bound: number
  readonly seen: ReadonlySet<number>
}

/**
 * Search iterator v2 (Milvus 2.5): the client hands back the score of the last hit, and the next page begins strictly
 * behind it. That alone would lose rows whose score equals it, so what was given of that score is remembered by the
 * iterator's token. A forgotten token (a restart, a thousand newer ones) falls back to the plain rule.
 */
export class SearchIterators {
  readonly #positions = new Map<string, Position>()

  /** One page: at most `topk` hits behind the last one. `run` searches for k hits within the range filter given. */
  async page(
    run: (k: number, rangeFilter: number | null) => Promise<VectorHits>,
    request: SearchRequest & { readonly iterator: NonNullable<SearchRequest['iterator']> },
    metric: MetricType,
    rangeFilter: number | null,
  ): Promise<{ readonly hits: VectorHits; readonly iterator: NonNullable<SearchReply['iterator']> }> {
    if (request.nq !== 1) throw fault('invalidParameter', 'search iterator takes one query vector, nq should be 1')
    if (request.offset > 0) throw fault('invalidParameter', 'search iterator takes no offset')
    const { topk, iterator } = request
    const token = iterator.token === '' ? randomUUID() : iterator.token
    const position = this.#position(token, iterator.lastBound)
    const begin = beginOf(iterator.lastBound, position, metric)
    const range = begin === null ? rangeFilter : tighter(metric, begin, rangeFilter)
    const hits = without(await run(topk + (position?.seen.size ?? 0), range), position?.seen ?? null, topk)
    const bound = hits.scores.at(-1) ?? iterator.lastBound ?? (metric === 'L2' ? -FLOAT_MAX : FLOAT_MAX)
    this.#remember(token, bound, hits, position)
    return { hits, iterator: { token, lastBound: bound } }
  }

  #position(token: string, lastBound: number | null): Position | null {
    const position = this.#positions.get(token)
    return position && lastBound !== null && position.bound === Math.fround(lastBound) ? position : null
  }

  #remember(token: string, bound: number, hits: VectorHits, before: Position | null): void {
    const seen = new Set(before?.bound === bound ? before.seen : [])
    hits.rids.forEach((rid, i) => {
      if (hits.scores[i] === bound) seen.add(rid)
    })
    this.#positions.delete(token)
    this.#positions.set(token, { bound, seen })
    const [oldest] = this.#positions.keys()
    if (this.#positions.size > ITERATORS_MAX && oldest !== undefined) this.#positions.delete(oldest)
  }
}

/** Where a page begins: at the last score where it is known what was given of it, else just behind it. */
function beginOf(lastBound: number | null, position: Position | null, metric: MetricType): number | null {
  if (lastBound === null || !Number.isFinite(lastBound) || Math.abs(lastBound) >= FLOAT_MAX) return null
  return position ? position.bound : worseThan(lastBound, metric)
}

/** The next float32 on the worse side of a score. */
function worseThan(score: number, metric: MetricType): number {
  const isUp = metric === 'L2'
  const float = Float32Array.of(score)
  const bits = new Int32Array(float.buffer)
  const [value = 0] = float
  if (value === 0) return isUp ? 2 ** -149 : -(2 ** -149)
  bits[0] = (bits[0] ?? 0) + (value > 0 === isUp ? 1 : -1)
  return float[0] ?? value
}

function tighter(metric: MetricType, begin: number, rangeFilter: number | null): number {
  if (rangeFilter === null) return begin
  return metric === 'L2' ? Math.max(begin, rangeFilter) : Math.min(begin, rangeFilter)
}

function without(hits: VectorHits, seen: ReadonlySet<number> | null, topk: number): VectorHits {
  const order = Array.from(hits.rids.keys())
    .filter((i) => !seen?.has(hits.rids[i] ?? 0))
    .slice(0, topk)
  return {
    counts: Int32Array.of(order.length),
    rids: Float64Array.from(order, (i) => hits.rids[i] ?? 0),
    scores: Float32Array.from(order, (i) => hits.scores[i] ?? 0),
  }
}
