import { fault } from '../errors/error.ts'
import { DslType } from '../gen/common_pb.js'
import type { SearchRequest as WireSearch } from '../gen/milvus_pb.js'
import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { post } from './rest/body.ts'
import { notServedRoute } from './rest/not-served.ts'
import { searchFromBody } from './rest/search.ts'
import { consistencyFields, readConsistency } from './wire/consistency.ts'
import { placeholderGroup, queryVectors } from './wire/placeholders.ts'
import { searchPairs, searchParams } from './wire/search-params.ts'
import { searchReply, searchResult } from './wire/search-result.ts'
import { templatesOf, toTemplates } from './wire/templates.ts'

export const search: Op<'Search'> = defineOp({
  rpc: 'Search',
  decode: (message, meta) => {
    refuseUnserved(message)
    const where = inCollection(message, meta)
    const { field, ...params } = searchParams(message.searchParams)
    const input = message.searchInput
    const query = queryVectors(input.case === 'placeholderGroup' ? input.value : new Uint8Array(0), field)
    const nq = Number(message.nq)
    if (nq !== 0 && nq !== query.nq) {
      throw fault('invalidParameter', `nq (${nq}) is not equal to the number of query vectors (${query.nq})`)
    }
    return {
      ...where,
      ...query,
      ...params,
      field,
      partitions: message.partitionNames,
      filter: message.dsl,
      templates: templatesOf(message.exprTemplateValues),
      outputFields: message.outputFields,
      consistency: readConsistency(message),
      guaranteeTs: message.guaranteeTimestamp,
    }
  },
  toMessage: (request) => ({
    ...naming(request),
    partitionNames: [...request.partitions],
    dsl: request.filter,
    dslType: DslType.BoolExprV1,
    searchInput: { case: 'placeholderGroup', value: placeholderGroup(request) },
    searchParams: searchPairs(request),
    nq: BigInt(request.nq),
    exprTemplateValues: toTemplates(request.templates),
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
  rest: [
    post('entities/search', searchFromBody),
    notServedRoute('entities/hybrid_search'),
    notServedRoute('entities/advanced_search'),
  ],
})

/** Parts of a search that would change its answer and are not served yet. */
function refuseUnserved(message: WireSearch): void {
  const asked = [
    ['search by ids', message.searchInput.case === 'ids' || message.searchByPrimaryKeys],
    ['sub requests', message.subReqs.length > 0],
    ['function score', message.functionScore !== undefined && message.functionScore.functions.length > 0],
    ['function chains', message.functionChains.length > 0],
    ['highlighter', message.highlighter !== undefined],
    ['search aggregation', message.searchAggregation !== undefined],
  ] as const
  for (const [name, isAsked] of asked) if (isAsked) throw fault('unimplemented', name)
}
