import type { MessageInitShape } from '@bufbuild/protobuf'
import { fault } from '../../errors/error.ts'
import { DslType } from '../../gen/common_pb.js'
import type { SearchRequestSchema, SearchRequest as WireSearch } from '../../gen/milvus_pb.js'
import type { InCollection, SearchRequest } from '../../model/calls.ts'
import { idCount } from '../../model/columns.ts'
import { consistencyFields, readConsistency } from './consistency.ts'
import { fromWireIds, toWireIds } from './ids.ts'
import { placeholderGroup, type QueryVectors, queryVectors } from './placeholders.ts'
import { searchPairs, searchParams } from './search-params.ts'
import { templatesOf, toTemplates } from './templates.ts'

/**
 * A search message as a request, whether it stands alone or in a hybrid search.
 * @param topkDefault where the message may leave it out
 */
export function searchOfMessage(
  message: WireSearch,
  where: InCollection,
  topkDefault: number | null = null,
): SearchRequest {
  refuseUnserved(message)
  const { field, ...params } = searchParams(message.searchParams, topkDefault)
  const query = queriesOf(message)
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
}

/** The mirror of `searchOfMessage`, without the names of database and collection. */
export function searchMessage(request: SearchRequest): Omit<MessageInitShape<typeof SearchRequestSchema>, '$typeName'> {
  return {
    partitionNames: [...request.partitions],
    dsl: request.filter,
    dslType: DslType.BoolExprV1,
    searchInput:
      request.ids === null
        ? { case: 'placeholderGroup', value: placeholderGroup(request) }
        : { case: 'ids', value: toWireIds(request.ids) },
    searchParams: searchPairs(request),
    nq: BigInt(request.nq),
    exprTemplateValues: toTemplates(request.templates),
    outputFields: [...request.outputFields],
    guaranteeTimestamp: request.guaranteeTs,
    ...consistencyFields(request.consistency),
  }
}

function queriesOf({ searchInput }: WireSearch): QueryVectors & Pick<SearchRequest, 'ids'> {
  if (searchInput.case === 'ids') return queriesByIds(fromWireIds(searchInput.value))
  const bytes = searchInput.case === 'placeholderGroup' ? searchInput.value : new Uint8Array(0)
  return { ...queryVectors(bytes), ids: null }
}

/** Queries whose vectors are still to be read. @throws RedkiteError `invalidParameter` for no ids at all */
export function queriesByIds(ids: NonNullable<SearchRequest['ids']>): QueryVectors & Pick<SearchRequest, 'ids'> {
  const nq = idCount(ids)
  if (nq === 0) throw fault('invalidParameter', 'ids must not be empty')
  return { vectors: new Float32Array(0), nq, vectorBytes: 0, ids }
}

/** Parts of a search that would change its answer and are not served yet. */
function refuseUnserved(message: WireSearch): void {
  const asked = [
    ['search_by_primary_keys', message.searchByPrimaryKeys],
    ['sub requests', message.subReqs.length > 0],
    ['function score', message.functionScore !== undefined && message.functionScore.functions.length > 0],
    ['function chains', message.functionChains.length > 0],
    ['highlighter', message.highlighter !== undefined],
    ['search aggregation', message.searchAggregation !== undefined],
  ] as const
  for (const [name, isAsked] of asked) if (isAsked) throw fault('unimplemented', name)
}
