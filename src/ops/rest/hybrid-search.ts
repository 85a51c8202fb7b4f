import type { InCollection, SearchRequest } from '../../model/calls.ts'
import type { HybridSearchRequest } from '../../model/search-calls.ts'
import type { RestInput, RestOutput } from '../op.ts'
import { consistencyByName } from '../wire/consistency.ts'
import { type Pair, textOf } from '../wire/properties.ts'
import { hybridParams } from '../wire/rank-params.ts'
import { rankFunctionsFromJson } from '../wire/ranker.ts'
import { searchParams } from '../wire/search-params.ts'
import { templatesFromJson } from '../wire/templates.ts'
import { collectionOf, integer, object, objects, requireFields, text, texts } from './body.ts'
import { queryVectorsOf } from './query-vectors.ts'
import { groupingOfBody, hitsOut, LIMIT_DEFAULT, refuseUnserved } from './search.ts'

const UNSERVED = ['functionChains', 'searchAggregation', 'orderByFields', 'highlighter']

/** `entities/hybrid_search`, and its older name `entities/advanced_search`. */
export async function hybridSearchFromBody(input: RestInput): Promise<RestOutput> {
  const request = await hybridSearchOf(input)
  return hitsOut(input, request, await input.call('HybridSearch', request))
}

async function hybridSearchOf(input: RestInput): Promise<HybridSearchRequest> {
  const { body } = input
  requireFields(body, 'HybridSearchReq', ['collectionName', 'search'])
  refuseUnserved(body, UNSERVED)
  const where = collectionOf(input)
  const params = hybridParams(rankPairsOf(body), rankFunctionsFromJson(object(body, 'functionScore')))
  const requests: SearchRequest[] = []
  for (const each of objects(body, 'search')) {
    requests.push(await oneSearch(input, each, where, params.topk + params.offset))
  }
  const level = text(body, 'consistencyLevel')
  return {
    ...where,
    ...params,
    requests,
    partitions: texts(body, 'partitionNames'),
    outputFields: texts(body, 'outputFields'),
    consistency: level === '' ? null : consistencyByName(level),
    guaranteeTs: 0n,
  }
}

function rankPairsOf(body: RestInput['body']): Pair[] {
  const { strategy, params } = object(body, 'rerank')
  return [
    { key: 'strategy', value: textOf(strategy ?? '') },
    { key: 'params', value: textOf(params ?? {}) },
    { key: 'limit', value: String(integer(body, 'limit', LIMIT_DEFAULT)) },
    { key: 'offset', value: String(integer(body, 'offset', 0)) },
    { key: 'rank_group_scorer', value: text(body, 'rankGroupScorer') },
    ...groupingOfBody(body),
  ]
}

/** One search of the list; it finds as many hits as the whole may show unless it names its own `limit`. */
async function oneSearch(
  input: RestInput,
  each: RestInput['body'],
  where: InCollection,
  topkDefault: number,
): Promise<SearchRequest> {
  requireFields(each, 'SubSearchReq', ['data'])
  const { metricType: nestedMetric, ...params } = object(each, 'params')
  const limit = integer(each, 'limit', 0)
  const { field, ...read } = searchParams(
    [
      { key: 'anns_field', value: text(each, 'annsField') },
      { key: 'topk', value: limit === 0 ? '' : String(limit) },
      { key: 'offset', value: String(integer(each, 'offset', 0)) },
      { key: 'metric_type', value: text(each, 'metricType') || textOf(nestedMetric ?? '') },
      { key: 'ignore_growing', value: textOf(each['ignoreGrowing'] ?? '') },
      { key: 'params', value: JSON.stringify(params) },
    ],
    topkDefault,
  )
  return {
    ...where,
    ...(await queryVectorsOf(input, where, field, each['data'])),
    ...read,
    field,
    ids: null,
    partitions: [],
    filter: text(each, 'filter'),
    templates: templatesFromJson(each['exprParams']),
    outputFields: [],
    consistency: null,
    guaranteeTs: 0n,
  }
}
