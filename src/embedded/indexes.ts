import { rm } from 'node:fs/promises'
import type { CollectionEntry, IndexEntry } from '../catalog/entries.ts'
import { checkIndexName } from '../catalog/names.ts'
import { fault } from '../errors/error.ts'
import type { IndexInfo } from '../model/calls.ts'
import { isVectorType } from '../model/fields/table.ts'
import { flatten, planIndex } from './index-rules.ts'
import { planScalarIndex } from './scalar-index-rules.ts'
import { collectionOf, type Handler, type World } from './world.ts'

export const createIndex: Handler<'CreateIndex'> = async (world, request) => {
  const entry = collectionOf(world, request)
  const field = entry.schema.fields.find((f) => f.name === request.field)
  if (!field) throw fault('invalidParameter', `cannot create index on non-exist field: ${request.field}`)
  const name = request.name || field.name
  checkIndexName(name, world.limits.nameBytesMax)
  const isVector = isVectorType(field.type)
  const plan = isVector ? planIndex(field, request.params) : null
  const scalar = isVector ? null : planScalarIndex(field, request.params)
  const path = request.params['json_path']
  const existing = entry.indexes.find((index) => index.field === field.name && index.params['json_path'] === path)
  if (existing) {
    if (existing.name !== name) {
      throw fault('invalidParameter', 'CreateIndex failed: creating multiple indexes on same field is not supported')
    }
    if (!sameParams(existing, request.params)) {
      throw fault('invalidParameter', 'at most one distinct index is allowed per field')
    }
    return null
  }
  if (entry.indexes.some((index) => index.name === name)) {
    throw fault('invalidParameter', `invalid parameter: index name ${name} is used by another field`)
  }
  const params = plan
    ? { ...request.params, index_type: plan.indexType, metric_type: plan.metric }
    : { ...request.params, index_type: scalar?.indexType ?? '' }
  const added: IndexEntry = { id: world.catalog.clock.next(), name, field: field.name, params }
  world.catalog.putCollection({ ...entry, indexes: [...entry.indexes, added] })
  const live = world.live(entry)
  if (plan) await live.openIndex(entry, field, plan)
  else if (scalar?.isSqlite) {
    // in the background, as in Milvus; a start makes what a kill left out
    live.indexColumn(field, true).catch((error: unknown) => {
      world.log.warn('A scalar index could not be made; filters scan', { field: field.name, error: String(error) })
    })
  }
  return null
}

function sameParams(existing: IndexEntry, params: Readonly<Record<string, string>>): boolean {
  const before = flatten(existing.params)
  const after = flatten(params)
  return Object.entries(after).every(([key, value]) => before[key]?.toUpperCase() === value.toUpperCase())
}

export const describeIndex: Handler<'DescribeIndex'> = (world, request) => ({
  indexes: indexesOf(world, collectionOf(world, request), request.name, request.field),
})

export const getIndexStatistics: Handler<'GetIndexStatistics'> = (world, request) => ({
  indexes: indexesOf(world, collectionOf(world, request), request.name, ''),
})

export const getIndexState: Handler<'GetIndexState'> = (world, request) => {
  const [index] = indexesOf(world, collectionOf(world, request), request.name, request.field)
  return { state: index?.state ?? 'Finished', failReason: index?.failReason ?? '' }
}

export const getIndexBuildProgress: Handler<'GetIndexBuildProgress'> = (world, request) => {
  const [index] = indexesOf(world, collectionOf(world, request), request.name, request.field)
  return { indexedRows: index?.indexedRows ?? 0n, totalRows: index?.totalRows ?? 0n }
}

function indexesOf(world: World, entry: CollectionEntry, name: string, field: string): readonly IndexInfo[] {
  const found = entry.indexes.filter((i) => (name === '' || i.name === name) && (field === '' || i.field === field))
  if (found.length === 0) {
    throw name === ''
      ? fault('indexNotFound', { collection: entry.schema.name })
      : fault('indexNotFound', { indexName: name })
  }
  return found.map((index) => infoOf(world, entry, index))
}

function infoOf(world: World, entry: CollectionEntry, index: IndexEntry): IndexInfo {
  const live = world.live(entry)
  const total = BigInt(live.store.rowCount)
  const isScalar = entry.schema.fields.some((f) => f.name === index.field && !isVectorType(f.type))
  const at = live.index(index.field)
  const state = at?.index.state()
  // rows below the seal bound are served exactly for good: they are not waiting for anything
  const isWaiting = state !== undefined && (state.building || live.isAboveSealBound(index.field))
  const pending = isWaiting ? BigInt(state.growingRows) : 0n
  return {
    name: index.name,
    id: index.id,
    field: index.field,
    params: index.params,
    totalRows: total,
    indexedRows: total - pending < 0n ? 0n : total - pending,
    pendingRows: pending,
    state: isScalar
      ? live.isIndexing(index.field)
        ? 'InProgress'
        : 'Finished'
      : at === null
        ? 'Unissued'
        : pending > 0n
          ? 'InProgress'
          : 'Finished',
    failReason: state?.failure ?? '',
  }
}

export const dropIndex: Handler<'DropIndex'> = async (world, request) => {
  const entry = collectionOf(world, request)
  const wanted = entry.indexes.filter(
    (i) => (request.name === '' || i.name === request.name) && (request.field === '' || i.field === request.field),
  )
  if (wanted.length === 0) return null
  if (wanted.length > 1) throw fault('indexDuplicate', 'there are more than one index to drop, name one')
  const [index] = wanted
  const field = entry.schema.fields.find((f) => f.name === index?.field)
  if (!index || !field) return null
  if (entry.loaded && isVectorType(field.type)) {
    throw fault('invalidParameter', `vector index cannot be dropped on loaded collection: ${entry.id}`)
  }
  world.catalog.putCollection({ ...entry, indexes: entry.indexes.filter((i) => i.id !== index.id) })
  const live = world.live(entry)
  if (!isVectorType(field.type)) {
    if (!field.isPartitionKey) await live.indexColumn(field, false)
    return null
  }
  await live.dropIndex(field.name)
  await rm(live.indexDirectory(field), { recursive: true, force: true })
  return null
}
