/** Calls a server through the client side of the ops: as REST before another Milvus does. */
import assert from 'node:assert/strict'
import type { ReplyOf, RequestOf, Rpc, WriteRequest } from '../../src/model/calls.ts'
import { columnsFromJson } from '../../src/model/json-rows.ts'
import type { Op, RestCaller } from '../../src/ops/op.ts'
import { opByRpc } from '../../src/ops/registry.ts'
import type { TestClient } from './grpc-client.ts'

/** JSON rows become columns by the schema that the server describes. @throws RedkiteError as the server answers it */
export function opCaller(client: TestClient): RestCaller {
  const call: RestCaller = async <R extends Rpc>(rpc: R, request: RequestOf<R>): Promise<ReplyOf<R>> => {
    const op = opByRpc(rpc) as unknown as Op<R>
    const { code, details, message } = await client.call(rpc, Buffer.from(op.encodeRequest(request)))
    assert.deepEqual([code, details], [0, ''], rpc)
    return op.decodeReply(message ?? Buffer.alloc(0))
  }
  return async <R extends Rpc>(rpc: R, request: RequestOf<R>): Promise<ReplyOf<R>> => {
    if (rpc !== 'Insert' && rpc !== 'Upsert') return call(rpc, request)
    const { rows, ...rest } = request as WriteRequest
    if (rows.kind === 'columns') return call(rpc, request)
    const { schema } = await call('DescribeCollection', { ...rest, collectionId: 0n })
    const batch = columnsFromJson(schema, rows.rows)
    return call(rpc, { ...rest, rows: { kind: 'columns', batch } } as RequestOf<R>)
  }
}
