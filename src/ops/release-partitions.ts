import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { DONE, post } from './rest/body.ts'
import { partitionsOf } from './rest/partition.ts'

export const releasePartitions: Op<'ReleasePartitions'> = defineOp({
  rpc: 'ReleasePartitions',
  decode: (message, meta) => ({ ...inCollection(message, meta), partitions: message.partitionNames }),
  toMessage: (request) => ({ ...naming(request), partitionNames: [...request.partitions] }),
  rest: [
    post('partitions/release', async (input) => {
      await input.call('ReleasePartitions', partitionsOf(input))
      return DONE
    }),
  ],
})
