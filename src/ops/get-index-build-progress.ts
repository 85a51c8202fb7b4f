import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'

/** Deprecated in Milvus; the Node SDK still exposes it. */
export const getIndexBuildProgress: Op<'GetIndexBuildProgress'> = defineOp({
  rpc: 'GetIndexBuildProgress',
  decode: (message, meta) => ({
    ...inCollection(message, meta),
    name: message.indexName,
    field: message.fieldName,
  }),
  toMessage: (request) => ({ ...naming(request), indexName: request.name, fieldName: request.field }),
  encode: ({ indexedRows, totalRows }) => ({ indexedRows, totalRows }),
  fromReply: ({ indexedRows, totalRows }) => ({ indexedRows, totalRows }),
})
