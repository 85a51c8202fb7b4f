import { fault } from '../../errors/error.ts'
import type { SearchRequest } from '../../model/calls.ts'
import { jsonText } from '../../model/fields/json.ts'
import type { Grouping } from '../../model/search-calls.ts'
import { groupingOf, groupingPairs } from './grouping.ts'
import { jsonObject, type Pair, textOf } from './properties.ts'

const ROUND_MAX = 6

/** What `search_params` say (milvus-api.md C2). */
export interface SearchParams {
  readonly field: string
  readonly topk: number
  readonly offset: number
  readonly metric: string
  readonly roundDecimal: number
  readonly iterator: SearchRequest['iterator']
  readonly grouping: Grouping | null
  /** The JSON of `params`, over the flat keys that are not named above; `ignore_growing` only where it is true. */
  readonly params: Readonly<Record<string, unknown>>
}

/** Keys that ask for what is not served yet: refused, since ignoring them would answer another question. */
const UNSERVED = ['group_by_fields', 'order_by_fields', 'analyzer_name', 'json_path', 'json_type', 'strict_cast']

/**
 * Reads the parameters; the ranges of topk and offset are configured, so the service checks them.
 * @throws RedkiteError `invalidParameter` with Milvus' texts for what cannot be read, `unimplemented` for ordering and
 * grouping by several fields or within JSON.
 * @param topkDefault what a search of a hybrid one finds when it does not say
 */
export function searchParams(pairs: readonly Pair[], topkDefault: number | null = null): SearchParams {
  const flat = new Map(pairs.map(({ key, value }) => [key, value]))
  const take = (key: string): string => {
    const value = flat.get(key) ?? ''
    flat.delete(key)
    return value
  }
  refuseUnserved(flat)
  const field = take('anns_field')
  const topkText = take('topk') || String(topkDefault ?? '')
  if (topkText === '') throw fault('invalidParameter', 'topk is required')
  const topk = integer('topk', topkText)
  const offset = integer('offset', take('offset') || '0')
  const roundDecimal = round(take('round_decimal'))
  const ignoresGrowing = readFlag(take('ignore_growing'))
  const metric = take('metric_type')
  const nested = jsonObject(take('params'), 'search params')
  refuseUnserved(new Map(Object.entries(nested).map(([key, value]) => [key, String(value ?? '')])))
  const grouping = groupingOf((key) => take(key) || takeText(nested, key))
  const params: Record<string, unknown> = {
    ...scalars(flat),
    ...nested,
    ...(ignoresGrowing ? { ignore_growing: true } : {}),
  }
  const iterator = iteratorOf(params)
  refuseMixed(grouping, iterator !== null || /^true$/i.test(String(params['iterator'] ?? '')), params)
  return { field, topk, offset, metric, roundDecimal, iterator, grouping, params }
}

/** The Node SDK may put a key within `params`. */
function takeText(nested: Record<string, unknown>, key: string): string {
  const value = nested[key] ?? ''
  delete nested[key]
  return textOf(value)
}

function refuseMixed(grouping: Grouping | null, isIterating: boolean, params: Record<string, unknown>): void {
  if (grouping === null) return
  if (isIterating) throw fault('invalidParameter', 'Not allowed to do groupBy when doing iteration')
  if (params['radius'] !== undefined) {
    throw fault('invalidParameter', 'Not allowed to do range-search when doing search-group-by')
  }
}

/** Keys that Milvus reads beside `params`, never in it. */
const FLAT_KEYS = ['search_iter_v2', 'search_iter_id', 'search_iter_last_bound', 'search_iter_batch_size', 'hints']

/** The mirror of `searchParams`: every key in `params`, those that Milvus wants flat there and flat. */
export function searchPairs(request: SearchRequest): Pair[] {
  const { ignore_growing: ignoresGrowing, ...params } = request.params
  const pairs = [
    ['anns_field', request.field],
    ['topk', String(request.topk)],
    ['offset', request.offset === 0 ? '' : String(request.offset)],
    ['metric_type', request.metric],
    ['round_decimal', String(request.roundDecimal)],
    ['ignore_growing', ignoresGrowing === true ? 'true' : ''],
    ...FLAT_KEYS.map((key) => [key, params[key] === undefined ? '' : textOf(params[key])] as const),
    ['params', jsonText(params)],
  ] as const
  const given = pairs.flatMap(([key, value]) => (value === '' ? [] : [{ key, value }]))
  return [...given, ...groupingPairs(request.grouping)]
}

/** Search iterator v2, flat (pymilvus) or within `params` (Node SDK). @throws RedkiteError naming what cannot be read */
function iteratorOf(params: Readonly<Record<string, unknown>>): SearchParams['iterator'] {
  if (!/^true$/i.test(String(params['search_iter_v2'] ?? ''))) return null
  const bound = params['search_iter_last_bound'] ?? ''
  const lastBound = bound === '' ? null : Number(bound)
  if (Number.isNaN(lastBound))
    throw fault('invalidParameter', `search_iter_last_bound [${String(bound)}] is not a number`)
  return { token: String(params['search_iter_id'] ?? ''), lastBound }
}

function refuseUnserved(given: ReadonlyMap<string, string>): void {
  for (const key of UNSERVED) if (given.get(key)) throw fault('unimplemented', `search parameter ${key}`)
}

/** The limit and offset of a query; the offset counts only with a limit. Ranges are the service's. */
export function queryWindow(limitText: string, offsetText: string): { limit: number | null; offset: number } {
  if (limitText === '') return { limit: null, offset: 0 }
  return { limit: integer('limit', limitText), offset: integer('offset', offsetText || '0') }
}

/** The mirror of `queryWindow`. */
export function windowPairs({ limit, offset }: { limit: number | null; offset: number }): Pair[] {
  if (limit === null) return []
  const pairs = [{ key: 'limit', value: String(limit) }]
  return offset === 0 ? pairs : [...pairs, { key: 'offset', value: String(offset) }]
}

/** @throws RedkiteError `unimplemented` for what a query's parameters ask and is not served yet. */
export function refuseQueryParams(given: ReadonlyMap<string, string>): void {
  refuseUnserved(given)
  if (given.get('group_by_field')) throw fault('unimplemented', 'query parameter group_by_field')
}

/** A whole number by its text. @throws RedkiteError naming it */
export function integer(name: string, text: string): number {
  if (!/^[+-]?\d{1,15}$/.test(text)) throw fault('invalidParameter', `${name} [${text}] is invalid`)
  return Number(text)
}

/** `round_decimal`; '' = -1, as it is. @throws RedkiteError with Milvus' text */
export function round(text: string): number {
  if (text === '') return -1
  const value = /^-?\d{1,3}$/.test(text) ? Number(text) : Number.NaN
  if (value === -1 || (value >= 0 && value <= ROUND_MAX)) return value
  throw fault(
    'invalidParameter',
    `round_decimal [${text}] is invalid, should be -1 or an integer in range [0, ${ROUND_MAX}]`,
  )
}

/** Go's ParseBool. A single node has no growing data to leave out: the value matters to an upstream only. */
function readFlag(text: string): boolean {
  if (!/^(|1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(text)) {
    throw fault('invalidParameter', 'parse ignore growing field failed')
  }
  return /^(1|t)/i.test(text)
}

/** Flat values are strings on the wire; numbers among them are numbers to the engine. */
function scalars(flat: ReadonlyMap<string, string>): Record<string, unknown> {
  const numeric = /^-?(0|[1-9]\d{0,14})(\.\d+)?([eE][+-]?\d+)?$/
  return Object.fromEntries([...flat].map(([key, value]) => [key, numeric.test(value) ? Number(value) : value]))
}
