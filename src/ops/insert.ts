import { defineOp, inCollection } from './define-op.ts'
import type { Op } from './op.ts'
import { post } from './rest/body.ts'
import { idsOut } from './rest/rows.ts'
import { writeOf } from './rest/write.ts'
import { toColumnBatch } from './wire/columns-in.ts'
import { mutationResult } from './wire/mutation.ts'

export const insert: Op<'Insert'> = defineOp({
  rpc: 'Insert',
  decode: (message, meta) => ({
    ...inCollection(message, meta),
    partition: message.partitionName,
    rows: { kind: 'columns', batch: toColumnBatch(message.fieldsData, message.numRows) },
  }),
  encode: mutationResult,
  rest: [
    post('entities/insert', async (input) => {
      const { ids, count } = await input.call('Insert', writeOf(input))
      return { data: { insertCount: count, insertIds: idsOut(ids, input.int64AsNumber) }, extra: { cost: 0 } }
    }),
  ],
})
