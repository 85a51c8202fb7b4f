import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { collectionOf, DONE, post } from './rest/body.ts'

export const releaseCollection: Op<'ReleaseCollection'> = defineOp({
  rpc: 'ReleaseCollection',
  decode: inCollection,
  toMessage: naming,
  rest: [
    post('collections/release', async (input) => {
      await input.call('ReleaseCollection', collectionOf(input))
      return DONE
    }),
  ],
})
