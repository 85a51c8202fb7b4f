import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { collectionOf, post } from './rest/body.ts'
import { rowCountOf } from './wire/statistics.ts'

export const getCollectionStatistics: Op<'GetCollectionStatistics'> = defineOp({
  rpc: 'GetCollectionStatistics',
  decode: inCollection,
  toMessage: naming,
  encode: ({ rowCount }) => ({ stats: [{ key: 'row_count', value: String(rowCount) }] }),
  fromReply: (message) => ({ rowCount: rowCountOf(message.stats) }),
  rest: [
    post('collections/get_stats', async (input) => {
      const { rowCount } = await input.call('GetCollectionStatistics', collectionOf(input))
      return { data: { rowCount: Number(rowCount) } }
    }),
  ],
})
