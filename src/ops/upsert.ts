import { fault } from '../errors/error.ts'
import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { flag, objects, post } from './rest/body.ts'
import { idsOut } from './rest/rows.ts'
import { writeOf } from './rest/write.ts'
import { toColumnBatch } from './wire/columns-in.ts'
import { writeFields } from './wire/columns-out.ts'
import { mutationReply, mutationResult } from './wire/mutation.ts'

export const upsert: Op<'Upsert'> = defineOp({
  rpc: 'Upsert',
  decode: (message, meta) => {
    refusePartial(message.partialUpdate || message.fieldOps.length > 0)
    return {
      ...inCollection(message, meta),
      partition: message.partitionName,
      rows: toColumnBatch(message.fieldsData, message.numRows),
    }
  },
  toMessage: (request) => ({ ...naming(request), partitionName: request.partition, ...writeFields(request.rows) }),
  encode: (reply) => ({ ...mutationResult(reply), upsertCnt: BigInt(reply.count) }),
  fromReply: (message) => mutationReply(message, message.upsertCnt),
  rest: [
    post('entities/upsert', async (input) => {
      refusePartial(flag(input.body, 'partialUpdate', false) || objects(input.body, 'fieldOps').length > 0)
      const { ids, count } = await input.call('Upsert', await writeOf(input))
      return { data: { upsertCount: count, upsertIds: idsOut(ids, input.int64AsNumber) }, extra: { cost: 0 } }
    }),
  ],
})

/** Taken as a whole-row upsert it would blank the other fields, so it is refused until it is served. */
function refusePartial(isPartial: boolean): void {
  if (isPartial) throw fault('unimplemented', 'partial update')
}
