import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { collectionOf, DONE, post, requireFields, text } from './rest/body.ts'

export const alterAlias: Op<'AlterAlias'> = defineOp({
  rpc: 'AlterAlias',
  decode: (message, meta) => ({ ...inCollection(message, meta), alias: message.alias }),
  toMessage: (request) => ({ ...naming(request), alias: request.alias }),
  rest: [
    post('aliases/alter', async (input) => {
      requireFields(input.body, 'AliasCollectionReq', ['collectionName', 'aliasName'])
      await input.call('AlterAlias', { ...collectionOf(input), alias: text(input.body, 'aliasName') })
      return DONE
    }),
  ],
})
