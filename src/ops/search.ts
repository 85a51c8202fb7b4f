import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { post } from './rest/body.ts'
import { searchFromBody } from './rest/search.ts'
import { searchMessage, searchOfMessage } from './wire/search-message.ts'
import { searchReply, searchResult } from './wire/search-result.ts'

export const search: Op<'Search'> = defineOp({
  rpc: 'Search',
  decode: (message, meta) => searchOfMessage(message, inCollection(message, meta)),
  toMessage: (request) => ({ ...naming(request), ...searchMessage(request) }),
  encode: (reply) => ({
    collectionName: reply.collection,
    sessionTs: reply.sessionTs,
    results: searchResult(reply),
  }),
  fromReply: ({ collectionName, sessionTs, results }) => searchReply(results, collectionName, sessionTs),
  rest: [post('entities/search', searchFromBody)],
})
