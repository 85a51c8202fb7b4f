import { defineOp, inCollection } from './define-op.ts'
import type { Op } from './op.ts'
import { collectionOf, DONE, objects, post, requireFields } from './rest/body.ts'
import { createIndexes } from './rest/create-indexes.ts'
import { indexParams } from './wire/properties.ts'

export const createIndex: Op<'CreateIndex'> = defineOp({
  rpc: 'CreateIndex',
  decode: (message, meta) => ({
    ...inCollection(message, meta),
    field: message.fieldName,
    name: message.indexName,
    params: indexParams(message.extraParams),
  }),
  rest: [
    post('indexes/create', async (input) => {
      requireFields(input.body, 'IndexParamReq', ['collectionName', 'indexParams'])
      await createIndexes(collectionOf(input), objects(input.body, 'indexParams'), input.call)
      return DONE
    }),
  ],
})
