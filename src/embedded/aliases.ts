import { checkAliasName } from '../catalog/names.ts'
import { fault } from '../errors/error.ts'
import { collectionOf, type Handler } from './world.ts'

export const createAlias: Handler<'CreateAlias'> = (world, request) => {
  checkAliasName(request.alias, world.limits.nameBytesMax)
  const entry = collectionOf(world, request)
  if (world.catalog.hasCollectionNamed(request.db, request.alias)) {
    throw fault('aliasCollectionConflict', { database: request.db, alias: request.alias })
  }
  const target = world.catalog.aliasTarget(request.db, request.alias)
  if (target?.id === entry.id) return null
  if (target)
    throw fault('aliasAlreadyExists', `${request.alias} is alias to another collection: ${target.schema.name}`)
  world.catalog.putAlias(request.db, request.alias, entry.id)
  return null
}

export const dropAlias: Handler<'DropAlias'> = (world, { db, alias }) => {
  world.catalog.database(db)
  world.catalog.dropAlias(db, alias)
  return null
}

export const alterAlias: Handler<'AlterAlias'> = (world, request) => {
  const entry = collectionOf(world, request)
  if (!world.catalog.aliasTarget(request.db, request.alias)) {
    throw fault('aliasNotFound', { database: request.db, alias: request.alias })
  }
  world.catalog.putAlias(request.db, request.alias, entry.id)
  return null
}

export const describeAlias: Handler<'DescribeAlias'> = (world, { db, alias }) => {
  world.catalog.database(db)
  const target = world.catalog.aliasTarget(db, alias)
  if (!target) throw fault('aliasNotFound', { database: db, alias })
  return { db, alias, collection: target.schema.name }
}

export const listAliases: Handler<'ListAliases'> = (world, request) => {
  world.catalog.database(request.db)
  if (request.collection === '') return { aliases: world.catalog.aliases(request.db).map((a) => a.alias) }
  return { aliases: world.catalog.aliasesOf(collectionOf(world, request).id) }
}
