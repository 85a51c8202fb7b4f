import { fault } from '../errors/error.ts'
import type { HybridSearchRequest } from '../model/search-calls.ts'
import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { post } from './rest/body.ts'
import { hybridSearchFromBody } from './rest/hybrid-search.ts'
import { consistencyFields, readConsistency } from './wire/consistency.ts'
import { hybridParams, rankPairs } from './wire/rank-params.ts'
import { searchMessage, searchOfMessage } from './wire/search-message.ts'
import { searchReply, searchResult } from './wire/search-result.ts'

export const hybridSearch: Op<'HybridSearch'> = defineOp({
  rpc: 'HybridSearch',
  decode: (message, meta): HybridSearchRequest => {
    if (message.functionChains.length > 0) throw fault('unimplemented', 'function chains')
    const where = inCollection(message, meta)
    const params = hybridParams(message.rankParams, message.functionScore?.functions ?? [])
    return {
      ...where,
      ...params,
      requests: message.requests.map((each) => searchOfMessage(each, where, params.topk + params.offset)),
      partitions: message.partitionNames,
      outputFields: message.outputFields,
      consistency: readConsistency(message),
      guaranteeTs: message.guaranteeTimestamp,
    }
  },
  toMessage: (request) => ({
    ...naming(request),
    partitionNames: [...request.partitions],
    requests: request.requests.map((each) => ({ ...naming(request), ...searchMessage(each) })),
    rankParams: rankPairs(request),
    outputFields: [...request.outputFields],
    guaranteeTimestamp: request.guaranteeTs,
    ...consistencyFields(request.consistency),
  }),
  encode: (reply) => ({
    collectionName: reply.collection,
    sessionTs: reply.sessionTs,
    results: searchResult(reply),
  }),
  fromReply: ({ collectionName, sessionTs, results }) => searchReply(results, collectionName, sessionTs),
  rest: [post('entities/hybrid_search', hybridSearchFromBody), post('entities/advanced_search', hybridSearchFromBody)],
})
