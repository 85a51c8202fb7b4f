import { decodeHealthCheck, encodeHealth, HEALTH_SERVICE } from '../../ops/builtin/health.ts'
import type { Serve } from './handler.ts'
import { metadataCredentials } from './headers.ts'
import { framed, sendMessage, streamingHeaders } from './reply.ts'
import { receiveMessage } from './request-message.ts'
import type { UnaryDeps } from './unary.ts'

/** A health request names a service; more is no health request. */
const REQUEST_BYTES_MAX = 64 * 1024
const WATCH_EVERY_MS = 500

/**
 * `grpc.health.v1.Health`: Check and Watch answer with the service's health. Like Milvus, whatever service name is
 * asked for, and with credentials where authorisation is on; unlike Milvus, Watch asks for them too.
 */
export function healthMethods(deps: UnaryDeps): readonly (readonly [path: string, serve: Serve])[] {
  const admitted: Serve = async (call, headers) => {
    await deps.gate.authenticate(metadataCredentials(headers), call.caller)
    if (call.ended) return
    const frame = await receiveMessage(call, REQUEST_BYTES_MAX)
    if (!call.ended) decodeHealthCheck(frame.bytes)
  }
  const check: Serve = async (call, headers) => {
    await admitted(call, headers)
    if (call.ended) return
    const message = encodeHealth(deps.service.health().healthy)
    call.settle('success', message.length)
    sendMessage(call.stream, message, false)
  }
  const watch: Serve = async (call, headers) => {
    await admitted(call, headers)
    if (call.ended) return
    call.openReply(streamingHeaders)
    let last: boolean | null = null
    const look = () => {
      const { healthy } = deps.service.health()
      if (healthy === last) return
      last = healthy
      call.stream.write(framed(encodeHealth(healthy)))
    }
    look()
    const timer = setInterval(look, WATCH_EVERY_MS).unref()
    call.signal.addEventListener('abort', () => clearInterval(timer), { once: true })
  }
  return [
    [`/${HEALTH_SERVICE}/Check`, check],
    [`/${HEALTH_SERVICE}/Watch`, watch],
  ]
}
