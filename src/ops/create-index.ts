import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { collectionOf, DONE, objects, post, requireFields } from './rest/body.ts'
import { createIndexes } from './rest/create-indexes.ts'
import { indexParams, toPairs } from './wire/properties.ts'

export const createIndex: Op<'CreateIndex'> = defineOp({
  rpc: 'CreateIndex',
  decode: (message, meta) => ({
    ...inCollection(message, meta),
    field: message.fieldName,
    name: message.indexName,
    params: indexParams(message.extraParams),
  }),
  toMessage: (request) => ({
    ...naming(request),
    fieldName: request.field,
    indexName: request.name,
    extraParams: toPairs(request.params),
  }),
  rest: [
    post('indexes/create', async (input) => {
      requireFields(input.body, 'IndexParamReq', ['collectionName', 'indexParams'])
      await createIndexes(collectionOf(input), objects(input.body, 'indexParams'), input.call)
      return DONE
    }),
  ],
})
