import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { post } from './rest/body.ts'
import { partitionOf } from './rest/partition.ts'
import { rowCountOf } from './wire/statistics.ts'

export const getPartitionStatistics: Op<'GetPartitionStatistics'> = defineOp({
  rpc: 'GetPartitionStatistics',
  login: 'it counts rows; Milvus declares no privilege for it',
  decode: (message, meta) => ({ ...inCollection(message, meta), partition: message.partitionName }),
  toMessage: (request) => ({ ...naming(request), partitionName: request.partition }),
  encode: ({ rowCount }) => ({ stats: [{ key: 'row_count', value: String(rowCount) }] }),
  fromReply: (message) => ({ rowCount: rowCountOf(message.stats) }),
  rest: [
    post('partitions/get_stats', async (input) => {
      const { rowCount } = await input.call('GetPartitionStatistics', partitionOf(input))
      return { data: { rowCount: Number(rowCount) } }
    }),
  ],
})
