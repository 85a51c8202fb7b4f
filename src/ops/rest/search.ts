import { fault } from '../../errors/error.ts'
import type { SearchRequest } from '../../model/calls.ts'
import { primaryField } from '../../model/schema.ts'
import type { RestInput, RestOutput } from '../op.ts'
import { consistencyByName } from '../wire/consistency.ts'
import type { QueryVectors } from '../wire/placeholders.ts'
import { isObject, type Pair, textOf } from '../wire/properties.ts'
import { searchParams } from '../wire/search-params.ts'
import { templatesFromJson } from '../wire/templates.ts'
import { collectionOf, integer, notJson, object, requireFields, text, texts } from './body.ts'
import { idsOut, shortFloat, toRows } from './rows.ts'

const LIMIT_DEFAULT = 100

/** `entities/search`: the rows of all queries behind one another; `topks` tells them apart. */
export async function searchFromBody(input: RestInput): Promise<RestOutput> {
  const request = searchOf(input)
  const reply = await input.call('Search', request)
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
async function keyName({ call }: RestInput, { db, collection }: SearchRequest): Promise<string> {
  const { schema } = await call('DescribeCollection', { db, collection, collectionId: 0n })
  return primaryField(schema).name
}

/** A body in the terms of the RPC: its parameters go through the same checks as `search_params`. */
function searchOf(input: RestInput): SearchRequest {
  const { body } = input
  if (body['ids'] !== undefined) throw fault('unimplemented', 'search by ids')
  requireFields(body, 'SearchReqV2', ['collectionName', 'data'])
  refuseUnserved(body)
  const { field, ...params } = searchParams(pairsOf(body))
  const query = vectorsOf(body['data'])
  const level = text(body, 'consistencyLevel')
  return {
    ...collectionOf(input),
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

const UNSERVED = [
  'functionScore',
  'functionChains',
  'searchAggregation',
  'orderByFields',
  'groupingField',
  'highlighter',
]

function refuseUnserved(body: RestInput['body']): void {
  for (const name of UNSERVED) {
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

/**
 * The query vectors of `data`, a list of number lists.
 * @throws RedkiteError `restNotJson` for ragged or non-numeric vectors, `unimplemented` for text.
 */
function vectorsOf(data: unknown): QueryVectors {
  if (!Array.isArray(data)) throw notJson('data must be a list of vectors')
  const [first] = data
  if (typeof first === 'string') throw fault('unimplemented', 'search by text')
  if (isObject(first)) throw fault('unimplemented', 'search by sparse vectors')
  const dim = Array.isArray(first) ? first.length : 0
  const vectors = new Float32Array(data.length * dim)
  data.forEach((vector: unknown, query) => {
    if (!Array.isArray(vector)) throw notJson(`data[${query}] must be a vector: a list of numbers`)
    if (vector.length !== dim) {
      throw notJson(`data[${query}] has ${vector.length} numbers where data[0] has ${dim}`)
    }
    vector.forEach((value: unknown, at) => {
      if (typeof value !== 'number' && typeof value !== 'bigint') {
        throw notJson(`data[${query}][${at}] must be a number, got a ${typeof value}`)
      }
      vectors[query * dim + at] = Number(value)
    })
  })
  return { vectors, nq: data.length, vectorBytes: dim * 4 }
}
