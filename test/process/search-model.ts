/** Searches as plain loops over rows: the model that a server's answers are held against. */
import type { Ranker } from '../../src/model/search-calls.ts'

export interface Row {
  readonly id: number
  readonly color: string | null
  readonly shelf: number
  readonly sold: boolean
  readonly price: number
  readonly a: readonly number[]
  readonly b: readonly number[]
}
export interface Hit {
  readonly id: number
  readonly score: number
}
type Metric = 'L2' | 'IP'

/** Every row, best first, equal scores by ascending key. */
export function nearest(rows: readonly Row[], field: 'a' | 'b', metric: Metric, query: readonly number[]): Hit[] {
  const score = (v: readonly number[]) =>
    v.reduce((sum, x, i) => sum + (metric === 'L2' ? (x - (query[i] ?? 0)) ** 2 : x * (query[i] ?? 0)), 0)
  const hits = rows.map((row) => ({ id: row.id, score: score(row[field]) }))
  return hits.sort((x, y) => (metric === 'L2' ? x.score - y.score : y.score - x.score) || x.id - y.id)
}

/** Groups in the order of their best hits, each with its `size` best. */
export function groupedBy(hits: readonly Hit[], groupOf: (id: number) => unknown, size: number): Hit[][] {
  return [...Map.groupBy(hits, ({ id }) => groupOf(id)).values()].map((group) => group.slice(0, size))
}

/** Milvus' rankers (milvus-api.md C5), a key at a time. */
export function fusedBy(
  ranker: Ranker,
  lists: readonly { readonly metric: Metric; readonly hits: readonly Hit[] }[],
): Hit[] {
  const allDistances = lists.every(({ metric }) => metric === 'L2')
  const isMixed = !allDistances && lists.some(({ metric }) => metric === 'L2')
  const ids = new Set(lists.flatMap(({ hits }) => hits.map(({ id }) => id)))
  const fused = Array.from(ids, (id) => {
    let score = 0
    lists.forEach(({ metric, hits }, at) => {
      const ordered = hits.toSorted((x, y) => (metric === 'L2' ? x.score - y.score : y.score - x.score) || x.id - y.id)
      const rank = ordered.findIndex((hit) => hit.id === id)
      const own = ordered[rank]?.score
      if (own === undefined) return
      if (ranker.kind === 'rrf') score += 1 / (ranker.k + rank + 1)
      else {
        const angle = Math.atan(own) / Math.PI
        const even = metric === 'L2' ? 1 - 2 * angle : 0.5 + angle
        const isEven = ranker.normalised || (isMixed && metric === 'L2')
        score += (ranker.weights[at] ?? 0) * (isEven ? even : own)
      }
    })
    return { id, score: Math.fround(score) }
  })
  const ascending = ranker.kind === 'weighted' && !ranker.normalised && allDistances
  return fused.sort((x, y) => (ascending ? x.score - y.score : y.score - x.score) || x.id - y.id)
}

/** Groups of fused hits, by the score of what they keep. */
export function groupsOfFused(
  fused: readonly Hit[],
  groupOf: (id: number) => unknown,
  size: number,
  scorer: 'max' | 'sum' | 'avg',
  isDistance: boolean,
): Hit[][] {
  const total = (group: readonly Hit[]) => group.reduce((sum, { score }) => sum + score, 0)
  const score = (group: readonly Hit[]) => {
    if (scorer === 'sum') return total(group)
    return scorer === 'avg' ? total(group) / group.length : (group[0]?.score ?? 0)
  }
  const first = (group: readonly Hit[]) => group[0]?.id ?? 0
  return groupedBy(fused, groupOf, size).sort(
    (x, y) => (isDistance ? score(x) - score(y) : score(y) - score(x)) || first(x) - first(y),
  )
}
