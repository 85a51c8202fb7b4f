import type { IndexInfo } from '../model/calls.ts'
import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { collectionOf, post, requireFields, text } from './rest/body.ts'
import { indexesOf } from './rest/describe-collection.ts'
import { INDEX_VERSION, indexDescription, indexInfo } from './wire/index-info.ts'
import { toPairs } from './wire/properties.ts'

export const describeIndex: Op<'DescribeIndex'> = defineOp({
  rpc: 'DescribeIndex',
  decode: (message, meta) => ({
    ...inCollection(message, meta),
    name: message.indexName,
    field: message.fieldName,
  }),
  toMessage: (request) => ({ ...naming(request), indexName: request.name, fieldName: request.field }),
  encode: ({ indexes }) => ({ indexDescriptions: indexes.map(indexDescription) }),
  fromReply: ({ indexDescriptions }) => ({ indexes: indexDescriptions.map(indexInfo) }),
  rest: [
    post('indexes/list', async (input) => {
      const indexes = await indexesOf(collectionOf(input), input.call)
      return { data: indexes.map((index) => index.name) }
    }),
    post('indexes/describe', async (input) => {
      requireFields(input.body, 'IndexReq', ['collectionName', 'indexName'])
      const name = text(input.body, 'indexName')
      const { indexes } = await input.call('DescribeIndex', { ...collectionOf(input), name, field: '' })
      return { data: indexes.map(indexBody) }
    }),
  ],
})

/** Parameters that stand beside `indexParams` in the reply. */
const OWN_KEYS = ['index_type', 'metric_type', 'mmap.enabled', 'indexoffsetcache.enabled', 'warmup']

/** Counts are numbers whatever form the caller wants int64 data in. */
function indexBody(index: IndexInfo): Record<string, unknown> {
  const { params } = index
  return {
    indexName: index.name,
    fieldName: index.field,
    indexType: params['index_type'] ?? '',
    metricType: params['metric_type'] ?? '',
    totalRows: Number(index.totalRows),
    indexedRows: Number(index.indexedRows),
    pendingRows: Number(index.pendingRows),
    indexState: index.state,
    failReason: index.failReason,
    'mmap.enabled': params['mmap.enabled'] ?? '',
    'indexoffsetcache.enabled': params['indexoffsetcache.enabled'] ?? '',
    warmup: params['warmup'] ?? '',
    minIndexVersion: index.versions?.[0] ?? INDEX_VERSION,
    maxIndexVersion: index.versions?.[1] ?? INDEX_VERSION,
    indexParams: toPairs(params).filter(({ key }) => !OWN_KEYS.includes(key)),
  }
}
