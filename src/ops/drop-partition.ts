import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { DONE, post } from './rest/body.ts'
import { partitionOf } from './rest/partition.ts'

export const dropPartition: Op<'DropPartition'> = defineOp({
  rpc: 'DropPartition',
  decode: (message, meta) => ({ ...inCollection(message, meta), partition: message.partitionName }),
  toMessage: (request) => ({ ...naming(request), partitionName: request.partition }),
  rest: [
    post('partitions/drop', async (input) => {
      await input.call('DropPartition', partitionOf(input))
      return DONE
    }),
  ],
})
