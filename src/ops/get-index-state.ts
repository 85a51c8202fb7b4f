import { IndexState } from '../gen/common_pb.js'
import { defineOp, inCollection } from './define-op.ts'
import type { Op } from './op.ts'

/** Deprecated in Milvus; the Node SDK still polls it. */
export const getIndexState: Op<'GetIndexState'> = defineOp({
  rpc: 'GetIndexState',
  decode: (message, meta) => ({
    ...inCollection(message, meta),
    name: message.indexName,
    field: message.fieldName,
  }),
  encode: ({ state, failReason }) => ({ state: IndexState[state], failReason }),
})
