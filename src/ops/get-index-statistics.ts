import { defineOp, inCollection } from './define-op.ts'
import type { Op } from './op.ts'
import { indexDescription } from './wire/index-info.ts'

export const getIndexStatistics: Op<'GetIndexStatistics'> = defineOp({
  rpc: 'GetIndexStatistics',
  decode: (message, meta) => ({ ...inCollection(message, meta), name: message.indexName }),
  encode: ({ indexes }) => ({ indexDescriptions: indexes.map(indexDescription) }),
})
