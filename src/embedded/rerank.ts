/** One list out of the hits of several searches: pure arithmetic over keys and scores (milvus-api.md C5). */
import { smallerIsBetter } from '../engine/top-k.ts'
import type { Column } from '../model/columns.ts'
import type { MetricType } from '../model/schema.ts'
import type { GroupScorer, Ranker } from '../model/search-calls.ts'

export type Key = bigint | string

/** The hits of one search for one query, best first, equal scores by ascending key. */
export interface RankedList {
  readonly metric: MetricType
  readonly keys: readonly Key[]
  readonly scores: ArrayLike<number>
}

export interface FusedHit {
  readonly key: Key
  /** float32, as it leaves. */
  readonly score: number
}

/** Every key once, best first, ties by ascending key; raw distances alone stay distances: the smallest is the best. */
export function fuse(ranker: Ranker, lists: readonly RankedList[]): FusedHit[] {
  const sums = new Map<Key, number>()
  const isMixed = new Set(lists.map(({ metric }) => smallerIsBetter(metric))).size > 1
  lists.forEach((list, at) => {
    const share = shareOf(ranker, list, at, isMixed)
    list.keys.forEach((key, rank) => {
      sums.set(key, (sums.get(key) ?? 0) + share(rank))
    })
  })
  // float32 before the order: sums that differ by the order of adding only are equal
  const hits = Array.from(sums, ([key, sum]) => ({ key, score: Math.fround(sum) }))
  const sign = isAscending(ranker, lists) ? 1 : -1
  return hits.sort((a, b) => sign * (a.score - b.score) || compareKeys(a.key, b.key))
}

/** Whether the fused scores are distances. */
export function isAscending(ranker: Ranker, lists: readonly Pick<RankedList, 'metric'>[]): boolean {
  return ranker.kind === 'weighted' && !ranker.normalised && lists.every(({ metric }) => smallerIsBetter(metric))
}

function shareOf(ranker: Ranker, list: RankedList, at: number, isMixed: boolean): (rank: number) => number {
  if (ranker.kind === 'rrf') return (rank) => 1 / (ranker.k + rank + 1)
  const weight = ranker.weights[at] ?? 0
  const normalises = ranker.normalised || (isMixed && smallerIsBetter(list.metric))
  return (rank) => {
    const score = list.scores[rank] ?? 0
    return weight * (normalises ? normalised(list.metric, score) : score)
  }
}

/** Into (0, 1], larger is better. */
function normalised(metric: MetricType, score: number): number {
  if (smallerIsBetter(metric)) return 1 - (2 * Math.atan(score)) / Math.PI
  return metric === 'COSINE' ? (1 + score) / 2 : 0.5 + Math.atan(score) / Math.PI
}

/** The values of a primary key column. */
export function keyList(column: Column | undefined): readonly Key[] {
  if (column?.data.kind === 'long') return Array.from(column.data.values)
  return column?.data.kind === 'string' ? column.data.values : []
}

export function compareKeys(a: Key, b: Key): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * Fused hits by group: at most `size` of each, groups by the score of what they keep, ties by their best key. The hits
 * come in fused order.
 */
export function groupFused<T>(
  hits: readonly FusedHit[],
  groupOf: (key: Key) => T,
  { size, scorer }: { readonly size: number; readonly scorer: GroupScorer },
  ascending: boolean,
): FusedHit[][] {
  const groups = new Map<T, FusedHit[]>()
  for (const hit of hits) {
    const group = groupOf(hit.key)
    const kept = groups.get(group)
    if (!kept) groups.set(group, [hit])
    else if (kept.length < size) kept.push(hit)
  }
  const sign = ascending ? 1 : -1
  return [...groups.values()]
    .map((kept) => ({ kept, score: groupScore(kept, scorer), key: kept[0]?.key ?? '' }))
    .sort((a, b) => sign * (a.score - b.score) || compareKeys(a.key, b.key))
    .map(({ kept }) => kept)
}

function groupScore(kept: readonly FusedHit[], scorer: GroupScorer): number {
  // the best of a group comes first, whichever way its scores run
  if (scorer === 'max') return kept[0]?.score ?? 0
  const sum = kept.reduce((total, { score }) => total + score, 0)
  return scorer === 'sum' ? sum : sum / kept.length
}
