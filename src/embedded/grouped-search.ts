import type { CollectionEntry } from '../catalog/entries.ts'
import type { VectorHits } from '../engine/contract.ts'
import { packHits } from '../engine/exact.ts'
import { smallerIsBetter } from '../engine/top-k.ts'
import { fault } from '../errors/error.ts'
import type { CheckedExpr } from '../filter/filter.ts'
import type { TemplateValue } from '../model/calls.ts'
import { type Column, slotValue } from '../model/columns.ts'
import { type FieldSchema, primaryField } from '../model/schema.ts'
import type { Grouping } from '../model/search-calls.ts'
import type { LiveCollection } from './live-collection.ts'
import { compareKeys, type Key } from './rerank.ts'
import type { PreparedSearch } from './search-hits.ts'
import { filterOf } from './search-plan.ts'
import type { World } from './world.ts'

const GROUPED_TYPES: ReadonlySet<string> = new Set(['Bool', 'Int8', 'Int16', 'Int32', 'Int64', 'VarChar'])
/** Hits of the first look, at least: most searches find their groups in it. */
const FIRST_HITS = 64
/** From so many hits on, complete groups are left out of the next look instead of being passed over. */
const EXCLUDE_FROM = 1_024
const HITS_MAX = 16_384

/** null is a group of its own. */
export type GroupValue = boolean | number | bigint | string | null

interface GroupHit {
  readonly rid: number
  readonly key: Key
  readonly score: number
}
type Groups = Map<GroupValue, Map<number, GroupHit>>

/** The field of a grouping. @throws RedkiteError `invalidParameter` with Milvus' texts */
export function groupFieldOf(entry: CollectionEntry, { field: name }: Grouping): FieldSchema {
  const field = entry.schema.fields.find((each) => each.name === name)
  if (!field) throw fault('invalidParameter', `groupBy field not found in schema: field not found[field=${name}]`)
  if (!GROUPED_TYPES.has(field.type)) {
    throw fault('invalidParameter', `unsupported data type ${field.type.toUpperCase()} for group by operator`)
  }
  return field
}

/** A value of a group field. */
export function groupValueAt(column: Column, row: number): GroupValue {
  const value = slotValue(column, row)
  if (value === null || typeof value === 'object' || typeof value === 'undefined') return null
  return value as GroupValue
}

/**
 * The groups within `offset` and `topk` of each query, best group first, the hits of a group beside one another.
 * Looks at more hits until the groups are enough (and full, where that is asked) or no row is left; complete groups
 * are then filtered out, so that a collection of few groups is not walked through.
 */
export async function groupedHits(
  world: World,
  entry: CollectionEntry,
  live: LiveCollection,
  prepared: PreparedSearch,
  grouping: Grouping,
  field: FieldSchema,
): Promise<VectorHits> {
  const { request, target } = prepared
  const sign = smallerIsBetter(target.plan.metric) ? 1 : -1
  const better = (a: GroupHit, b: GroupHit) => sign * (a.score - b.score) || compareKeys(a.key, b.key)
  const wanted = request.topk + request.offset
  const lists: { rids: Float64Array; scores: Float32Array }[] = []
  for (let query = 0; query < request.nq; query++) {
    const groups: Groups = new Map()
    let expr = prepared.expr
    let excluded = 0
    for (let k = Math.min(HITS_MAX, Math.max(FIRST_HITS, wanted * grouping.size * 2)); ; ) {
      const plan = await prepared.plan(expr)
      const hits = await prepared.run(plan, k, prepared.rangeFilter, query)
      await collect(live, entry, field, hits, groups)
      if (hits.rids.length < k || isEnough(groups, wanted, grouping)) break
      const complete = k < EXCLUDE_FROM ? [] : completeGroups(groups, grouping)
      // nothing more to leave out: only a longer look shows other rows
      if (complete.length === excluded || k < HITS_MAX) k *= 4
      if (complete.length > excluded) expr = without(world, entry, prepared, field, complete)
      excluded = complete.length
    }
    const ranked = [...groups.values()]
      .map((found) => [...found.values()].sort(better).slice(0, grouping.size))
      .sort(([a], [b]) => (a && b ? better(a, b) : 0))
      .slice(request.offset, wanted)
      .flat()
    lists.push({
      rids: Float64Array.from(ranked, ({ rid }) => rid),
      scores: Float32Array.from(ranked, ({ score }) => score),
    })
  }
  return packHits(lists)
}

async function collect(
  live: LiveCollection,
  entry: CollectionEntry,
  field: FieldSchema,
  hits: VectorHits,
  groups: Groups,
): Promise<void> {
  const primary = primaryField(entry.schema)
  const fields = field === primary ? [primary] : [primary, field]
  const { alive, columns } = await live.store.fetch(hits.rids, fields)
  const [keys, values = keys] = columns
  if (!keys || !values) throw new Error('the store returned no primary key column')
  for (let i = 0; i < hits.rids.length; i++) {
    if (alive[i] !== 1) continue
    const value = groupValueAt(values, i)
    const rid = hits.rids[i] ?? 0
    const found = groups.get(value) ?? new Map<number, GroupHit>()
    found.set(rid, { rid, key: slotValue(keys, i) as Key, score: hits.scores[i] ?? 0 })
    groups.set(value, found)
  }
}

function isEnough(groups: Groups, wanted: number, { size, strict }: Grouping): boolean {
  if (groups.size < wanted) return false
  // the best groups come first: a hit found later is worse than theirs
  return !strict || [...groups.values()].slice(0, wanted).every((found) => found.size >= size)
}

function completeGroups(groups: Groups, { size, strict }: Grouping): GroupValue[] {
  return [...groups].filter(([, found]) => !strict || found.size >= size).map(([value]) => value)
}

/** The filter of the search, and none of these groups. */
function without(
  world: World,
  entry: CollectionEntry,
  { request }: PreparedSearch,
  field: FieldSchema,
  complete: readonly GroupValue[],
): CheckedExpr | null {
  const name = 'redkite_groups'
  const values = complete.filter((value) => value !== null)
  const templates: Record<string, TemplateValue> = { ...request.templates, [name]: templatesOf(values) }
  const others = values.length === 0 ? '' : `not (${field.name} in {${name}})`
  const isNullDone = complete.includes(null)
  const nulls = isNullDone ? `${field.name} is not null` : `${field.name} is null`
  const rest = others === '' ? nulls : isNullDone ? `(${nulls} and ${others})` : `(${nulls} or ${others})`
  const text = request.filter.trim() === '' ? rest : `(${request.filter}) and ${rest}`
  return filterOf(entry, text, templates, world.limits, 'query')
}

const templatesOf = (values: readonly GroupValue[]): readonly TemplateValue[] =>
  values.flatMap((value) => (value === null ? [] : [typeof value === 'number' ? BigInt(value) : value]))
