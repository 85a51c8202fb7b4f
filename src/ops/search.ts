import { fault } from '../errors/error.ts'
import type { SearchRequest as WireSearch } from '../gen/milvus_pb.js'
import type { SearchReply } from '../model/calls.ts'
import { defineOp, inCollection } from './define-op.ts'
import type { Op } from './op.ts'
import { post } from './rest/body.ts'
import { notServedRoute } from './rest/not-served.ts'
import { searchFromBody } from './rest/search.ts'
import { resultFields, toFieldData } from './wire/columns-out.ts'
import { readConsistency } from './wire/consistency.ts'
import { toWireIds } from './wire/ids.ts'
import { queryVectors } from './wire/placeholders.ts'
import { searchParams } from './wire/search-params.ts'
import { templatesOf } from './wire/templates.ts'

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
  encode: (reply) => ({
    collectionName: reply.collection,
    sessionTs: reply.sessionTs,
    results: searchResult(reply),
  }),
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

/** Layout: milvus-api.md C4. */
function searchResult(reply: SearchReply) {
  return {
    numQueries: BigInt(reply.counts.length),
    topK: BigInt(reply.counts.reduce((most, count) => Math.max(most, count), 0)),
    topks: Array.from(reply.counts, BigInt),
    scores: Array.from(reply.scores),
    ids: toWireIds(reply.ids),
    fieldsData: reply.columns.map(toFieldData),
    outputFields: resultFields(reply.outputFields, reply.columns),
    primaryFieldName: reply.primaryField,
    allSearchCount: BigInt(reply.scores.length),
    ...(reply.iterator === null ? {} : { searchIteratorV2Results: reply.iterator }),
  }
}
