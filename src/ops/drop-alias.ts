import { dbOf, defineOp } from './define-op.ts'
import type { Op } from './op.ts'
import { DONE, post, requireFields, text } from './rest/body.ts'

export const dropAlias: Op<'DropAlias'> = defineOp({
  rpc: 'DropAlias',
  decode: (message, meta) => ({ db: dbOf(message.dbName, meta), alias: message.alias }),
  toMessage: ({ db, alias }) => ({ dbName: db, alias }),
  rest: [
    post('aliases/drop', async ({ body, db, call }) => {
      requireFields(body, 'AliasReq', ['aliasName'])
      await call('DropAlias', { db, alias: text(body, 'aliasName') })
      return DONE
    }),
  ],
})
