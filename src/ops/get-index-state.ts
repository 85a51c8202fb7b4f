import { IndexState } from '../gen/common_pb.js'
import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { indexState } from './wire/index-info.ts'

/** Deprecated in Milvus; the Node SDK still polls it. */
export const getIndexState: Op<'GetIndexState'> = defineOp({
  rpc: 'GetIndexState',
  decode: (message, meta) => ({
    ...inCollection(message, meta),
    name: message.indexName,
    field: message.fieldName,
  }),
  toMessage: (request) => ({ ...naming(request), indexName: request.name, fieldName: request.field }),
  encode: ({ state, failReason }) => ({ state: IndexState[state], failReason }),
  fromReply: ({ state, failReason }) => ({ state: indexState(state), failReason }),
})
