import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { DONE, post } from './rest/body.ts'
import { partitionOf } from './rest/partition.ts'

export const createPartition: Op<'CreatePartition'> = defineOp({
  rpc: 'CreatePartition',
  decode: (message, meta) => ({ ...inCollection(message, meta), partition: message.partitionName }),
  toMessage: (request) => ({ ...naming(request), partitionName: request.partition }),
  rest: [
    post('partitions/create', async (input) => {
      await input.call('CreatePartition', partitionOf(input))
      return DONE
    }),
  ],
})
