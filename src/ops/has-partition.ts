import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { post } from './rest/body.ts'
import { partitionOf } from './rest/partition.ts'

export const hasPartition: Op<'HasPartition'> = defineOp({
  rpc: 'HasPartition',
  decode: (message, meta) => ({ ...inCollection(message, meta), partition: message.partitionName }),
  toMessage: (request) => ({ ...naming(request), partitionName: request.partition }),
  encode: ({ value }) => ({ value }),
  fromReply: ({ value }) => ({ value }),
  rest: [
    post('partitions/has', async (input) => {
      const { value } = await input.call('HasPartition', partitionOf(input))
      return { data: { has: value } }
    }),
  ],
})
