import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { post } from './rest/body.ts'
import { idsOut } from './rest/rows.ts'
import { writeOf } from './rest/write.ts'
import { toColumnBatch } from './wire/columns-in.ts'
import { writeFields } from './wire/columns-out.ts'
import { mutationReply, mutationResult } from './wire/mutation.ts'

export const insert: Op<'Insert'> = defineOp({
  rpc: 'Insert',
  decode: (message, meta) => ({
    ...inCollection(message, meta),
    partition: message.partitionName,
    rows: toColumnBatch(message.fieldsData, message.numRows),
  }),
  toMessage: (request) => ({ ...naming(request), partitionName: request.partition, ...writeFields(request.rows) }),
  encode: mutationResult,
  fromReply: (message) => mutationReply(message, message.insertCnt),
  rest: [
    post('entities/insert', async (input) => {
      const { ids, count } = await input.call('Insert', await writeOf(input))
      return { data: { insertCount: count, insertIds: idsOut(ids, input.int64AsNumber) }, extra: { cost: 0 } }
    }),
  ],
})
