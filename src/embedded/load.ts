import type { CollectionEntry, PartitionEntry } from '../catalog/entries.ts'
import { fault } from '../errors/error.ts'
import { isVectorType } from '../model/fields/table.ts'
import { refusePartitionCall } from './partition-key.ts'
import {
  collectionOf,
  type Handler,
  isPartitionLoaded,
  loadedPartitionNumbers,
  partitionNumbers,
  type World,
} from './world.ts'

/**
 * Indexes are open as long as they exist; loading is the user's word that the partitions may be searched. A collection
 * is loaded as long as one of its partitions is.
 */
function setLoaded(world: World, entry: CollectionEntry, isLoaded: (partition: PartitionEntry) => boolean): null {
  const loaded = entry.partitions.some(isLoaded)
  const partitions = entry.partitions.map((partition): PartitionEntry => {
    const { released: _, ...rest } = partition
    return loaded && !isLoaded(partition) ? { ...rest, released: true } : rest
  })
  const changed = entry.loaded !== loaded || partitions.some((p, at) => p.released !== entry.partitions[at]?.released)
  if (changed) world.catalog.putCollection({ ...entry, loaded, partitions })
  return null
}

function checkIndexed(entry: CollectionEntry): void {
  const missing = entry.schema.fields
    .filter((f) => isVectorType(f.type) && !entry.indexes.some((i) => i.field === f.name))
    .map((f) => f.name)
  if (missing.length > 0) {
    throw fault(
      'indexNotFound',
      `there is no vector index on field: [${missing.join(' ')}], please create index firstly`,
    )
  }
}

export const loadCollection: Handler<'LoadCollection'> = (world, request) => {
  const entry = collectionOf(world, request)
  checkIndexed(entry)
  return setLoaded(world, entry, () => true)
}

export const releaseCollection: Handler<'ReleaseCollection'> = (world, request) =>
  setLoaded(world, collectionOf(world, request), () => false)

export const loadPartitions: Handler<'LoadPartitions'> = (world, request) => {
  const entry = collectionOf(world, request)
  refusePartitionCall(entry, 'load partitions')
  const named = partitionNumbers(entry, request.partitions)
  checkIndexed(entry)
  return setLoaded(world, entry, (p) => isPartitionLoaded(entry, p) || named === null || named.includes(p.number))
}

export const releasePartitions: Handler<'ReleasePartitions'> = (world, request) => {
  const entry = collectionOf(world, request)
  refusePartitionCall(entry, 'release partitions')
  const named = partitionNumbers(entry, request.partitions)
  return setLoaded(world, entry, (p) => isPartitionLoaded(entry, p) && named !== null && !named.includes(p.number))
}

export const getLoadingProgress: Handler<'GetLoadingProgress'> = (world, request) => {
  const entry = collectionOf(world, request)
  if (!entry.loaded) throw fault('collectionNotLoaded', { collection: entry.schema.name })
  loadedPartitionNumbers(entry, request.partitions)
  return { progress: 100 }
}

/** A missing collection is an answer here, not an error; of several partitions all must be loaded. */
export const getLoadState: Handler<'GetLoadState'> = (world, request) => {
  const entry = world.catalog.hasDatabase(request.db) ? world.catalog.find(request.db, request.collection) : null
  if (!entry) return { state: 'NotExist' }
  const named = partitionNumbers(entry, request.partitions)
  const asked = entry.partitions.filter((p) => named?.includes(p.number))
  const loaded = entry.loaded && asked.every((p) => isPartitionLoaded(entry, p))
  return { state: loaded ? 'Loaded' : 'NotLoad' }
}
