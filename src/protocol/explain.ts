import { faultText } from '../errors/error.ts'
import type { RefusedAnswers, RefusedBecause } from '../listener/handlers.ts'
import { statusHeaders } from './grpc/status.ts'

/** Names in a certificate may be of any length. */
const TEXT_CHARS_MAX = 1_000
const JSON_TYPE = 'application/json; charset=utf-8'

/**
 * What a client whose certificate was refused is told under `redkite.tls.explain`: gRPC UNAUTHENTICATED in a
 * trailers-only reply, or HTTP 401 in Milvus' envelope, naming reason and remedy. Only words: no request comes here, so
 * none can reach a handler.
 */
export const refusedAnswers: RefusedAnswers = {
  http2(why, isGrpc) {
    if (isGrpc) {
      const status = statusHeaders(faultText('unauthenticated', sentence(why)))
      return { headers: { ':status': 200, 'content-type': 'application/grpc', ...status }, body: null }
    }
    const body = envelope(why)
    const length = Buffer.byteLength(body)
    return { headers: { ':status': 401, 'content-type': JSON_TYPE, 'content-length': length }, body }
  },
  http1(why) {
    const body = envelope(why)
    const head = [
      'HTTP/1.1 401 Unauthorized',
      `content-type: ${JSON_TYPE}`,
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
    ]
    return `${head.join('\r\n')}\r\n\r\n${body}`
  },
}

function envelope(why: RefusedBecause): string {
  const { row, message } = faultText('restUnauthenticated', sentence(why))
  return JSON.stringify({ code: row.code, message })
}

function sentence({ reason, message, remedy }: RefusedBecause): string {
  const text = message.length <= TEXT_CHARS_MAX ? message : `${message.slice(0, TEXT_CHARS_MAX)}…`
  return `client certificate refused (${reason}): ${text}; ${remedy}`
}
