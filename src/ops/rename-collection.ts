import { fault } from '../errors/error.ts'
import { dbOf, defineOp } from './define-op.ts'
import type { Op } from './op.ts'
import { DONE, post, requireFields, text } from './rest/body.ts'

/** Renames a collection, into another database when one is named. */
export const renameCollection: Op<'RenameCollection'> = defineOp({
  rpc: 'RenameCollection',
  decode: (message, meta) => {
    if (message.oldName === '') throw fault('invalidParameter', 'collection name should not be empty')
    const db = dbOf(message.dbName, meta)
    return { db, collection: message.oldName, newName: message.newName, newDb: message.newDBName || db }
  },
  toMessage: ({ db, collection, newName, newDb }) => ({
    dbName: db,
    oldName: collection,
    newName,
    newDBName: newDb === db ? '' : newDb,
  }),
  rest: [
    post('collections/rename', async ({ body, db, call }) => {
      requireFields(body, 'RenameCollectionReq', ['collectionName', 'newCollectionName'])
      await call('RenameCollection', {
        db,
        collection: text(body, 'collectionName'),
        newName: text(body, 'newCollectionName'),
        newDb: text(body, 'newDbName') || db,
      })
      return DONE
    }),
  ],
})
