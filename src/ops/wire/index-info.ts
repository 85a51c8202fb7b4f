import type { MessageInitShape } from '@bufbuild/protobuf'
import { IndexState } from '../../gen/common_pb.js'
import type { IndexDescriptionSchema } from '../../gen/milvus_pb.js'
import type { IndexInfo } from '../../model/calls.ts'
import { toPairs } from './properties.ts'

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
    minIndexVersion: INDEX_VERSION,
    maxIndexVersion: INDEX_VERSION,
  }
}
