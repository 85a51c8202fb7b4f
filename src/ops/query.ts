import { defineOp, inCollection } from './define-op.ts'
import type { Op } from './op.ts'
import { post } from './rest/body.ts'
import { getFromBody, queryFromBody } from './rest/query.ts'
import { resultFields, toFieldData } from './wire/columns-out.ts'
import { readConsistency } from './wire/consistency.ts'
import { queryWindow, refuseQueryParams } from './wire/search-params.ts'
import { templatesOf } from './wire/templates.ts'

export const query: Op<'Query'> = defineOp({
  rpc: 'Query',
  decode: (message, meta) => {
    const params = new Map(message.queryParams.map(({ key, value }) => [key, value]))
    refuseQueryParams(params)
    return {
      ...inCollection(message, meta),
      partitions: message.partitionNames,
      filter: message.expr,
      templates: templatesOf(message.exprTemplateValues),
      outputFields: message.outputFields,
      ...queryWindow(params.get('limit') ?? '', params.get('offset') ?? ''),
      consistency: readConsistency(message),
      guaranteeTs: message.guaranteeTimestamp,
    }
  },
  encode: (reply) => ({
    collectionName: reply.collection,
    primaryFieldName: reply.primaryField,
    fieldsData: reply.columns.map(toFieldData),
    outputFields: resultFields(reply.outputFields, reply.columns),
    sessionTs: reply.sessionTs,
  }),
  rest: [post('entities/query', queryFromBody), post('entities/get', getFromBody)],
})
