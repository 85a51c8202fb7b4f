import type { CollectionEntry } from '../catalog/entries.ts'
import type { RowFilter } from '../engine/contract.ts'
import { fault } from '../errors/error.ts'
import { type CheckedExpr, compileFilter, toIndexFilter, toSql } from '../filter/filter.ts'
import type { SearchRequest, TemplateValue } from '../model/calls.ts'
import { isVectorType } from '../model/fields/table.ts'
import { dynamicField, type FieldSchema } from '../model/schema.ts'
import { markedRids } from './filter-cache.ts'
import type { LiveCollection, LiveIndex } from './live-collection.ts'
import { checkQueries } from './query-words.ts'
import type { EmbeddedLimits } from './world.ts'

/** Up to this many passing rows every distance is computed: cheaper than a filtered graph search, recall 1. */
const ONLY_ROWS_MAX = 1_000

/** Parses and checks a filter against a collection. '' = null, no filter. */
export function filterOf(
  entry: CollectionEntry,
  text: string,
  templates: Readonly<Record<string, TemplateValue>>,
  limits: EmbeddedLimits,
  plan: 'query' | 'delete',
): CheckedExpr | null {
  if (text.trim() === '') return null
  return compileFilter(text, filterSchema(entry), templates, {
    plan,
    bytesMax: limits.expressionBytesMax,
    depthMax: limits.expressionDepthMax,
  })
}

const schemas = new WeakMap<CollectionEntry, { fields: readonly FieldSchema[]; dynamic: FieldSchema | null }>()

/** The fields a filter may name; one object an entry, so that compiled filters can be kept by it. */
function filterSchema(entry: CollectionEntry) {
  let schema = schemas.get(entry)
  if (!schema) {
    const dynamic = entry.dynamicFieldId > 0 ? dynamicField(entry.dynamicFieldId) : null
    schema = { fields: entry.schema.fields, dynamic }
    schemas.set(entry, schema)
  }
  return schema
}

/** The vector field of a search. @throws RedkiteError with Milvus' text */
export function vectorFieldOf(entry: CollectionEntry, request: Pick<SearchRequest, 'field'>): FieldSchema {
  const vectors = entry.schema.fields.filter((f) => isVectorType(f.type))
  const field = request.field === '' ? vectors[0] : entry.schema.fields.find((f) => f.name === request.field)
  if (request.field === '' && vectors.length > 1) {
    throw fault('invalidParameter', 'multiple anns_fields exist, please specify a anns_field in search_params')
  }
  if (!field) {
    throw fault('invalidParameter', `failed to get field schema by name: fieldName(${request.field}) not found`)
  }
  if (!isVectorType(field.type))
    throw fault('invalidParameter', `field (${field.name}) to search is not of vector data type`)
  return field
}

/** The vector field of a search and its index. @throws RedkiteError with Milvus' text */
export function searchedField(
  entry: CollectionEntry,
  live: LiveCollection,
  request: SearchRequest,
): { field: FieldSchema; live: LiveIndex } {
  const field = vectorFieldOf(entry, request)
  const index = live.index(field.name)
  if (!index) {
    throw fault('indexNotFound', `there is no vector index on field: [${field.name}], please create index firstly`)
  }
  const { metric } = index.plan
  if (request.metric !== '' && request.metric.toUpperCase() !== metric) {
    throw fault('invalidParameter', 'metric type not match', { expected: metric, actual: request.metric })
  }
  checkQueries(field, request)
  return { field, live: index }
}

export interface FilterPlan {
  readonly name: 'unfiltered' | 'only' | 'pushdown' | 'recheck' | 'nothing'
  /** Why this one: one of a few sentences, for the log. */
  readonly why: string
  readonly filter: RowFilter | null
}

/** Chooses how the rows that may be returned reach the search. */
export async function planFilter(
  live: LiveCollection,
  index: LiveIndex,
  expr: CheckedExpr | null,
  partitions: readonly number[] | null,
): Promise<FilterPlan> {
  if (expr === null && partitions === null) {
    return { name: 'unfiltered', why: 'neither filter nor partitions', filter: null }
  }
  const passing = await live.filters.passing(expr === null ? null : toSql(expr), partitions)
  if (passing.passing === 0) return { name: 'nothing', why: 'no row passes', filter: null }
  if (passing.passing <= ONLY_ROWS_MAX) {
    const why = `at most ${ONLY_ROWS_MAX} rows pass: every distance is computed`
    return { name: 'only', why, filter: { kind: 'only', rids: markedRids(passing) } }
  }
  const pushdown = expr !== null && partitions === null ? toIndexFilter(expr, index.index.pushableFields()) : null
  return {
    name: pushdown === null ? 'recheck' : 'pushdown',
    why: pushdown === null ? whyRecheck(partitions) : 'the index evaluates the filter itself',
    filter: { kind: 'pass', base: 1, bits: passing.bits, passing: passing.passing, pushdown },
  }
}

const whyRecheck = (partitions: readonly number[] | null): string =>
  partitions === null
    ? 'the index cannot evaluate the filter: hits are checked and the search widens'
    : 'the index knows no partitions: hits are checked and the search widens'

/** What the log says of a plan at debug level. */
export function explainPlan(
  live: LiveCollection,
  index: LiveIndex,
  { name, why, filter }: FilterPlan,
  ef: number | null,
) {
  const rows = live.store.rowCount
  const passing = filter === null ? null : filter.kind === 'only' ? filter.rids.length : filter.passing
  return {
    ...{ collection: live.id, field: index.field.name, plan: name, why, rows, ef: ef ?? 'measured' },
    // rows deleted since they were counted still count as passing
    ...(passing === null ? {} : { passing, selectivity: Number((passing / Math.max(1, rows)).toPrecision(3)) }),
    ...(filter?.kind === 'pass' && filter.pushdown !== null ? { pushed: true } : {}),
  }
}
