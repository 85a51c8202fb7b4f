import { setTimeout as delay } from 'node:timers/promises'
import { fault } from '../errors/error.ts'
import { dbOf, defineOp } from './define-op.ts'
import type { Op } from './op.ts'
import { collectionOf, DONE, post } from './rest/body.ts'

const POLL_MS = 50
const POLLS_MAX = 600

/** The clients poll GetFlushState with the segments and times of the reply. */
export const flush: Op<'Flush'> = defineOp({
  rpc: 'Flush',
  decode: (message, meta) => {
    if (message.collectionNames.length === 0) throw fault('invalidParameter', 'collection names should not be empty')
    return { db: dbOf(message.dbName, meta), collections: message.collectionNames }
  },
  toMessage: ({ db, collections }) => ({ dbName: db, collectionNames: [...collections] }),
  encode: ({ segments, sealTimes, flushTs }) => {
    const ids = Object.fromEntries(Object.entries(segments).map(([name, list]) => [name, { data: [...list] }]))
    return { collSegIDs: ids, flushCollSegIDs: ids, collSealTimes: { ...sealTimes }, collFlushTs: { ...flushTs } }
  },
  fromReply: ({ collSegIDs, collSealTimes, collFlushTs }) => ({
    segments: Object.fromEntries(Object.entries(collSegIDs).map(([name, ids]) => [name, ids.data])),
    sealTimes: collSealTimes,
    flushTs: collFlushTs,
  }),
  rest: [
    post('collections/flush', async (input) => {
      const { db, collection } = collectionOf(input)
      const { segments, flushTs } = await input.call('Flush', { db, collections: [collection] })
      const flushed = { db, collection, segmentIds: segments[collection] ?? [], flushTs: flushTs[collection] ?? 0n }
      for (let poll = 0; poll < POLLS_MAX; poll++) {
        if ((await input.call('GetFlushState', flushed)).flushed) return DONE
        await delay(POLL_MS)
      }
      throw fault('timeout', `flush of collection ${collection} is still going on`)
    }),
  ],
})
