import type { CollectionEntry } from '../catalog/entries.ts'
import type { VectorHits } from '../engine/contract.ts'
import { fault } from '../errors/error.ts'
import { type CheckedExpr, toSql } from '../filter/filter.ts'
import type { SearchRequest } from '../model/calls.ts'
import { primaryField } from '../model/schema.ts'
import { isPacked, isVectorData, packedRow, takeVectors, type VectorData } from '../model/vectors.ts'
import type { LiveCollection, LiveIndex } from './live-collection.ts'
import { refuseNamedPartitions } from './partition-key.ts'
import { queryWords } from './query-words.ts'
import { type Key, keyList } from './rerank.ts'
import { candidates, checkQueries, rangeOf } from './search-bounds.ts'
import { explainPlan, type FilterPlan, filterOf, planFilter, searchedField, vectorFieldOf } from './search-plan.ts'
import { loadedPartitionNumbers, type World } from './world.ts'

/** A search whose parameters are checked: what is left is to run it. */
export interface PreparedSearch {
  /** With vectors, whatever was asked for. */
  readonly request: SearchRequest
  readonly target: LiveIndex
  readonly expr: CheckedExpr | null
  readonly partitions: readonly number[] | null
  readonly rangeFilter: number | null
  /** How the rows that pass `expr` reach the search. */
  plan(expr: CheckedExpr | null): Promise<FilterPlan>
  /** The k best of each query, or of one of them. */
  run(plan: FilterPlan, k: number, rangeFilter: number | null, query?: number): Promise<VectorHits>
}

/** @throws RedkiteError with Milvus' text for what cannot be searched */
export async function prepareSearch(
  world: World,
  entry: CollectionEntry,
  live: LiveCollection,
  asked: SearchRequest,
): Promise<PreparedSearch> {
  checkQueries(asked.nq, world.limits)
  refuseNamedPartitions(entry, asked.partitions)
  const partitions = loadedPartitionNumbers(entry, asked.partitions)
  const request = asked.ids === null ? asked : await withVectors(world, entry, live, { ...asked, ids: asked.ids })
  const { field, live: target } = searchedField(entry, live, request)
  const words = queryWords(field, request)
  const expr = filterOf(entry, request.filter, request.templates, world.limits, 'query')
  const { radius, rangeFilter } = rangeOf(request, target.plan.metric)
  const ef = candidates(request, target.plan.indexType, request.topk + request.offset)
  world.metrics.searchedVectors.inc(request.nq)
  return {
    ...{ request, target, expr, partitions, rangeFilter },
    plan: async (by) => {
      const plan = await planFilter(live, target, by, partitions)
      world.metrics.searchPlans.inc({ plan: plan.name })
      world.log.debug('Search plan', explainPlan(live, target, plan, ef))
      return plan
    },
    run: ({ name, filter }, k, from, query) => {
      const nq = query === undefined ? request.nq : 1
      if (name === 'nothing') return Promise.resolve(noHits(nq))
      const width = words.length / request.nq
      const queries = query === undefined ? words : words.subarray(query * width, (query + 1) * width)
      return target.index.search({ queries, nq, k, ef, filter, radius, rangeFilter: from, exact: false })
    },
  }
}

function noHits(nq: number): VectorHits {
  return { counts: new Int32Array(nq), rids: new Float64Array(0), scores: new Float32Array(0) }
}

/** The stored vectors of the rows whose keys were given, in their order; a key may come twice. */
async function withVectors(
  world: World,
  entry: CollectionEntry,
  live: LiveCollection,
  request: SearchRequest & { readonly ids: NonNullable<SearchRequest['ids']> },
): Promise<SearchRequest> {
  const { ids } = request
  const field = vectorFieldOf(entry, request)
  const key = primaryField(entry.schema)
  if ((key.type === 'Int64') !== (ids.kind === 'long')) {
    throw fault('invalidParameter', `ids should be of the primary key's type ${key.type} (field ${key.name})`)
  }
  const expr = filterOf(entry, `${key.name} in {ids}`, { ids: [...ids.values] }, world.limits, 'query')
  const { columns } = await live.store.query({
    where: expr === null ? null : toSql(expr),
    partitions: loadedPartitionNumbers(entry, request.partitions),
    ...{ limit: null, offset: 0, fields: [key, field], bytesMax: world.limits.resultBytesMax },
  })
  const [keys, stored] = columns
  if (!stored || !isVectorData(stored.data)) throw new Error(`the store returned no vectors of field ${field.name}`)
  const rows = new Map(keyList(keys).map((key, row) => [key, row]))
  const missing = [...new Set<Key>(ids.values)].filter((id) => !rows.has(id))
  if (missing.length > 0) {
    const shown = missing.slice(0, 20).join(', ')
    throw fault('invalidParameter', `some of the provided primary key IDs do not exist: missing IDs = [${shown}]`)
  }
  const at = Array.from<Key, number>(ids.values, (id) => rows.get(id) ?? 0)
  const empty = at.findIndex((row) => stored.valid?.[row] === 0)
  if (empty >= 0) throw fault('invalidParameter', `the vector of primary key ${ids.values[empty]} is null`)
  return { ...request, ids: null, ...queriesOf(takeVectors(stored.data, at), request.nq) }
}

/** Stored vectors as a request holds the ones it received. */
function queriesOf(data: VectorData, nq: number): Pick<SearchRequest, 'vectors' | 'packed' | 'vectorBytes'> {
  if (data.kind === 'floatVector') return { vectors: data.values, vectorBytes: data.dim * 4 }
  const values = isPacked(data) ? Array.from({ length: nq }, (_, row) => packedRow(data, row)) : data.values
  return {
    ...{ vectors: new Float32Array(0), vectorBytes: values[0]?.byteLength ?? 0 },
    packed: { kind: data.kind, values },
  }
}
