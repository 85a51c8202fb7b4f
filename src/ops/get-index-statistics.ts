import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { indexDescription, indexInfo } from './wire/index-info.ts'

export const getIndexStatistics: Op<'GetIndexStatistics'> = defineOp({
  rpc: 'GetIndexStatistics',
  decode: (message, meta) => ({ ...inCollection(message, meta), name: message.indexName }),
  toMessage: (request) => ({ ...naming(request), indexName: request.name }),
  encode: ({ indexes }) => ({ indexDescriptions: indexes.map(indexDescription) }),
  fromReply: ({ indexDescriptions }) => ({ indexes: indexDescriptions.map(indexInfo) }),
})
