/** Exact neighbours under each filter, by brute force in this process, and the share of them that a peer finds. */
import type { Dataset } from '../datasets.ts'
import { TOP_K } from './messages.ts'
import { type PeerClient, passes, type Selection, selections } from './peer-api.ts'

/** For each query: the distance of every row, and by selection the distance of the k-th that passes. */
export interface Truth {
  readonly queryCount: number
  /** Share of the k nearest that pass, 0..1, of one answer. */
  recall(query: number, selection: Selection, found: Float64Array): number
}

export function exactTruth(data: Dataset, queryCount: number): Truth {
  const distances = Array.from({ length: queryCount }, (_, query) => distancesOf(data, query))
  const limits = distances.map(
    (of, query) => new Map(selections.map((selection) => [selection, kth(of, passes(data, query, selection))])),
  )
  return {
    queryCount,
    recall(query, selection, found) {
      const limit = limits[query]?.get(selection)
      if (!limit) throw new Error(`no truth of query ${query}`)
      const pass = passes(data, query, selection)
      const good = found.filter((row) => pass(row) && (distances[query]?.[row] ?? Number.NaN) <= limit.distance)
      return Math.min(new Set(good).size, limit.count) / limit.count
    },
  }
}

/** Rows as near as the k-th count as well: equal distances have no order. */
function kth(distances: Float64Array, pass: (row: number) => boolean): { distance: number; count: number } {
  const sorted = distances.filter((_, row) => pass(row)).sort()
  const count = Math.min(TOP_K, sorted.length)
  const last = sorted[count - 1] ?? Number.NaN
  return { count, distance: last + Math.abs(last) * 1e-5 }
}

/** Squared Euclidean, or one minus the cosine: smaller = nearer. */
function distancesOf({ vectors, queries, dim, rowCount, metric }: Dataset, query: number): Float64Array {
  const out = new Float64Array(rowCount)
  const asked = queries.subarray(query * dim, (query + 1) * dim)
  const own = Math.sqrt(asked.reduce((sum, value) => sum + value * value, 0))
  for (let row = 0; row < rowCount; row++) {
    let dot = 0
    let square = 0
    let gap = 0
    const start = row * dim
    for (let d = 0; d < dim; d++) {
      const a = vectors[start + d] ?? 0
      const b = asked[d] ?? 0
      dot += a * b
      square += a * a
      gap += (a - b) * (a - b)
    }
    out[row] = metric === 'L2' ? gap : 1 - dot / (own * Math.sqrt(square))
  }
  return out
}

/** Mean recall of all queries; four at a time. */
export async function recallOver(
  client: PeerClient,
  data: Dataset,
  truth: Truth,
  selection: Selection,
): Promise<number> {
  let [sum, next] = [0, 0]
  const lane = async () => {
    while (next < truth.queryCount) {
      const query = next++
      const answer = await client.search(client.searchBody(data, { query, selection, consistency: 'Bounded' }))
      sum += truth.recall(query, selection, client.found(answer))
    }
  }
  await Promise.all([lane(), lane(), lane(), lane()])
  return sum / truth.queryCount
}
