import { defineOp } from './define-op.ts'
import type { Op } from './op.ts'
import { DONE, post, requireFields, text } from './rest/body.ts'

export const dropDatabase: Op<'DropDatabase'> = defineOp({
  rpc: 'DropDatabase',
  decode: ({ dbName }) => ({ db: dbName }),
  toMessage: ({ db }) => ({ dbName: db }),
  rest: [
    post('databases/drop', async ({ body, call }) => {
      requireFields(body, 'DatabaseReq', ['dbName'])
      await call('DropDatabase', { db: text(body, 'dbName') })
      return DONE
    }),
  ],
})
