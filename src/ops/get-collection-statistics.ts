import { defineOp, inCollection } from './define-op.ts'
import type { Op } from './op.ts'
import { collectionOf, post } from './rest/body.ts'

export const getCollectionStatistics: Op<'GetCollectionStatistics'> = defineOp({
  rpc: 'GetCollectionStatistics',
  decode: inCollection,
  encode: ({ rowCount }) => ({ stats: [{ key: 'row_count', value: String(rowCount) }] }),
  rest: [
    post('collections/get_stats', async (input) => {
      const { rowCount } = await input.call('GetCollectionStatistics', collectionOf(input))
      return { data: { rowCount: Number(rowCount) } }
    }),
  ],
})
