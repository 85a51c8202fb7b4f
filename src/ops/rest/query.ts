import { fault } from '../../errors/error.ts'
import type { InCollection, QueryRequest } from '../../model/calls.ts'
import { primaryField } from '../../model/schema.ts'
import type { RestInput, RestOutput } from '../op.ts'
import { consistencyByName } from '../wire/consistency.ts'
import { queryWindow } from '../wire/search-params.ts'
import { templatesFromJson } from '../wire/templates.ts'
import { collectionOf, integer, requireFields, text, texts } from './body.ts'
import { toRows } from './rows.ts'

const LIMIT_DEFAULT = 100
const ALL_FIELDS = ['*']

/** `entities/query`: row objects; `count(*)` is a row of its own. */
export async function queryFromBody(input: RestInput): Promise<RestOutput> {
  const { body } = input
  const where = collectionOf(input, 'QueryReqV2')
  for (const name of ['orderByFields', 'groupByFields']) {
    if (texts(body, name).length > 0) throw fault('unimplemented', name)
  }
  const outputFields = fieldsOf(input)
  const isCount = outputFields.length === 1 && outputFields[0]?.toLowerCase() === 'count(*)'
  // Milvus' default limit is for rows; with count(*) only a limit that was asked for counts (and is refused)
  const limit = isCount && body['limit'] === undefined ? '' : String(integer(body, 'limit', LIMIT_DEFAULT))
  return answer(input, {
    ...where,
    ...common(input),
    filter: text(body, 'filter'),
    templates: templatesFromJson(body['exprParams']),
    outputFields,
    ...queryWindow(limit, String(integer(body, 'offset', 0))),
  })
}

/** `entities/get`: the rows with the given primary keys, whatever the key's name. */
export async function getFromBody(input: RestInput): Promise<RestOutput> {
  requireFields(input.body, 'CollectionIDReq', ['collectionName', 'id'])
  const where = collectionOf(input)
  return answer(input, {
    ...where,
    ...common(input),
    filter: await keyFilter(input, where),
    templates: {},
    outputFields: fieldsOf(input),
    limit: null,
    offset: 0,
  })
}

async function answer(input: RestInput, request: QueryRequest): Promise<RestOutput> {
  const reply = await input.call('Query', request)
  return { data: toRows(reply.columns, reply.rowCount, input.int64AsNumber), extra: { cost: 0 } }
}

function common({ body }: RestInput): Pick<QueryRequest, 'partitions' | 'consistency' | 'guaranteeTs'> {
  const level = text(body, 'consistencyLevel')
  return {
    partitions: texts(body, 'partitionNames'),
    consistency: level === '' ? null : consistencyByName(level),
    guaranteeTs: 0n,
  }
}

function fieldsOf({ body }: RestInput): readonly string[] {
  const asked = texts(body, 'outputFields')
  return asked.length === 0 ? ALL_FIELDS : asked
}

/** `pk in [...]`; int64 keys come as numbers or as numeric strings. */
async function keyFilter({ body, call }: RestInput, where: InCollection): Promise<string> {
  const { schema } = await call('DescribeCollection', { ...where, collectionId: 0n })
  const key = primaryField(schema)
  const given: readonly unknown[] = Array.isArray(body['id']) ? body['id'] : [body['id']]
  const literals = given.map((id) => {
    if (key.type === 'VarChar') {
      if (typeof id !== 'string') throw badKey(`${key.name} is a VarChar, got ${String(id)}`)
      return JSON.stringify(id)
    }
    const digits = typeof id === 'number' || typeof id === 'bigint' || typeof id === 'string' ? String(id) : ''
    if (!/^-?\d+$/.test(digits)) throw badKey(`${key.name} is an Int64, got ${JSON.stringify(id)}`)
    return digits
  })
  return `${key.name} in [${literals.join(',')}]`
}

function badKey(reason: string): Error {
  return fault('restPrimaryKey', reason)
}
