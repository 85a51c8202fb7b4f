import type { VectorHits } from '../engine/contract.ts'
import { fault } from '../errors/error.ts'
import type { SearchReply, SearchRequest } from '../model/calls.ts'
import { type Column, columnBytes, type Ids } from '../model/columns.ts'
import { primaryField } from '../model/schema.ts'
import type { LiveCollection } from './live-collection.ts'
import { type OutputPlan, planOutput, projectDynamic } from './output.ts'
import { refuseNamedPartitions } from './partition-key.ts'
import { filterOf, planFilter, searchedField } from './search-plan.ts'
import { takeColumn } from './take.ts'
import { type EmbeddedLimits, type Handler, loadedCollection, loadedPartitionNumbers } from './world.ts'

/** A hit that a concurrent change removed is replaced by searching again; after this many times the rest is enough. */
const ATTEMPTS_MAX = 3
/** Key and score. */
const HIT_BYTES = 12

export const search: Handler<'Search'> = async (world, request) => {
  const entry = loadedCollection(world, request)
  checkBounds(request, world.limits)
  const live = world.live(entry)
  const { live: target } = searchedField(entry, live, request)
  const output = planOutput(entry, request.outputFields)
  refuseNamedPartitions(entry, request.partitions)
  const partitions = loadedPartitionNumbers(entry, request.partitions)
  const expr = filterOf(entry, request.filter, request.templates, world.limits, 'query')
  const checkSize = resultSizeCheck(world.limits.resultBytesMax)
  checkSize(request.nq * Math.min(request.topk + request.offset, live.store.rowCount) * HIT_BYTES)
  const { metric } = target.plan
  const { radius, rangeFilter } = rangeOf(request, metric)
  const ef = candidates(request, target.plan.indexType)
  const sessionTs = world.catalog.clock.next()
  world.metrics.searchedVectors.inc(request.nq)
  for (let attempt = 1; ; attempt++) {
    const { name, filter } = await planFilter(live, target, expr, partitions)
    world.metrics.searchPlans.inc({ plan: name })
    const run = (k: number, from: number | null): Promise<VectorHits> => {
      if (name === 'nothing') return Promise.resolve(noHits(request.nq))
      const { vectors: queries, nq } = request
      return target.index.search({ queries, nq, k, ef, filter, radius, rangeFilter: from, exact: false })
    }
    const { iterator: asked } = request
    const { hits, iterator } =
      asked === null
        ? { hits: await run(request.topk + request.offset, rangeFilter), iterator: null }
        : await live.iterators.page(run, { ...request, iterator: asked }, metric, rangeFilter)
    const vectorBytes = output.fields.reduce((sum, { dim }) => sum + dim * Float32Array.BYTES_PER_ELEMENT, 0)
    checkSize(hits.rids.length * (HIT_BYTES + vectorBytes))
    const reply = await replyOf(
      live,
      request,
      entry.schema.name,
      primaryField(entry.schema).name,
      output,
      hits,
      sessionTs,
    )
    if (!reply.complete && attempt < ATTEMPTS_MAX) continue
    checkSize(columnBytes(reply.reply.columns))
    return { ...reply.reply, iterator }
  }
}

function noHits(nq: number): VectorHits {
  return { counts: new Int32Array(nq), rids: new Float64Array(0), scores: new Float32Array(0) }
}

/** `quotaAndLimits.limits.maxOutputSize`, asked as soon as a size is known: before the memory is taken. */
function resultSizeCheck(bytesMax: number): (bytes: number) => void {
  return (bytes) => {
    if (bytes <= bytesMax) return
    const text = `search results exceed the maxOutputSize Limit ${bytesMax}; lower nq, limit or the output fields`
    throw fault('parameterTooLarge', text)
  }
}

/** Milvus' bounds, with its texts (milvus-api B2). */
function checkBounds(request: SearchRequest, limits: EmbeddedLimits): void {
  const { topk, offset, nq } = request
  const range = `[1, ${limits.topkMax}]`
  if (!Number.isInteger(topk) || topk < 1 || topk > limits.topkMax) {
    throw fault('invalidParameter', `topk [${topk}] is invalid, it should be in range ${range}, but got ${topk}`)
  }
  if (!Number.isInteger(offset) || offset < 0) {
    throw fault('invalidParameter', `offset [${offset}] is invalid, it should be in range [0, ${limits.topkMax}]`)
  }
  if (topk + offset > limits.resultWindowMax) {
    throw fault(
      'invalidParameter',
      `(offset+limit) should be in range [1, ${limits.resultWindowMax}], but got ${topk + offset}`,
    )
  }
  if (nq < 1 || nq > limits.nqMax) {
    throw fault(
      'invalidParameter',
      `nq (number of search vector per search request) should be in range [1, ${limits.nqMax}], but got ${nq}`,
    )
  }
}

function numberParam(request: SearchRequest, key: string): number | null {
  const value = request.params[key]
  if (value === undefined || value === null || value === '') return null
  const number = typeof value === 'string' || typeof value === 'bigint' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isFinite(number)) {
    throw fault('invalidParameter', `search param '${key}' (${JSON.stringify(value)}) should be a number`)
  }
  return number
}

function candidates(request: SearchRequest, indexType: string): number | null {
  const ef = numberParam(request, 'ef')
  const k = request.topk + request.offset
  if (ef !== null && indexType === 'HNSW') {
    if (!Number.isInteger(ef) || ef < 1)
      throw fault('invalidParameter', `param 'ef' (${ef}) should be in range [1, 2147483647]`)
    if (ef < k) throw fault('invalidParameter', `ef(${ef}) should be larger than k(${k})`)
  }
  const nprobe = numberParam(request, 'nprobe')
  if (nprobe !== null && (!Number.isInteger(nprobe) || nprobe < 1 || nprobe > 65_536)) {
    throw fault('invalidParameter', `param 'nprobe' (${nprobe}) should be in range [1, 65536]`)
  }
  return ef === null ? null : Math.max(ef, k)
}

function rangeOf(request: SearchRequest, metric: string): { radius: number | null; rangeFilter: number | null } {
  const radius = numberParam(request, 'radius')
  const rangeFilter = numberParam(request, 'range_filter')
  if (rangeFilter === null) return { radius, rangeFilter }
  if (radius === null) {
    throw fault('invalidParameter', 'range_filter requires radius to be set; send radius in params')
  }
  if (metric === 'L2' && rangeFilter >= radius) {
    throw fault(
      'invalidParameter',
      `metric type (L2), range_filter(${rangeFilter}) must be less than radius(${radius})`,
    )
  }
  if (metric !== 'L2' && rangeFilter <= radius) {
    throw fault(
      'invalidParameter',
      `metric type (${metric}), range_filter(${rangeFilter}) must be greater than radius(${radius})`,
    )
  }
  return { radius, rangeFilter }
}

async function replyOf(
  live: LiveCollection,
  request: SearchRequest,
  collection: string,
  primaryName: string,
  output: OutputPlan,
  hits: VectorHits,
  sessionTs: bigint,
): Promise<{ complete: boolean; reply: SearchReply }> {
  const { alive, columns } = await columnsOf(live, output, hits.rids)
  const [keys, ...rest] = columns
  if (!keys) throw new Error('the store returned no primary key column')
  const page = pageOf(request, hits, alive, keys)
  const kept = rest.map((column) => takeColumn(column, page.order))
  const primary = takeColumn(keys, page.order)
  const shown = output.wantsPrimary ? [primary, ...kept] : kept
  const reply: SearchReply = {
    collection,
    primaryField: primaryName,
    counts: page.counts,
    ids: idsOf(primary),
    scores: page.scores,
    columns: projectDynamic(output, shown),
    outputFields: output.names,
    topk: request.topk,
    sessionTs,
    iterator: null,
  }
  return { complete: page.lost === 0, reply }
}

/** The wanted fields of the hits, the primary key first. Keys alone come from memory where they are known. */
async function columnsOf(live: LiveCollection, output: OutputPlan, rids: Float64Array) {
  const [primary] = output.fields
  const known = primary && output.fields.length === 1 ? live.keys.take(primary, rids) : null
  if (known) return { alive: new Uint8Array(rids.length).fill(1), columns: [known] }
  const read = await live.store.fetch(rids, output.fields)
  const [keys] = read.columns
  if (keys) live.keys.learn(rids, keys, read.alive)
  return read
}

/** Drops hits that are gone and the first `offset` of each query; equal scores come by ascending primary key. */
function pageOf(request: SearchRequest, hits: VectorHits, alive: Uint8Array, keys: Column) {
  const order: number[] = []
  const counts = new Int32Array(request.nq)
  let lost = 0
  let begin = 0
  for (let q = 0; q < request.nq; q++) {
    const end = begin + (hits.counts[q] ?? 0)
    const rows: number[] = []
    for (let i = begin; i < end; i++) {
      if (alive[i] === 1) rows.push(i)
      else lost++
    }
    orderTies(rows, hits.scores, keys)
    const shown = rows.slice(request.offset, request.offset + request.topk)
    counts[q] = shown.length
    order.push(...shown)
    begin = end
  }
  const scores = Float32Array.from(order, (row) => rounded(hits.scores[row] ?? 0, request.roundDecimal))
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

function idsOf(column: Column): Ids {
  if (column.data.kind === 'long') return { kind: 'long', values: column.data.values }
  if (column.data.kind === 'string') return { kind: 'string', values: column.data.values }
  throw new Error(`primary key of kind ${column.data.kind}`)
}
