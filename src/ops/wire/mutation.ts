import type { MessageInitShape } from '@bufbuild/protobuf'
import type { MutationResult, MutationResultSchema } from '../../gen/milvus_pb.js'
import type { MutationReply } from '../../model/calls.ts'
import { idCount } from '../../model/columns.ts'
import { fromWireIds, toWireIds } from './ids.ts'

/** What Insert and Upsert answer: the ids, and that every row succeeded (a write is one transaction). */
export function mutationResult(
  reply: MutationReply,
): Omit<MessageInitShape<typeof MutationResultSchema>, 'status' | '$typeName'> {
  return {
    IDs: toWireIds(reply.ids),
    succIndex: Array.from({ length: idCount(reply.ids) }, (_, row) => row),
    acknowledged: true,
    insertCnt: BigInt(reply.count),
    timestamp: reply.ts,
  }
}

/** The mirror of `mutationResult`; `count` is the rows written. */
export function mutationReply(message: MutationResult, count: bigint): MutationReply {
  return { ids: fromWireIds(message.IDs), count: Number(count), ts: message.timestamp }
}
