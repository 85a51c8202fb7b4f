import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { collectionOf, DONE, post } from './rest/body.ts'

export const dropCollection: Op<'DropCollection'> = defineOp({
  rpc: 'DropCollection',
  decode: inCollection,
  toMessage: naming,
  rest: [
    post('collections/drop', async (input) => {
      await input.call('DropCollection', collectionOf(input))
      return DONE
    }),
  ],
})
