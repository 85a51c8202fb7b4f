import { dbOf, defineOp, naming } from './define-op.ts'
import type { Op } from './op.ts'

/** pymilvus names the collection, the Node SDK only the segments (possibly none). */
export const getFlushState: Op<'GetFlushState'> = defineOp({
  rpc: 'GetFlushState',
  decode: (message, meta) => ({
    db: dbOf(message.dbName, meta),
    collection: message.collectionName,
    segmentIds: message.segmentIDs,
    flushTs: message.flushTs,
  }),
  toMessage: (request) => ({
    ...naming(request),
    segmentIDs: [...request.segmentIds],
    flushTs: request.flushTs,
  }),
  encode: ({ flushed }) => ({ flushed }),
  fromReply: ({ flushed }) => ({ flushed }),
})
