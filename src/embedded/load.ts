import type { CollectionEntry } from '../catalog/entries.ts'
import { fault } from '../errors/error.ts'
import { isVectorType } from '../model/fields/table.ts'
import { collectionOf, type Handler, partitionNumbers, type World } from './world.ts'

/** Indexes are open as long as they exist; loading is the user's word that the collection may be searched. */
function setLoaded(world: World, entry: CollectionEntry, loaded: boolean): null {
  if (entry.loaded !== loaded) world.catalog.putCollection({ ...entry, loaded })
  return null
}

function load(world: World, entry: CollectionEntry): null {
  const missing = entry.schema.fields
    .filter((f) => isVectorType(f.type) && !entry.indexes.some((i) => i.field === f.name))
    .map((f) => f.name)
  if (missing.length > 0) {
    throw fault(
      'indexNotFound',
      `there is no vector index on field: [${missing.join(' ')}], please create index firstly`,
    )
  }
  return setLoaded(world, entry, true)
}

export const loadCollection: Handler<'LoadCollection'> = (world, request) => load(world, collectionOf(world, request))

export const releaseCollection: Handler<'ReleaseCollection'> = (world, request) =>
  setLoaded(world, collectionOf(world, request), false)

export const loadPartitions: Handler<'LoadPartitions'> = (world, request) => {
  const entry = collectionOf(world, request)
  partitionNumbers(entry, request.partitions)
  return load(world, entry)
}

export const releasePartitions: Handler<'ReleasePartitions'> = (world, request) => {
  const entry = collectionOf(world, request)
  partitionNumbers(entry, request.partitions)
  return setLoaded(world, entry, false)
}

export const getLoadingProgress: Handler<'GetLoadingProgress'> = (world, request) => {
  const entry = collectionOf(world, request)
  if (!entry.loaded) throw fault('collectionNotLoaded', { collection: entry.schema.name })
  return { progress: 100 }
}

/** A missing collection is an answer here, not an error. */
export const getLoadState: Handler<'GetLoadState'> = (world, request) => {
  const entry = world.catalog.hasDatabase(request.db) ? world.catalog.find(request.db, request.collection) : null
  if (!entry) return { state: 'NotExist' }
  return { state: entry.loaded ? 'Loaded' : 'NotLoad' }
}
