import { ShowType } from '../gen/milvus_pb.js'
import { dbOf, defineOp } from './define-op.ts'
import type { Op, RestInput, RestOutput } from './op.ts'
import { post } from './rest/body.ts'
import { physicalMs } from './wire/time.ts'

/**
 * Names, ids and times; `InMemory` asks for the loaded ones only. A Milvus tells `loaded` only then: in its other
 * replies it is false.
 */
export const showCollections: Op<'ShowCollections'> = defineOp({
  rpc: 'ShowCollections',
  login: 'Milvus shows each user the collections that it may see',
  decode: (message, meta) => ({
    db: dbOf(message.dbName, meta),
    loadedOnly: message.type === ShowType.InMemory,
    names: message.collectionNames,
  }),
  toMessage: ({ db, loadedOnly, names }) => ({
    dbName: db,
    type: loadedOnly ? ShowType.InMemory : ShowType.All,
    collectionNames: [...names],
  }),
  encode: ({ collections }) => ({
    collectionNames: collections.map((c) => c.name),
    collectionIds: collections.map((c) => c.id),
    createdTimestamps: collections.map((c) => c.createdAt),
    createdUtcTimestamps: collections.map((c) => physicalMs(c.createdAt)),
    inMemoryPercentages: collections.map((c) => (c.loaded ? 100n : 0n)),
    queryServiceAvailable: collections.map((c) => c.loaded),
    shardsNum: collections.map(() => 1),
  }),
  fromReply: (message) => ({
    collections: message.collectionNames.map((name, i) => ({
      name,
      id: message.collectionIds[i] ?? 0n,
      createdAt: message.createdTimestamps[i] ?? 0n,
      loaded: message.queryServiceAvailable[i] === true || (message.inMemoryPercentages[i] ?? 0n) >= 100n,
    })),
  }),
  rest: [
    // answered to GET too (protocol/rest/routes.ts)
    post('collections/list', list),
    { method: 'GET', path: '/v1/vector/collections', run: list },
  ],
})

async function list({ db, call }: RestInput): Promise<RestOutput> {
  const { collections } = await call('ShowCollections', { db, loadedOnly: false, names: [] })
  return { data: collections.map((c) => c.name) }
}
