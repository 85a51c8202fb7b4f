import { fault } from '../errors/error.ts'
import { isAlwaysTrue, primaryKeysOf, toSql } from '../filter/filter.ts'
import { idCount } from '../model/columns.ts'
import { DEFAULT_PARTITION } from '../model/schema.ts'
import { prepareRows } from './prepare.ts'
import { filterOf } from './search-plan.ts'
import { collectionOf, type Handler, partitionNumbers } from './world.ts'

export const insert: Handler<'Insert'> = async (world, request) => {
  const entry = collectionOf(world, request)
  const [partition] = partitionNumbers(entry, [request.partition || DEFAULT_PARTITION]) ?? [0]
  const { rows } = prepareRows(entry, partition ?? 0, request, 'insert', world.catalog.clock)
  await world.live(entry).apply({ kind: 'insert', rows })
  return { ids: rows.pks, count: rows.rowCount, ts: rows.ts }
}

export const upsert: Handler<'Upsert'> = async (world, request) => {
  const entry = collectionOf(world, request)
  const [partition] = partitionNumbers(entry, [request.partition || DEFAULT_PARTITION]) ?? [0]
  const { rows, givenKeys } = prepareRows(entry, partition ?? 0, request, 'upsert', world.catalog.clock)
  await world.live(entry).apply({ kind: 'upsert', replaces: givenKeys ?? rows.pks, rows })
  return { ids: rows.pks, count: rows.rowCount, ts: rows.ts }
}

/** By primary keys without a load; by any other filter only while loaded, as Milvus. */
export const remove: Handler<'Delete'> = async (world, request) => {
  const entry = collectionOf(world, request)
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
  const applied = await live.apply({ kind: 'deleteWhere', where: toSql(expr), partitions })
  return { count: applied.deletedRids.length, ts }
}
