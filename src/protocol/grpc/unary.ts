import type { IncomingHttpHeaders } from 'node:http2'
import { type Authority, admitAndCall } from '../../auth/authority.ts'
import { faultText } from '../../errors/error.ts'
import type { Log } from '../../observe/log.ts'
import type { Op } from '../../ops/op.ts'
import type { Service } from '../../service.ts'
import type { ProtocolLimits } from '../limits.ts'
import { type Call, logged } from './call.ts'
import { metadata, metadataCredentials } from './headers.ts'
import { deflateMessage, sendMessage, wantsGzip } from './reply.ts'
import { checkEncoding, inflateMessage, receiveMessage } from './request-message.ts'

export interface UnaryDeps {
  readonly gate: Authority
  readonly service: Service
  readonly limits: ProtocolLimits
  readonly log: Log
}

/**
 * Serves one unary call from headers to reply. Who calls is established before a byte of the body is read, so an
 * unauthenticated peer can make us hold nothing but its flow-control window.
 * An error with a gRPC status ends the call with it; any other goes into the reply's `Status` under grpc-status 0, as
 * Milvus does. Never rejects.
 */
export async function serveUnary(op: Op, call: Call, headers: IncomingHttpHeaders, deps: UnaryDeps): Promise<void> {
  try {
    const encoding = metadata(headers, 'grpc-encoding')
    checkEncoding(encoding)
    const principal = await deps.gate.authenticate(metadataCredentials(headers), call.caller)
    if (call.ended) return
    const frame = await receiveMessage(call, deps.limits.messageBytesMax)
    if (call.ended) return
    const bytes = frame.compressed ? await inflateMessage(frame, encoding, deps.limits.messageBytesMax) : frame.bytes
    if (call.ended) return
    const request = op.decode(bytes, { db: metadata(headers, 'dbname') })
    const reply = await admitAndCall(deps.gate, deps.service, principal, op, request, call.caller, call.signal)
    if (call.ended) return
    await send(call, op.encode(reply), true, headers, deps)
  } catch (thrown) {
    if (call.ended) return
    const error = logged(thrown, deps.log, op.rpc, call.peer)
    if (error.row.grpc !== null) call.fail(error)
    else await send(call, op.encodeFailure(error), false, headers, deps)
  }
}

async function send(
  call: Call,
  message: Uint8Array,
  success: boolean,
  headers: IncomingHttpHeaders,
  deps: UnaryDeps,
): Promise<void> {
  const { replyBytesMax } = deps.limits
  // grpc-go's text
  if (message.length > replyBytesMax) {
    const text = `trying to send message larger than max (${message.length} vs. ${replyBytesMax})`
    return call.fail(faultText('messageTooLarge', text))
  }
  const gzip = wantsGzip(metadata(headers, 'grpc-accept-encoding'), message.length, deps.limits.replyGzipBytesMin)
  const wire = gzip ? await deflateMessage(message) : message
  if (call.ended) return
  call.settle(success ? 'success' : 'fail', wire.length)
  sendMessage(call.stream, wire, gzip)
}
