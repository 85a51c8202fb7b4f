/** Calls a server through the client side of the ops: as REST before another Milvus does. */
import assert from 'node:assert/strict'
import type { ReplyOf, RequestOf, Rpc } from '../../src/model/calls.ts'
import type { Op, RestCaller } from '../../src/ops/op.ts'
import { opByRpc } from '../../src/ops/registry.ts'
import type { TestClient } from './grpc-client.ts'

/** @throws RedkiteError as the server answers it */
export function opCaller(client: TestClient): RestCaller {
  return async <R extends Rpc>(rpc: R, request: RequestOf<R>): Promise<ReplyOf<R>> => {
    const op = opByRpc(rpc) as unknown as Op<R>
    const { code, details, message } = await client.call(rpc, Buffer.from(op.encodeRequest(request)))
    assert.deepEqual([code, details], [0, ''], rpc)
    return op.decodeReply(message ?? Buffer.alloc(0))
  }
}
