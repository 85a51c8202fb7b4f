import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { post } from './rest/body.ts'
import { getFromBody, queryFromBody } from './rest/query.ts'
import { resultFields, toFieldData } from './wire/columns-out.ts'
import { consistencyFields, readConsistency } from './wire/consistency.ts'
import { replyColumns, replyRows } from './wire/reply-columns.ts'
import { queryWindow, refuseQueryParams, windowPairs } from './wire/search-params.ts'
import { templatesOf, toTemplates } from './wire/templates.ts'

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
  toMessage: (request) => ({
    ...naming(request),
    partitionNames: [...request.partitions],
    expr: request.filter,
    exprTemplateValues: toTemplates(request.templates),
    outputFields: [...request.outputFields],
    queryParams: windowPairs(request),
    guaranteeTimestamp: request.guaranteeTs,
    ...consistencyFields(request.consistency),
  }),
  encode: (reply) => ({
    collectionName: reply.collection,
    primaryFieldName: reply.primaryField,
    fieldsData: reply.columns.map(toFieldData),
    outputFields: resultFields(reply.outputFields, reply.columns),
    sessionTs: reply.sessionTs,
  }),
  fromReply: (message) => {
    const rowCount = replyRows(message.fieldsData)
    return {
      collection: message.collectionName,
      primaryField: message.primaryFieldName,
      rowCount,
      columns: replyColumns(message.fieldsData, rowCount, message.outputFields),
      outputFields: message.outputFields,
      sessionTs: message.sessionTs,
    }
  },
  rest: [post('entities/query', queryFromBody), post('entities/get', getFromBody)],
})
