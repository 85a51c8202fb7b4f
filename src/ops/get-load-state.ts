import { fault } from '../errors/error.ts'
import { LoadState } from '../gen/common_pb.js'
import type { ReplyOf } from '../model/calls.ts'
import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { collectionOf, post, texts } from './rest/body.ts'
import { badReply } from './wire/status.ts'

/** A missing collection is a state here, not an error; REST answers 100 all the same, as Milvus. */
export const getLoadState: Op<'GetLoadState'> = defineOp({
  rpc: 'GetLoadState',
  decode: (message, meta) => ({ ...inCollection(message, meta), partitions: message.partitionNames }),
  toMessage: (request) => ({ ...naming(request), partitionNames: [...request.partitions] }),
  encode: ({ state }) => ({ state: LoadState[`LoadState${state}`] }),
  fromReply: ({ state }) => ({ state: loadState(state) }),
  rest: [
    post('collections/get_load_state', async (input) => {
      const where = { ...collectionOf(input), partitions: texts(input.body, 'partitionNames') }
      const { state } = await input.call('GetLoadState', where)
      if (state === 'NotExist') {
        throw fault('collectionNotFound', { database: where.db, collection: where.collection })
      }
      const isLoading = state === 'Loading' || state === 'Loaded'
      const loadProgress = isLoading ? (await input.call('GetLoadingProgress', where)).progress : 0
      return { data: { loadState: `LoadState${state}`, loadProgress } }
    }),
  ],
})

function loadState(state: LoadState): ReplyOf<'GetLoadState'>['state'] {
  switch (state) {
    case LoadState.LoadStateNotExist:
      return 'NotExist'
    case LoadState.LoadStateNotLoad:
      return 'NotLoad'
    case LoadState.LoadStateLoading:
      return 'Loading'
    case LoadState.LoadStateLoaded:
      return 'Loaded'
    default:
      throw badReply(`load state ${state} is unknown`)
  }
}
