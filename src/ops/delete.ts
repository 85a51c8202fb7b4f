import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { collectionOf, post, requireFields, text } from './rest/body.ts'
import { templatesFromJson, templatesOf, toTemplates } from './wire/templates.ts'

export const deleteRows: Op<'Delete'> = defineOp({
  rpc: 'Delete',
  decode: (message, meta) => ({
    ...inCollection(message, meta),
    partition: message.partitionName,
    filter: message.expr,
    templates: templatesOf(message.exprTemplateValues),
  }),
  toMessage: (request) => ({
    ...naming(request),
    partitionName: request.partition,
    expr: request.filter,
    exprTemplateValues: toTemplates(request.templates),
  }),
  encode: ({ count, ts }) => ({ IDs: {}, acknowledged: true, deleteCnt: BigInt(count), timestamp: ts }),
  fromReply: ({ deleteCnt, timestamp }) => ({ count: Number(deleteCnt), ts: timestamp }),
  rest: [
    post('entities/delete', async (input) => {
      requireFields(input.body, 'CollectionFilterReq', ['collectionName', 'filter'])
      const { count } = await input.call('Delete', {
        ...collectionOf(input),
        partition: text(input.body, 'partitionName'),
        filter: text(input.body, 'filter'),
        templates: templatesFromJson(input.body['exprParams']),
      })
      return { data: { deleteCount: count }, extra: { cost: 0 } }
    }),
  ],
})
