import { checkDatabaseName } from '../catalog/names.ts'
import { fault } from '../errors/error.ts'
import type { Properties } from '../model/schema.ts'
import { DEFAULT_DATABASE } from '../model/schema.ts'
import type { Handler } from './world.ts'

export const createDatabase: Handler<'CreateDatabase'> = (world, { db, properties }) => {
  checkDatabaseName(db, world.limits.nameBytesMax)
  if (world.catalog.hasDatabase(db)) throw fault('invalidParameter', `database already exist: ${db}`)
  const count = world.catalog.databases().length
  if (count >= world.limits.databasesMax) {
    throw fault('databaseNumLimit', { limit: world.limits.databasesMax, current: count })
  }
  const ts = world.catalog.clock.next()
  world.catalog.putDatabase({ id: ts, name: db, createdAt: ts, properties })
  return null
}

export const dropDatabase: Handler<'DropDatabase'> = (world, { db }) => {
  if (db === DEFAULT_DATABASE) throw fault('invalidParameter', 'can not drop default database')
  if (!world.catalog.hasDatabase(db)) return null
  if (world.catalog.collections(db).length > 0) {
    throw fault('invalidParameter', `database:${db} not empty, must drop all collections before drop database`)
  }
  world.catalog.dropDatabase(db)
  return null
}

export const listDatabases: Handler<'ListDatabases'> = (world) => ({
  databases: world.catalog.databases().map(({ name, id, createdAt }) => ({ name, id, createdAt })),
})

export const describeDatabase: Handler<'DescribeDatabase'> = (world, { db }) => {
  const { id, createdAt, properties } = world.catalog.database(db)
  return { db, id, createdAt, properties }
}

export const alterDatabase: Handler<'AlterDatabase'> = (world, { db, set, remove }) => {
  const entry = world.catalog.database(db)
  world.catalog.putDatabase({ ...entry, properties: alterProperties(entry.properties, set, remove) })
  return null
}

/** Milvus takes either properties or keys to delete, never both. */
export function alterProperties(before: Properties, set: Properties, remove: readonly string[]): Properties {
  if (Object.keys(set).length > 0 && remove.length > 0) {
    throw fault('invalidParameter', 'can not provide properties and deletekeys at the same time')
  }
  if (Object.keys(set).length === 0 && remove.length === 0) {
    throw fault('invalidParameter', 'no properties or delete keys provided')
  }
  const after = Object.entries({ ...before, ...set }).filter(([key]) => !remove.includes(key))
  return Object.fromEntries(after)
}
