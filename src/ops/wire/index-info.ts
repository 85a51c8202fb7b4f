import type { MessageInitShape } from '@bufbuild/protobuf'
import { IndexState } from '../../gen/common_pb.js'
import type { IndexDescription, IndexDescriptionSchema } from '../../gen/milvus_pb.js'
import type { IndexInfo } from '../../model/calls.ts'
import { toPairs, toProperties } from './properties.ts'
import { badReply } from './status.ts'

/** The index version that a knowhere of the announced line would show. */
export const INDEX_VERSION = 8

export function indexDescription(index: IndexInfo): MessageInitShape<typeof IndexDescriptionSchema> {
  return {
    indexName: index.name,
    indexID: index.id,
    fieldName: index.field,
    params: toPairs(index.params),
    totalRows: index.totalRows,
    indexedRows: index.indexedRows,
    pendingIndexRows: index.pendingRows,
    state: IndexState[index.state],
    indexStateFailReason: index.failReason,
    minIndexVersion: index.versions?.[0] ?? INDEX_VERSION,
    maxIndexVersion: index.versions?.[1] ?? INDEX_VERSION,
  }
}

/** The mirror of `indexDescription`; the parameters stay as the upstream shows them. */
export function indexInfo(index: IndexDescription): IndexInfo {
  return {
    name: index.indexName,
    id: index.indexID,
    field: index.fieldName,
    params: toProperties(index.params),
    totalRows: index.totalRows,
    indexedRows: index.indexedRows,
    pendingRows: index.pendingIndexRows,
    state: indexState(index.state),
    failReason: index.indexStateFailReason,
    versions: [index.minIndexVersion, index.maxIndexVersion],
  }
}

/** A build that is tried again is in progress; one that nobody has asked for yet is unissued. */
export function indexState(state: IndexState): IndexInfo['state'] {
  switch (state) {
    case IndexState.IndexStateNone:
    case IndexState.Unissued:
      return 'Unissued'
    case IndexState.InProgress:
    case IndexState.Retry:
      return 'InProgress'
    case IndexState.Finished:
      return 'Finished'
    case IndexState.Failed:
      return 'Failed'
    default:
      throw badReply(`index state ${state} is unknown`)
  }
}
