import { fault } from '../errors/error.ts'
import { type CheckedExpr, isAlwaysTrue, toSql } from '../filter/filter.ts'
import type { QueryReply, QueryRequest } from '../model/calls.ts'
import { primaryField } from '../model/schema.ts'
import { planOutput, projectDynamic } from './output.ts'
import { filterOf } from './search-plan.ts'
import { type Handler, loadedCollection, loadedPartitionNumbers, type World } from './world.ts'

const COUNT = 'count(*)'

export const query: Handler<'Query'> = async (world, request) => {
  const entry = loadedCollection(world, request)
  const live = world.live(entry)
  const partitions = loadedPartitionNumbers(entry, request.partitions)
  const expr = filterOf(entry, request.filter, request.templates, world.limits, 'query')
  const where = expr === null ? null : toSql(expr)
  const primary = primaryField(entry.schema).name
  const sessionTs = world.catalog.clock.next()
  const shape = { collection: entry.schema.name, primaryField: primary, outputFields: request.outputFields, sessionTs }
  if (request.outputFields.some((name) => name.replace(/\s/g, '').toLowerCase() === COUNT)) {
    return countReply(await countOf(request, () => live.store.count(where, partitions)), shape)
  }
  checkPage(request, expr, world)
  const output = planOutput(entry, request.outputFields)
  const { rowCount, columns } = await live.store.query({
    where,
    partitions,
    limit: request.limit,
    offset: request.limit === null ? 0 : request.offset,
    fields: output.fields,
    bytesMax: world.limits.resultBytesMax,
  })
  return { ...shape, rowCount, columns: projectDynamic(output, columns) }
}

function countOf(request: QueryRequest, count: () => Promise<number>): Promise<number> {
  if (request.limit !== null) {
    throw fault('invalidParameter', 'count entities with pagination is not allowed')
  }
  if (request.outputFields.length > 1) {
    throw fault('invalidParameter', 'count entities with other output fields is not allowed')
  }
  return count()
}

function countReply(count: number, shape: Omit<QueryReply, 'rowCount' | 'columns'>): QueryReply {
  const data = { kind: 'long' as const, values: BigInt64Array.of(BigInt(count)) }
  return { ...shape, rowCount: 1, columns: [{ field: COUNT, data, valid: null, dynamic: false }] }
}

function checkPage(request: QueryRequest, expr: CheckedExpr | null, world: World): void {
  const { limit, offset } = request
  const max = world.limits.resultWindowMax
  if (isAlwaysTrue(expr) && limit === null) {
    throw fault('invalidParameter', 'empty expression should be used with limit')
  }
  if (limit === null) return
  if (!Number.isInteger(limit) || limit <= 0) {
    throw fault('invalidParameter', `limit [${limit}] is invalid, should be greater than 0`)
  }
  if (!Number.isInteger(offset) || offset < 0) {
    throw fault('invalidParameter', `offset [${offset}] is invalid, should be greater than or equal to 0`)
  }
  if (limit + offset > max) {
    throw fault('invalidParameter', `(offset+limit) should be in range [1, ${max}], but got ${limit + offset}`)
  }
}
