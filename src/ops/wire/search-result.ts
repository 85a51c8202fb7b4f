import type { MessageInitShape } from '@bufbuild/protobuf'
import type { SearchResultData, SearchResultDataSchema } from '../../gen/schema_pb.js'
import type { HybridTs, SearchReply } from '../../model/calls.ts'
import { idCount } from '../../model/columns.ts'
import { resultFields, toFieldData } from './columns-out.ts'
import { fromWireIds, toWireIds } from './ids.ts'
import { replyColumns } from './reply-columns.ts'
import { badReply } from './status.ts'

/** Layout: milvus-api.md C4. */
export function searchResult(reply: SearchReply): Omit<MessageInitShape<typeof SearchResultDataSchema>, '$typeName'> {
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
    ...(reply.groupValues === null ? {} : groupFields(toFieldData(reply.groupValues))),
    ...(reply.iterator === null ? {} : { searchIteratorV2Results: reply.iterator }),
  }
}

/** Both places: clients before 3.0 read the singular one. */
function groupFields(field: ReturnType<typeof toFieldData>) {
  return { groupByFieldValue: field, groupByFieldValues: [field] }
}

/**
 * The mirror of `searchResult`. An empty result may hold nothing at all, or only the number of queries.
 * @throws RedkiteError `serviceInternal` where counts, ids and scores disagree.
 */
export function searchReply(data: SearchResultData | undefined, collection: string, sessionTs: HybridTs): SearchReply {
  const scores = Float32Array.from(data?.scores ?? [])
  const ids = fromWireIds(data?.ids)
  const counts = countsOf(data)
  const hits = counts.reduce((sum, count) => sum + count, 0)
  if (hits !== scores.length || hits !== idCount(ids)) {
    throw badReply(`${hits} hits are counted, but there are ${scores.length} scores and ${idCount(ids)} ids`)
  }
  const outputFields = data?.outputFields ?? []
  return {
    collection,
    primaryField: data?.primaryFieldName ?? '',
    counts,
    ids,
    scores,
    columns: replyColumns(data?.fieldsData ?? [], hits, outputFields),
    outputFields,
    topk: Number(data?.topK ?? 0n),
    sessionTs,
    iterator: data?.searchIteratorV2Results
      ? { token: data.searchIteratorV2Results.token, lastBound: data.searchIteratorV2Results.lastBound }
      : null,
    groupValues: groupsOf(data, hits),
  }
}

function groupsOf(data: SearchResultData | undefined, hits: number): SearchReply['groupValues'] {
  const field = data?.groupByFieldValue ?? data?.groupByFieldValues[0]
  return field ? (replyColumns([field], hits, []).at(0) ?? null) : null
}

/** Hits of each query. Without `topks` every query has `topK`, unless nothing was found at all. */
function countsOf(data: SearchResultData | undefined): Int32Array {
  if (!data) return new Int32Array(0)
  if (data.topks.length > 0) return Int32Array.from(data.topks, Number)
  return new Int32Array(Number(data.numQueries)).fill(data.scores.length === 0 ? 0 : Number(data.topK))
}
