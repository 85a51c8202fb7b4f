import type { CollectionEntry } from '../catalog/entries.ts'
import type { VectorHits } from '../engine/contract.ts'
import { fault } from '../errors/error.ts'
import type { HybridTs, SearchReply } from '../model/calls.ts'
import type { Column, Ids } from '../model/columns.ts'
import { type FieldSchema, primaryField } from '../model/schema.ts'
import type { LiveCollection } from './live-collection.ts'
import { type OutputPlan, projectDynamic } from './output.ts'
import { takeColumn } from './take.ts'

/** Key and score. */
export const HIT_BYTES = 12

/** What the replies of one search have in common. */
export interface ReplyScope {
  readonly live: LiveCollection
  readonly entry: CollectionEntry
  readonly output: OutputPlan
  readonly sessionTs: HybridTs
}

/** Which of the hits leave, and how. */
export interface Page {
  readonly topk: number
  readonly offset: number
  readonly roundDecimal: number
  /** The hits come in their final order; else equal scores are put in the order of their keys. */
  readonly isOrdered: boolean
  readonly groupField: FieldSchema | null
}

/** `quotaAndLimits.limits.maxOutputSize`, asked as soon as a size is known: before the memory is taken. */
export function resultSizeCheck(bytesMax: number): (bytes: number) => void {
  return (bytes) => {
    if (bytes <= bytesMax) return
    const text = `search results exceed the maxOutputSize Limit ${bytesMax}; lower nq, limit or the output fields`
    throw fault('parameterTooLarge', text)
  }
}

/** `lost`: hits that were removed while the search ran, for which others may be found. */
export async function replyOf(
  { live, entry, output, sessionTs }: ReplyScope,
  page: Page,
  hits: VectorHits,
): Promise<{ readonly lost: number; readonly reply: SearchReply }> {
  const { alive, columns } = await columnsOf(live, output, hits.rids)
  const [keys, ...rest] = columns
  if (!keys) throw new Error('the store returned no primary key column')
  const { order, counts, scores, lost } = pageOf(page, hits, alive, keys)
  const kept = rest.map((column) => takeColumn(column, order))
  const primary = takeColumn(keys, order)
  const shown = output.wantsPrimary ? [primary, ...kept] : kept
  const reply: SearchReply = {
    collection: entry.schema.name,
    primaryField: primaryField(entry.schema).name,
    counts,
    ids: idsOf(primary),
    scores,
    columns: projectDynamic(output, shown),
    outputFields: output.names,
    topk: page.topk,
    sessionTs,
    iterator: null,
    groupValues: page.groupField === null ? null : await groupValues(live, page.groupField, hits.rids, order),
  }
  return { lost, reply }
}

async function groupValues(
  live: LiveCollection,
  field: FieldSchema,
  rids: Float64Array,
  order: readonly number[],
): Promise<Column | null> {
  const { columns } = await live.store.fetch(
    Float64Array.from(order, (i) => rids[i] ?? 0),
    [field],
  )
  const [column] = columns
  return column ? { ...column, type: field.type } : null
}

/** The wanted fields of the hits, the primary key first. Keys alone come from memory where they are known. */
async function columnsOf(live: LiveCollection, output: OutputPlan, rids: Float64Array) {
  const [primary] = output.fields
  if (primary && output.fields.length === 1) return keysOf(live, primary, rids)
  const read = await live.store.fetch(rids, output.fields)
  const [keys] = read.columns
  if (keys) live.keys.learn(rids, keys, read.alive)
  return read
}

/** The primary keys of rows. */
export async function keysOf(live: LiveCollection, primary: FieldSchema, rids: Float64Array) {
  const known = live.keys.take(primary, rids)
  if (known) return { alive: new Uint8Array(rids.length).fill(1), columns: [known] }
  const read = await live.store.fetch(rids, [primary])
  const [keys] = read.columns
  if (keys) live.keys.learn(rids, keys, read.alive)
  return read
}

/** Drops hits that are gone and the first `offset` of each query; equal scores come by ascending primary key. */
function pageOf(page: Page, hits: VectorHits, alive: Uint8Array, keys: Column) {
  const order: number[] = []
  const counts = new Int32Array(hits.counts.length)
  let lost = 0
  let begin = 0
  for (let q = 0; q < counts.length; q++) {
    const end = begin + (hits.counts[q] ?? 0)
    const rows: number[] = []
    for (let i = begin; i < end; i++) {
      if (alive[i] === 1) rows.push(i)
      else lost++
    }
    if (!page.isOrdered) orderTies(rows, hits.scores, keys)
    const shown = rows.slice(page.offset, page.offset + page.topk)
    counts[q] = shown.length
    order.push(...shown)
    begin = end
  }
  const scores = Float32Array.from(order, (row) => rounded(hits.scores[row] ?? 0, page.roundDecimal))
  return { order, counts, scores, lost }
}

function orderTies(rows: number[], scores: Float32Array, keys: Column): void {
  for (let i = 1; i < rows.length; i++) {
    if (scores[rows[i] ?? 0] !== scores[rows[i - 1] ?? 0]) continue
    let from = i - 1
    while (from > 0 && scores[rows[from - 1] ?? 0] === scores[rows[i] ?? 0]) from--
    let to = i + 1
    while (to < rows.length && scores[rows[to] ?? 0] === scores[rows[i] ?? 0]) to++
    const { data } = keys
    const tied = rows.slice(from, to).sort((a, b) => {
      const [x, y] = [data.values[a] ?? 0, data.values[b] ?? 0]
      return x < y ? -1 : x > y ? 1 : 0
    })
    rows.splice(from, tied.length, ...tied)
    i = to - 1
  }
}

function rounded(score: number, decimals: number): number {
  if (decimals < 0) return score
  const factor = 10 ** decimals
  return Math.round(score * factor) / factor
}

/** @throws Error for a column that is no primary key */
export function idsOf(column: Column): Ids {
  if (column.data.kind === 'long') return { kind: 'long', values: column.data.values }
  if (column.data.kind === 'string') return { kind: 'string', values: column.data.values }
  throw new Error(`primary key of kind ${column.data.kind}`)
}
