import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'

/** Percent; both SDKs poll it after a load until it is 100. */
export const getLoadingProgress: Op<'GetLoadingProgress'> = defineOp({
  rpc: 'GetLoadingProgress',
  decode: (message, meta) => ({ ...inCollection(message, meta), partitions: message.partitionNames }),
  toMessage: (request) => ({ ...naming(request), partitionNames: [...request.partitions] }),
  encode: ({ progress }) => ({ progress: BigInt(progress), refreshProgress: BigInt(progress) }),
  fromReply: ({ progress }) => ({ progress: Number(progress) }),
})
