import type { CollectionEntry } from '../catalog/entries.ts'
import type { VectorHits } from '../engine/contract.ts'
import { packHits } from '../engine/exact.ts'
import { smallerIsBetter } from '../engine/top-k.ts'
import { fault } from '../errors/error.ts'
import type { SearchRequest } from '../model/calls.ts'
import { columnBytes } from '../model/columns.ts'
import { type FieldSchema, type MetricType, primaryField } from '../model/schema.ts'
import type { HybridSearchRequest } from '../model/search-calls.ts'
import { type GroupValue, groupedHits, groupFieldOf, groupValueAt } from './grouped-search.ts'
import type { LiveCollection } from './live-collection.ts'
import { planOutput } from './output.ts'
import { compareKeys, fuse, groupFused, isAscending, type Key, keyList, type RankedList } from './rerank.ts'
import { checkWindow } from './search-bounds.ts'
import { prepareSearch } from './search-hits.ts'
import { HIT_BYTES, keysOf, replyOf, resultSizeCheck } from './search-reply.ts'
import { type Handler, loadedCollection, type World } from './world.ts'

const REQUESTS_MAX = 1_024

/** The hits of one of the searches. */
interface Found {
  readonly metric: MetricType
  readonly hits: VectorHits
  readonly keys: readonly Key[]
  readonly groups: readonly GroupValue[] | null
}

export const hybridSearch: Handler<'HybridSearch'> = async (world, request) => {
  const entry = loadedCollection(world, request)
  const nq = checkHybrid(request, world)
  const live = world.live(entry)
  const groupField = request.grouping === null ? null : groupFieldOf(entry, request.grouping)
  const output = planOutput(entry, request.outputFields)
  const checkSize = resultSizeCheck(world.limits.resultBytesMax)
  for (const { topk } of request.requests) checkSize(nq * Math.min(topk, live.store.rowCount) * HIT_BYTES)
  const scope = { live, entry, output, sessionTs: world.catalog.clock.next() }
  const found = await Promise.all(
    request.requests.map((each) => findOne(world, entry, live, subRequest(each, request), groupField)),
  )
  const hits = packHits(Array.from({ length: nq }, (_, query) => fuseQuery(request, found, query)))
  const { topk, roundDecimal } = request
  const page = { topk: Number.POSITIVE_INFINITY, offset: 0, roundDecimal, isOrdered: true, groupField }
  const { reply } = await replyOf(scope, page, hits)
  checkSize(columnBytes(reply.columns))
  return { ...reply, topk }
}

/** The number of queries. @throws RedkiteError `invalidParameter` with Milvus' texts */
function checkHybrid(request: HybridSearchRequest, world: World): number {
  const { requests, ranker } = request
  checkWindow(request, world.limits)
  const [first] = requests
  if (!first) throw fault('invalidParameter', 'minimum of ann search requests is 1')
  if (requests.length > REQUESTS_MAX) {
    throw fault('invalidParameter', `maximum of ann search requests is ${REQUESTS_MAX}`)
  }
  if (ranker.kind === 'weighted' && ranker.weights.length !== requests.length) {
    const details = { expected: requests.length, actual: ranker.weights.length }
    throw fault('invalidParameter', 'the length of weights param mismatch with ann search requests', details)
  }
  for (const each of requests) {
    checkWindow({ topk: each.topk, offset: 0 }, world.limits)
    if (each.iterator !== null) throw fault('invalidParameter', 'search iterator is not supported in hybrid search')
    if (each.nq !== first.nq) {
      throw fault('invalidParameter', 'nq should be the same in all ann search requests', {
        expected: first.nq,
        actual: each.nq,
      })
    }
  }
  return first.nq
}

/** One of the searches: `topk` is what it finds; offset, rounding and grouping are the whole's. */
function subRequest(each: SearchRequest, whole: HybridSearchRequest): SearchRequest {
  const partitions = whole.partitions.length > 0 ? whole.partitions : each.partitions
  return { ...each, partitions, offset: 0, grouping: whole.grouping, outputFields: [] }
}

async function findOne(
  world: World,
  entry: CollectionEntry,
  live: LiveCollection,
  request: SearchRequest,
  groupField: FieldSchema | null,
): Promise<Found> {
  const prepared = await prepareSearch(world, entry, live, request)
  const { grouping } = request
  const hits =
    grouping !== null && groupField !== null
      ? await groupedHits(world, entry, live, prepared, grouping, groupField)
      : await prepared.run(await prepared.plan(prepared.expr), request.topk, prepared.rangeFilter)
  const { columns } = await keysOf(live, primaryField(entry.schema), hits.rids)
  const groups = groupField === null ? null : (await live.store.fetch(hits.rids, [groupField])).columns[0]
  return {
    metric: prepared.target.plan.metric,
    hits,
    keys: keyList(columns[0]),
    groups: groups ? Array.from(hits.rids, (_, i) => groupValueAt(groups, i)) : null,
  }
}

function fuseQuery(request: HybridSearchRequest, found: readonly Found[], query: number) {
  const rids = new Map<Key, number>()
  const groupOf = new Map<Key, GroupValue>()
  const lists = found.map((one): RankedList => {
    const begin = one.hits.counts.slice(0, query).reduce((sum, count) => sum + count, 0)
    const at = Array.from({ length: one.hits.counts[query] ?? 0 }, (_, i) => begin + i)
    const score = (i: number) => one.hits.scores[i] ?? 0
    const key = (i: number) => one.keys[i] ?? ''
    const sign = smallerIsBetter(one.metric) ? 1 : -1
    at.sort((a, b) => sign * (score(a) - score(b)) || compareKeys(key(a), key(b)))
    for (const i of at) {
      rids.set(key(i), one.hits.rids[i] ?? 0)
      if (one.groups) groupOf.set(key(i), one.groups[i] ?? null)
    }
    return { metric: one.metric, keys: at.map(key), scores: at.map(score) }
  })
  const { ranker, grouping, offset, topk } = request
  const fused = fuse(ranker, lists)
  const shown =
    grouping === null
      ? fused.slice(offset, offset + topk)
      : groupFused(fused, (key) => groupOf.get(key) ?? null, grouping, isAscending(ranker, lists))
          .slice(offset, offset + topk)
          .flat()
  return {
    rids: Float64Array.from(shown, ({ key }) => rids.get(key) ?? 0),
    scores: Float32Array.from(shown, ({ score }) => score),
  }
}
