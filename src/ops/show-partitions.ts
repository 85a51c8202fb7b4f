import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { collectionOf, post } from './rest/body.ts'
import { physicalMs } from './wire/time.ts'

export const showPartitions: Op<'ShowPartitions'> = defineOp({
  rpc: 'ShowPartitions',
  decode: (message, meta) => ({ ...inCollection(message, meta), partitions: message.partitionNames }),
  toMessage: (request) => ({ ...naming(request), partitionNames: [...request.partitions] }),
  encode: ({ partitions }) => ({
    partitionNames: partitions.map((p) => p.name),
    partitionIDs: partitions.map((p) => p.id),
    createdTimestamps: partitions.map((p) => p.createdAt),
    createdUtcTimestamps: partitions.map((p) => physicalMs(p.createdAt)),
    inMemoryPercentages: partitions.map((p) => (p.loaded ? 100n : 0n)),
  }),
  fromReply: (message) => ({
    partitions: message.partitionNames.map((name, i) => ({
      name,
      id: message.partitionIDs[i] ?? 0n,
      createdAt: message.createdTimestamps[i] ?? 0n,
      loaded: (message.inMemoryPercentages[i] ?? 0n) >= 100n,
    })),
  }),
  rest: [
    post('partitions/list', async (input) => {
      const { partitions } = await input.call('ShowPartitions', { ...collectionOf(input), partitions: [] })
      return { data: partitions.map((p) => p.name) }
    }),
  ],
})
