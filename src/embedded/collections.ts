import type { CollectionEntry } from '../catalog/entries.ts'
import { checkCollectionName } from '../catalog/names.ts'
import { admitSchema } from '../catalog/schema-check.ts'
import { fault, faultText } from '../errors/error.ts'
import type { CollectionInfo, RequestOf } from '../model/calls.ts'
import type { CollectionSchema } from '../model/schema.ts'
import { alterProperties } from './databases.ts'
import { ttlSeconds } from './expiry.ts'
import { firstPartitions } from './partition-key.ts'
import { collectionOf, type Handler, type World } from './world.ts'

export const createCollection: Handler<'CreateCollection'> = async (world, request) => {
  const { db, collection, schema, shards } = request
  world.catalog.database(db)
  checkCollectionName(collection, world.limits.nameBytesMax)
  if (shards > world.limits.shardsMax) {
    throw fault('invalidParameter', `maximum shards's number should be limited to ${world.limits.shardsMax}`)
  }
  const admitted = admitSchema({ ...schema, name: collection }, world.limits)
  const partitionNames = firstPartitions(admitted, request.partitionCount, world.limits.partitionsMax)
  const existing = world.catalog.find(db, collection)
  if (existing) {
    if (sameCollection(existing, admitted, request)) return null
    throw fault('invalidParameter', `create duplicate collection with different parameters, collection: ${collection}`)
  }
  ttlSeconds(request.properties)
  checkRoom(world, db)
  const ts = world.catalog.clock.next()
  const entry: CollectionEntry = {
    id: ts,
    db,
    schema: admitted,
    dynamicFieldId: admitted.enableDynamicField ? 100 + admitted.fields.length : 0,
    shards: shards > 0 ? shards : 1,
    consistency: request.consistency,
    properties: request.properties,
    createdAt: ts,
    updatedAt: ts,
    loaded: false,
    partitionsMade: partitionNames.length - 1,
    partitions: partitionNames.map((name, number) => {
      return { id: world.catalog.clock.next(), number, name, createdAt: ts }
    }),
    indexes: [],
  }
  // files first: a collection that the catalog knows can always be opened
  await world.open(entry)
  if (world.catalog.find(db, collection)) {
    await world.discard(entry.id)
    throw fault('invalidParameter', `create duplicate collection with different parameters, collection: ${collection}`)
  }
  try {
    world.catalog.putCollection(entry)
  } catch (error) {
    await world.discard(entry.id)
    throw error
  }
  return null
}

/** @throws RedkiteError `collectionNumLimit` */
function checkRoom(world: World, db: string): void {
  const { collectionsMax, collectionsPerDatabaseMax } = world.limits
  const all = world.catalog.collections(null)
  if (all.length >= collectionsMax) throw fault('collectionNumLimit', { limit: collectionsMax, current: all.length })
  const current = all.filter((entry) => entry.db === db).length
  if (current >= collectionsPerDatabaseMax) {
    throw fault('collectionNumLimit', { dbName: db, limit: collectionsPerDatabaseMax, current })
  }
}

function sameCollection(
  existing: CollectionEntry,
  schema: CollectionSchema,
  request: RequestOf<'CreateCollection'>,
): boolean {
  return (
    JSON.stringify(existing.schema, bigintText) === JSON.stringify(schema, bigintText) &&
    existing.consistency === request.consistency &&
    existing.shards === Math.max(request.shards, 1)
  )
}

function bigintText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value
}

export const dropCollection: Handler<'DropCollection'> = async (world, { db, collection }) => {
  world.catalog.database(db)
  const entry = world.catalog.find(db, collection)
  // Milvus answers success when there is nothing to drop
  if (!entry) return null
  if (entry.schema.name !== collection) {
    throw fault('invalidParameter', `cannot drop the collection via alias = ${collection}`)
  }
  const aliases = world.catalog.aliasesOf(entry.id)
  if (aliases.length > 0) {
    throw fault(
      'invalidParameter',
      `unable to drop the collection [${collection}] because it has associated aliases [${aliases.join(' ')}], ` +
        'please remove all aliases before dropping the collection',
    )
  }
  world.catalog.dropCollection(entry.id)
  await world.discard(entry.id)
  return null
}

export const hasCollection: Handler<'HasCollection'> = (world, { db, collection }) => ({
  value: world.catalog.hasDatabase(db) && world.catalog.find(db, collection) !== null,
})

export const describeCollection: Handler<'DescribeCollection'> = (world, { db, collection, collectionId }) => {
  world.catalog.database(db)
  const entry = collection === '' ? world.catalog.collectionById(collectionId) : world.catalog.find(db, collection)
  if (!entry) {
    const name = collection === '' ? collectionId : collection
    // this RPC alone words it so, and SDKs look for it (`has_collection`)
    throw faultText('collectionNotFound', `can't find collection[database=${db}][collection=${name}]`)
  }
  return infoOf(world, entry)
}

function infoOf(world: World, entry: CollectionEntry): CollectionInfo {
  return {
    db: entry.db,
    dbId: world.catalog.database(entry.db).id,
    id: entry.id,
    schema: entry.schema,
    aliases: world.catalog.aliasesOf(entry.id),
    consistency: entry.consistency,
    shards: entry.shards,
    partitionCount: entry.partitions.length,
    properties: entry.properties,
    createdAt: entry.createdAt,
    updatedAt: entry.updatedAt,
  }
}

export const showCollections: Handler<'ShowCollections'> = (world, { db, loadedOnly, names }) => {
  world.catalog.database(db)
  const shown = world.catalog
    .collections(db)
    .filter((c) => (names.length === 0 || names.includes(c.schema.name)) && (!loadedOnly || c.loaded))
  return {
    collections: shown.map((c) => ({ name: c.schema.name, id: c.id, createdAt: c.createdAt, loaded: c.loaded })),
  }
}

export const renameCollection: Handler<'RenameCollection'> = (world, request) => {
  const entry = collectionOf(world, request)
  const db = request.newDb || entry.db
  world.catalog.database(db)
  checkCollectionName(request.newName, world.limits.nameBytesMax)
  if (entry.schema.name !== request.collection) {
    throw fault('invalidParameter', `unsupported use an alias to rename collection, alias:${request.collection}`)
  }
  if (world.catalog.find(db, request.newName)) {
    throw fault(
      'invalidParameter',
      `duplicated new collection name ${db}:${request.newName} with other collection name or alias`,
    )
  }
  const schema = { ...entry.schema, name: request.newName }
  world.catalog.putCollection({ ...entry, db, schema, updatedAt: world.catalog.clock.next() })
  return null
}

export const alterCollection: Handler<'AlterCollection'> = (world, request) => {
  const entry = collectionOf(world, request)
  const properties = alterProperties(entry.properties, request.set, request.remove)
  ttlSeconds(properties)
  world.catalog.putCollection({ ...entry, properties, updatedAt: world.catalog.clock.next() })
  return null
}

export const getCollectionStatistics: Handler<'GetCollectionStatistics'> = (world, request) => ({
  rowCount: BigInt(world.live(collectionOf(world, request)).store.rowCount),
})
