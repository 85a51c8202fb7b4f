/** All queries of a data set searched over the wire, and what they should have found. */
import type { Dataset } from '../datasets.ts'
import { groundTruth, recallOf } from '../engine.ts'
import { type Filter, filterLabel, filterText } from './data.ts'
import { plainSearch, SERVICE, searchFrame, searchIds } from './messages.ts'
import { connectRpc, type Target } from './rpc.ts'

const PART = 1_000
const IN_FLIGHT = 16
const LABELS = 10

/** Row numbers of the exact nearest of every query; `.cache/` keeps them. */
export interface Truth {
  readonly unfiltered: Float64Array
  readonly filtered: Float64Array
}

export async function exactTruth(data: Dataset): Promise<Truth> {
  const perQuery = 10
  const unfiltered = new Float64Array(data.queryCount * perQuery)
  const filtered = new Float64Array(data.queryCount * perQuery)
  for (let from = 0; from < data.queryCount; from += PART) {
    const queries = data.queries.subarray(from * data.dim, (from + PART) * data.dim)
    const rids = await groundTruth({ ...data, queries, queryCount: queries.length / data.dim })
    unfiltered.set(rids.map(toRow), from * perQuery)
  }
  for (let label = 0; label < LABELS; label++) {
    const { part, rows, asked } = ofLabel(data, label)
    const rids = await groundTruth(part)
    asked.forEach((query, i) => {
      const own = rids.subarray(i * perQuery, (i + 1) * perQuery)
      filtered.set(
        own.map((rid) => rows[rid - 1] ?? -1),
        query * perQuery,
      )
    })
  }
  return { unfiltered, filtered }
}

const toRow = (rid: number): number => rid - 1

/** The rows of a label as a data set of their own, with the queries that ask for it. */
function ofLabel(data: Dataset, label: number) {
  const rows: number[] = []
  for (let row = 0; row < data.rowCount; row++) if (data.labels?.[row] === label) rows.push(row)
  const asked = Array.from({ length: data.queryCount }, (_, q) => q).filter(
    (q) => filterLabel(data, q, 'own') === label,
  )
  const { dim } = data
  const take = (from: Float32Array, chosen: readonly number[]) => {
    const values = new Float32Array(new SharedArrayBuffer(chosen.length * dim * 4))
    chosen.forEach((row, i) => {
      values.set(from.subarray(row * dim, (row + 1) * dim), i * dim)
    })
    return values
  }
  const part: Dataset = {
    ...{ ...data, name: `${data.name}-label-${label}`, rowCount: rows.length, vectors: take(data.vectors, rows) },
    ...{ labels: null, queryCount: asked.length, queries: take(data.queries, asked), queryLabels: null },
  }
  return { part, rows, asked }
}

/** Searches each query by itself, 16 in flight; the row numbers found. */
export async function searchAll(
  target: Target,
  collection: string,
  data: Dataset,
  filter: Filter,
): Promise<readonly Float64Array[]> {
  const shape = { ...plainSearch, collection, filter: (query: number) => filterText(data, query, filter) }
  using rpc = await connectRpc(target)
  const found: Float64Array[] = []
  let next = 0
  const lane = async () => {
    while (next < data.queryCount) {
      const query = next++
      found[query] = searchIds(await rpc.call(`${SERVICE}Search`, searchFrame(data, query, shape)))
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  return found
}

export interface Recalls {
  readonly unfiltered: number
  readonly filtered: number
}

export const recalls = (found: Record<keyof Recalls, readonly Float64Array[]>, truth: Truth): Recalls => ({
  unfiltered: recallOf(found.unfiltered, truth.unfiltered),
  filtered: recallOf(found.filtered, truth.filtered),
})
