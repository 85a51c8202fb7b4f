import type { Catalog } from '../catalog/catalog.ts'
import type { CollectionEntry, PartitionEntry } from '../catalog/entries.ts'
import type { SchemaLimits } from '../catalog/schema-check.ts'
import { fault } from '../errors/error.ts'
import type { ReplyOf, RequestOf, Rpc } from '../model/calls.ts'
import type { ValueLimits } from '../model/fields/field-type.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Health, Pass, UserCalls } from '../service.ts'
import type { LiveCollection } from './live-collection.ts'
import { refuseNamedPartitions } from './partition-key.ts'

export interface EmbeddedLimits extends SchemaLimits, ValueLimits {
  readonly expressionBytesMax: number
  readonly expressionDepthMax: number
  readonly topkMax: number
  readonly nqMax: number
  /** Offset plus limit of a query or search. */
  readonly resultWindowMax: number
  /** Bytes of the values of a result. */
  readonly resultBytesMax: number
  /** Bytes of the values of an insert or upsert; -1 = no bound of its own. */
  readonly insertBytesMax: number
  readonly databasesMax: number
  readonly collectionsPerDatabaseMax: number
  readonly shardsMax: number
  readonly collectionsMax: number
  readonly partitionsMax: number
}

/** Everything a handler of the embedded service works with. */
export interface World {
  readonly version: string
  readonly catalog: Catalog
  readonly users: UserCalls
  readonly limits: EmbeddedLimits
  readonly log: Log
  readonly metrics: Metrics
  /** Rows and indexes of a collection; opened at start or at creation. */
  live(entry: CollectionEntry): LiveCollection
  /** Opens the files of a collection that has just entered the catalog. */
  open(entry: CollectionEntry): Promise<LiveCollection>
  /** Closes the files and deletes them. */
  discard(id: bigint): Promise<void>
  health(): Health
}

export type Handler<R extends Rpc> = (
  world: World,
  request: RequestOf<R>,
  pass: Pass<R>,
) => Promise<ReplyOf<R>> | ReplyOf<R>

/** The collection of a request, by name or alias. @throws RedkiteError with Milvus' text */
export function collectionOf(world: World, request: { db: string; collection: string }): CollectionEntry {
  world.catalog.database(request.db)
  const entry = world.catalog.find(request.db, request.collection)
  if (!entry) throw fault('collectionNotFound', { database: request.db, collection: request.collection })
  return entry
}

/** The same, loaded for search and query. @throws RedkiteError `collectionNotLoaded` */
export function loadedCollection(world: World, request: { db: string; collection: string }): CollectionEntry {
  const entry = collectionOf(world, request)
  if (!entry.loaded) throw fault('collectionNotLoaded', { collection: entry.schema.name })
  return entry
}

/** Whether a partition may be searched: its collection is loaded, and it was not released on its own. */
export function isPartitionLoaded(entry: CollectionEntry, partition: PartitionEntry): boolean {
  return entry.loaded && partition.released !== true
}

/**
 * Numbers of the partitions that a search or query reads: the named ones, or every loaded one; null = all.
 * @throws RedkiteError `partitionNotFound`, `partitionNotLoaded`
 */
export function loadedPartitionNumbers(entry: CollectionEntry, names: readonly string[]): readonly number[] | null {
  refuseNamedPartitions(entry, names)
  const wanted = partitionNumbers(entry, names)
  if (entry.partitions.every((p) => isPartitionLoaded(entry, p))) return wanted
  if (wanted === null) return entry.partitions.filter((p) => isPartitionLoaded(entry, p)).map((p) => p.number)
  const away = entry.partitions.find((p) => wanted.includes(p.number) && !isPartitionLoaded(entry, p))
  if (away) throw fault('partitionNotLoaded', { partition: away.name })
  return wanted
}

/** Numbers of the named partitions; null = all. @throws RedkiteError `partitionNotFound` */
export function partitionNumbers(entry: CollectionEntry, names: readonly string[]): readonly number[] | null {
  const wanted = names.filter((name) => name !== '')
  if (wanted.length === 0) return null
  return wanted.map((name) => {
    const partition = entry.partitions.find((p) => p.name === name)
    if (!partition) throw fault('partitionNotFound', `partition name ${name} not found`, { partition: name })
    return partition.number
  })
}
