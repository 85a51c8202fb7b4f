import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { DONE, post } from './rest/body.ts'
import { partitionsOf } from './rest/partition.ts'

export const loadPartitions: Op<'LoadPartitions'> = defineOp({
  rpc: 'LoadPartitions',
  decode: (message, meta) => ({ ...inCollection(message, meta), partitions: message.partitionNames }),
  toMessage: (request) => ({ ...naming(request), partitionNames: [...request.partitions] }),
  rest: [
    post('partitions/load', async (input) => {
      await input.call('LoadPartitions', partitionsOf(input))
      return DONE
    }),
  ],
})
