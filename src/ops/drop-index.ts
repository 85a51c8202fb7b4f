import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { collectionOf, DONE, post, requireFields, text } from './rest/body.ts'

export const dropIndex: Op<'DropIndex'> = defineOp({
  rpc: 'DropIndex',
  decode: (message, meta) => ({
    ...inCollection(message, meta),
    name: message.indexName,
    field: message.fieldName,
  }),
  toMessage: (request) => ({ ...naming(request), indexName: request.name, fieldName: request.field }),
  rest: [
    post('indexes/drop', async (input) => {
      requireFields(input.body, 'IndexReq', ['collectionName', 'indexName'])
      await input.call('DropIndex', { ...collectionOf(input), name: text(input.body, 'indexName'), field: '' })
      return DONE
    }),
  ],
})
