import { fault } from '../../errors/error.ts'
import type { InCollection } from '../../model/calls.ts'
import type { CollectionSchema, ConsistencyLevel, FieldSchema, Properties } from '../../model/schema.ts'
import type { RestInput, RestOutput } from '../op.ts'
import { consistencyByName } from '../wire/consistency.ts'
import { collectionOf, DONE, flag, integer, missingParameters, object, objects, text } from './body.ts'
import { createIndexes } from './create-indexes.ts'
import { bareField, fieldFromJson } from './field.ts'
import { textProperties } from './properties.ts'

type Body = RestInput['body']

/**
 * `collections/create`: quick (a dimension; the collection is indexed and loaded) or full (a schema; loaded only when
 * index parameters are given).
 */
export async function createFromBody(input: RestInput): Promise<RestOutput> {
  const { body, call } = input
  const where = collectionOf(input, 'CollectionReq')
  const isQuick = objects(object(body, 'schema'), 'fields').length === 0
  const schema = isQuick ? quickSchema(body, where) : fullSchema(body, where)
  await call('CreateCollection', { ...where, schema, ...options(body) })
  if (isQuick) {
    const index = { fieldName: vectorName(body), metricType: text(body, 'metricType') || 'COSINE' }
    await createIndexes(where, [{ ...index, indexName: index.fieldName, indexType: 'AUTOINDEX' }], call)
  } else {
    const indexes = objects(body, 'indexParams')
    if (indexes.length === 0) return DONE
    await createIndexes(where, indexes, call)
  }
  await call('LoadCollection', { ...where, refresh: false })
  return DONE
}

const vectorName = (body: Body): string => text(body, 'vectorFieldName') || 'vector'

function quickSchema(body: Body, where: InCollection): CollectionSchema {
  const dim = integer(body, 'dimension', 0)
  if (dim === 0) {
    throw missingParameters('dimension is required for quickly create collection(default metric type: COSINE)')
  }
  const vectorType = text(body, 'vectorFieldType') || 'FloatVector'
  if (vectorType !== 'FloatVector') throw fault('unimplemented', `vectorFieldType ${vectorType}`)
  const autoId = flag(body, 'autoID', false) || flag(body, 'autoId', false)
  return {
    name: where.collection,
    description: text(body, 'description'),
    autoId,
    enableDynamicField: dynamicFlag(body, true),
    fields: [
      { ...quickKey(body), name: text(body, 'primaryFieldName') || 'id', isPrimary: true, autoId },
      { ...bareField(vectorName(body), 'FloatVector'), dim, typeParams: { dim: String(dim) } },
    ],
  }
}

function quickKey(body: Body): FieldSchema {
  const idType = text(body, 'idType') || 'Int64'
  if (idType.toLowerCase() === 'int64') return bareField('id', 'Int64')
  if (idType.toLowerCase() !== 'varchar') {
    const details = { expected: 'Int64, Varchar', actual: idType }
    throw fault('invalidParameter', 'idType can only be [Int64, VarChar], default: Int64', details)
  }
  const given = object(body, 'params')['max_length']
  if (given === undefined) throw missingParameters('params.max_length is required for idType VarChar')
  return fieldFromJson({ fieldName: 'id', dataType: 'VarChar', elementTypeParams: { max_length: given } })
}

function fullSchema(body: Body, where: InCollection): CollectionSchema {
  const schema = object(body, 'schema')
  if (objects(schema, 'functions').length > 0) throw fault('unimplemented', 'functions in a collection schema')
  if (objects(schema, 'structFields').length > 0) throw fault('unimplemented', 'structFields in a collection schema')
  const autoId = flag(schema, 'autoID', flag(schema, 'autoId', false))
  const fields = objects(schema, 'fields').map(fieldFromJson)
  return {
    name: where.collection,
    description: text(schema, 'description') || text(body, 'description'),
    autoId: autoId || fields.some((field) => field.isPrimary && field.autoId),
    enableDynamicField: flag(schema, 'enableDynamicField', dynamicFlag(body, false)),
    fields: fields.map((field) => (field.isPrimary ? { ...field, autoId: field.autoId || autoId } : field)),
  }
}

/** `params.enableDynamicField` may come as a boolean or as its text. */
function dynamicFlag(body: Body, fallback: boolean): boolean {
  const given = object(body, 'params')['enableDynamicField']
  return given === undefined ? fallback : String(given).toLowerCase() === 'true'
}

interface Options {
  readonly shards: number
  readonly consistency: ConsistencyLevel
  readonly properties: Properties
  readonly partitionCount: number
}

/** `params` under the names of the RPC; those that are collection properties go there. */
function options(body: Body): Options {
  const params = object(body, 'params')
  const level = text(params, 'consistencyLevel') || text(body, 'consistencyLevel')
  const renamed: [from: string, to: string][] = [
    ['ttlSeconds', 'collection.ttl.seconds'],
    ['partitionKeyIsolation', 'partitionkey.isolation'],
    ['mmap.enabled', 'mmap.enabled'],
  ]
  const fromParams = renamed.flatMap(([from, to]) => (params[from] === undefined ? [] : [[to, params[from]] as const]))
  return {
    shards: whole(params, 'shardsNum') || 1,
    consistency: level === '' ? 'Bounded' : consistencyByName(level),
    properties: textProperties({ ...Object.fromEntries(fromParams), ...object(body, 'properties') }),
    partitionCount: whole(params, 'partitionsNum'),
  }
}

/** A count that clients send as a number or as its text. */
function whole(params: Readonly<Record<string, unknown>>, name: string): number {
  const value = params[name]
  if (typeof value === 'string' && /^\d{1,9}$/.test(value)) return Number(value)
  return integer(params, name, 0)
}
