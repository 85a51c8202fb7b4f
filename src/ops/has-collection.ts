import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { collectionOf, post } from './rest/body.ts'

export const hasCollection: Op<'HasCollection'> = defineOp({
  rpc: 'HasCollection',
  login: 'it tells whether a name exists, as DescribeCollection does to the public role',
  decode: inCollection,
  toMessage: naming,
  encode: ({ value }) => ({ value }),
  fromReply: ({ value }) => ({ value }),
  rest: [
    post('collections/has', async (input) => {
      const { value } = await input.call('HasCollection', collectionOf(input))
      return { data: { has: value } }
    }),
  ],
})
