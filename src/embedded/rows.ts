import type { CollectionEntry } from '../catalog/entries.ts'
import { fault } from '../errors/error.ts'
import { isAlwaysTrue, primaryKeysOf, toSql } from '../filter/filter.ts'
import type { WriteRequest } from '../model/calls.ts'
import { columnBytes, idCount } from '../model/columns.ts'
import { DEFAULT_PARTITION } from '../model/schema.ts'
import { partitionKeyOf, refuseNamedPartitions } from './partition-key.ts'
import { type Prepared, prepareRows } from './prepare.ts'
import { filterOf } from './search-plan.ts'
import { collectionOf, type Handler, loadedPartitionNumbers, partitionNumbers, type World } from './world.ts'

export const insert: Handler<'Insert'> = async (world, request) => {
  const entry = collectionOf(world, request)
  const { rows } = prepare(world, entry, request, 'insert')
  await world.live(entry).apply({ kind: 'insert', rows })
  return { ids: rows.pks, count: rows.rowCount, ts: rows.ts }
}

export const upsert: Handler<'Upsert'> = async (world, request) => {
  const entry = collectionOf(world, request)
  const { rows, givenKeys } = prepare(world, entry, request, 'upsert')
  await world.live(entry).apply({ kind: 'upsert', replaces: givenKeys ?? rows.pks, rows })
  return { ids: rows.pks, count: rows.rowCount, ts: rows.ts }
}

/** @throws RedkiteError `parameterTooLarge` above `quotaAndLimits.limits.maxInsertSize` */
function prepare(world: World, entry: CollectionEntry, request: WriteRequest, mode: 'insert' | 'upsert'): Prepared {
  refuseNamedPartitions(entry, [request.partition])
  const [partition] = partitionKeyOf(entry.schema)
    ? [0]
    : (partitionNumbers(entry, [request.partition || DEFAULT_PARTITION]) ?? [0])
  const prepared = prepareRows(entry, partition ?? 0, request, mode, world.catalog.clock, world.limits)
  const { insertBytesMax } = world.limits
  if (insertBytesMax < 0) return prepared
  const bytes = columnBytes([...prepared.rows.scalars, ...prepared.rows.vectors])
  if (bytes <= insertBytesMax) return prepared
  throw fault('parameterTooLarge', 'insert request size exceeds maxInsertSize', { size: bytes, limit: insertBytesMax })
}

/** By primary keys without a load; by any other filter only while loaded, as Milvus. */
export const remove: Handler<'Delete'> = async (world, request) => {
  const entry = collectionOf(world, request)
  refuseNamedPartitions(entry, [request.partition])
  const partitions = partitionNumbers(entry, [request.partition])
  const expr = filterOf(entry, request.filter, request.templates, world.limits, 'delete')
  if (isAlwaysTrue(expr) || expr === null) {
    throw fault('invalidParameter', `delete plan can't be empty or always true : ${request.filter}`)
  }
  const pks = primaryKeysOf(expr)
  if (pks === null && !entry.loaded) throw fault('collectionNotLoaded', { collection: entry.schema.name })
  const live = world.live(entry)
  const ts = world.catalog.clock.next()
  if (pks !== null) {
    await live.apply({ kind: 'deletePks', pks, partitions })
    // Milvus counts the keys that were given, whether a row had them or not
    return { count: idCount(pks), ts }
  }
  const readable = loadedPartitionNumbers(entry, [request.partition])
  const applied = await live.apply({ kind: 'deleteWhere', where: toSql(expr), partitions: readable })
  return { count: applied.deletedRids.length, ts }
}
