import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { collectionOf, DONE, post, requireFields, text } from './rest/body.ts'

export const createAlias: Op<'CreateAlias'> = defineOp({
  rpc: 'CreateAlias',
  decode: (message, meta) => ({ ...inCollection(message, meta), alias: message.alias }),
  toMessage: (request) => ({ ...naming(request), alias: request.alias }),
  rest: [
    post('aliases/create', async (input) => {
      requireFields(input.body, 'AliasCollectionReq', ['collectionName', 'aliasName'])
      await input.call('CreateAlias', { ...collectionOf(input), alias: text(input.body, 'aliasName') })
      return DONE
    }),
  ],
})
