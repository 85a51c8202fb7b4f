import type { InCollection } from '../../model/calls.ts'
import type { RestCaller } from '../op.ts'
import { object, requireFields, text } from './body.ts'
import { textProperties } from './properties.ts'

/** Creates the indexes of REST's `indexParams`, one after the other; the first fault ends it, as in Milvus. */
export async function createIndexes(
  where: InCollection,
  params: readonly Readonly<Record<string, unknown>>[],
  call: RestCaller,
): Promise<void> {
  for (const param of params) {
    requireFields(param, 'IndexParam', ['fieldName'])
    const metric = text(param, 'metricType')
    const type = text(param, 'indexType') || text(param, 'index_type')
    const nested = textProperties(object(param, 'params'))
    const { index_type: nestedType, ...rest } = nested
    const indexType = type || nestedType
    await call('CreateIndex', {
      ...where,
      field: text(param, 'fieldName'),
      name: text(param, 'indexName'),
      params: {
        ...rest,
        ...(indexType ? { index_type: indexType } : {}),
        ...(metric ? { metric_type: metric } : {}),
      },
    })
  }
}
