import { defineOp } from './define-op.ts'
import type { Op } from './op.ts'
import { post } from './rest/body.ts'

export const listDatabases: Op<'ListDatabases'> = defineOp({
  rpc: 'ListDatabases',
  login: 'Milvus shows each user the databases that it may see',
  decode: () => ({}),
  toMessage: () => ({}),
  encode: ({ databases }) => ({
    dbNames: databases.map((db) => db.name),
    dbIds: databases.map((db) => db.id),
    createdTimestamp: databases.map((db) => db.createdAt),
  }),
  fromReply: ({ dbNames, dbIds, createdTimestamp }) => ({
    databases: dbNames.map((name, i) => ({ name, id: dbIds[i] ?? 0n, createdAt: createdTimestamp[i] ?? 0n })),
  }),
  rest: [
    post('databases/list', async ({ call }) => {
      const { databases } = await call('ListDatabases', {})
      return { data: databases.map((db) => db.name) }
    }),
  ],
})
