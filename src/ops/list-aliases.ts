import { dbOf, defineOp, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { post, text } from './rest/body.ts'

/** The aliases of one collection, or of the database when none is named. */
export const listAliases: Op<'ListAliases'> = defineOp({
  rpc: 'ListAliases',
  decode: (message, meta) => ({ db: dbOf(message.dbName, meta), collection: message.collectionName }),
  toMessage: naming,
  encode: ({ aliases }) => ({ aliases: [...aliases] }),
  fromReply: ({ aliases }) => ({ aliases }),
  rest: [
    post('aliases/list', async ({ body, db, call }) => {
      const { aliases } = await call('ListAliases', { db, collection: text(body, 'collectionName') })
      return { data: aliases }
    }),
  ],
})
