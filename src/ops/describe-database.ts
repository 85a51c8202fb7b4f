import { dbOf, defineOp } from './define-op.ts'
import type { Op } from './op.ts'
import { post, requireFields, text } from './rest/body.ts'
import { toPairs, toProperties } from './wire/properties.ts'

export const describeDatabase: Op<'DescribeDatabase'> = defineOp({
  rpc: 'DescribeDatabase',
  decode: ({ dbName }, meta) => ({ db: dbOf(dbName, meta) }),
  toMessage: ({ db }) => ({ dbName: db }),
  encode: (reply) => ({
    dbName: reply.db,
    dbID: reply.id,
    createdTimestamp: reply.createdAt,
    properties: toPairs(reply.properties),
  }),
  fromReply: (message) => ({
    db: message.dbName,
    id: message.dbID,
    createdAt: message.createdTimestamp,
    properties: toProperties(message.properties),
  }),
  rest: [
    post('databases/describe', async ({ body, call }) => {
      requireFields(body, 'DatabaseReq', ['dbName'])
      const { db, id, properties } = await call('DescribeDatabase', { db: text(body, 'dbName') })
      return { data: { dbName: db, dbID: id, properties: toPairs(properties) } }
    }),
  ],
})
