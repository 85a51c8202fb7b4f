import { fault } from '../../errors/error.ts'
import type { InCollection, SearchReply, SearchRequest } from '../../model/calls.ts'
import type { Ids } from '../../model/columns.ts'
import { primaryField } from '../../model/schema.ts'
import type { RestInput, RestOutput } from '../op.ts'
import { consistencyByName } from '../wire/consistency.ts'
import { isObject, type Pair, textOf } from '../wire/properties.ts'
import { queriesByIds } from '../wire/search-message.ts'
import { searchParams } from '../wire/search-params.ts'
import { templatesFromJson } from '../wire/templates.ts'
import { collectionOf, integer, notJson, object, requireFields, text, texts } from './body.ts'
import { queryVectorsOf } from './query-vectors.ts'
import { idsOut, shortFloat, toRows } from './rows.ts'

export const LIMIT_DEFAULT = 100

/** `entities/search`: the rows of all queries behind one another; `topks` tells them apart. */
export async function searchFromBody(input: RestInput): Promise<RestOutput> {
  const request = await searchOf(input)
  return hitsOut(input, request, await input.call('Search', request))
}

/** A reply as REST shows it. */
export async function hitsOut(input: RestInput, request: InCollection, reply: SearchReply): Promise<RestOutput> {
  const key = reply.primaryField || (await keyName(input, request))
  const rows = toRows(reply.columns, reply.scores.length, input.int64AsNumber)
  const ids = idsOut(reply.ids, input.int64AsNumber)
  const data = rows.map((row, hit) => ({
    distance: shortFloat(reply.scores[hit] ?? 0),
    [key]: ids[hit],
    ...row,
  }))
  return { data, extra: { cost: 0, topks: Array.from(reply.counts) } }
}

/** The name of the ids' field: Milvus before 2.4 does not say it in the reply. */
async function keyName({ call }: RestInput, { db, collection }: InCollection): Promise<string> {
  const { schema } = await call('DescribeCollection', { db, collection, collectionId: 0n })
  return primaryField(schema).name
}

/** A body in the terms of the RPC: its parameters go through the same checks as `search_params`. */
async function searchOf(input: RestInput): Promise<SearchRequest> {
  const { body } = input
  const byIds = body['ids'] !== undefined && body['ids'] !== null
  requireFields(body, 'SearchReqV2', byIds ? ['collectionName'] : ['collectionName', 'data'])
  refuseUnserved(body)
  const { field, ...params } = searchParams([...pairsOf(body), ...groupingOfBody(body)])
  const where = collectionOf(input)
  const query = byIds
    ? queriesByIds(idsOf(body['ids']))
    : { ...(await queryVectorsOf(input, where, field, body['data'])), ids: null }
  const level = text(body, 'consistencyLevel')
  return {
    ...where,
    ...query,
    ...params,
    field,
    partitions: texts(body, 'partitionNames'),
    filter: text(body, 'filter'),
    templates: templatesFromJson(body['exprParams']),
    outputFields: texts(body, 'outputFields'),
    consistency: level === '' ? null : consistencyByName(level),
    guaranteeTs: 0n,
  }
}

/** `groupingField`, `groupSize` and `strictGroupSize`, under the names of the RPC. */
export function groupingOfBody(body: RestInput['body']): Pair[] {
  const names = { group_by_field: 'groupingField', group_size: 'groupSize', strict_group_size: 'strictGroupSize' }
  return Object.entries(names).flatMap(([key, name]) => {
    const value = body[name] ?? null
    return value === null ? [] : [{ key, value: textOf(value) }]
  })
}

/** `ids`: a list of numbers, or of strings. */
function idsOf(value: unknown): Ids {
  const ids = Array.isArray(value) ? value : [value]
  if (ids.every((id) => typeof id === 'string')) return { kind: 'string', values: ids }
  const isWhole = (id: unknown) => typeof id === 'bigint' || Number.isSafeInteger(id)
  if (!ids.every(isWhole)) throw notJson('ids must be a list of whole numbers or of strings')
  return { kind: 'long', values: BigInt64Array.from(ids, (id) => BigInt(id)) }
}

const UNSERVED = ['functionScore', 'functionChains', 'searchAggregation', 'orderByFields', 'highlighter']

/** @throws RedkiteError `unimplemented` for a part of the body that would change the answer and is not served yet */
export function refuseUnserved(body: RestInput['body'], unserved: readonly string[] = UNSERVED): void {
  for (const name of unserved) {
    const value = body[name]
    const isEmpty =
      value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)
    if (!isEmpty) throw fault('unimplemented', name)
  }
}

/** `searchParams` may be flat or hold its own `params`; metricType and ignoreGrowing have REST spellings. */
function pairsOf(body: RestInput['body']): Pair[] {
  const given = object(body, 'searchParams')
  const { params, metricType, metric_type, ignoreGrowing, ignore_growing, ...flat } = given
  if (params !== undefined && !isObject(params)) throw notJson('searchParams.params must be an object')
  return [
    { key: 'anns_field', value: text(body, 'annsField') },
    { key: 'topk', value: String(integer(body, 'limit', LIMIT_DEFAULT)) },
    { key: 'offset', value: String(integer(body, 'offset', 0)) },
    { key: 'metric_type', value: textOf(metricType ?? metric_type ?? '') },
    { key: 'ignore_growing', value: textOf(ignoreGrowing ?? ignore_growing ?? '') },
    ...Object.entries(flat).map(([key, value]) => ({ key, value: textOf(value ?? '') })),
    { key: 'params', value: JSON.stringify(params ?? {}) },
  ]
}
