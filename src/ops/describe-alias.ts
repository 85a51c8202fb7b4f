import { DEFAULT_DATABASE } from '../model/schema.ts'
import { dbOf, defineOp } from './define-op.ts'
import type { Op } from './op.ts'
import { post, requireFields, text } from './rest/body.ts'

export const describeAlias: Op<'DescribeAlias'> = defineOp({
  rpc: 'DescribeAlias',
  decode: (message, meta) => ({ db: dbOf(message.dbName, meta), alias: message.alias }),
  toMessage: ({ db, alias }) => ({ dbName: db, alias }),
  encode: (reply) => ({ dbName: reply.db, alias: reply.alias, collection: reply.collection }),
  fromReply: ({ dbName, alias, collection }) => ({ db: dbName || DEFAULT_DATABASE, alias, collection }),
  rest: [
    post('aliases/describe', async ({ body, db, call }) => {
      requireFields(body, 'AliasReq', ['aliasName'])
      const reply = await call('DescribeAlias', { db, alias: text(body, 'aliasName') })
      return { data: { dbName: reply.db, collectionName: reply.collection, aliasName: reply.alias } }
    }),
  ],
})
