import type { ServerHttp2Stream } from 'node:http2'
import type { Connection } from './connections.ts'

/** Tells a client how many seconds its own certificate is still good for, on each reply in the last third of its life. */
const EXPIRES_IN = 'x-client-cert-expires-in'

/** Seconds until the client certificate of a connection expires, in the last third of its life; else null. */
function expiresIn({ client }: Connection): string | null {
  if (client === null) return null
  const now = Date.now()
  return now < client.lastThirdFrom ? null : String(Math.max(0, Math.floor((client.notAfter - now) / 1_000)))
}

/**
 * Puts the header on whatever is answered on a stream: by gRPC, REST, a forwarded call or a refusal. Those have no
 * place in common but the stream itself, so its `respond` is the one that adds it.
 */
export function warnOnStream(connection: Connection, stream: ServerHttp2Stream): void {
  const seconds = expiresIn(connection)
  if (seconds === null) return
  const respond = stream.respond.bind(stream)
  stream.respond = (headers, options) => respond({ ...headers, [EXPIRES_IN]: seconds }, options)
}

/** The same for HTTP/1.1. */
export function warnOnResponse(
  connection: Connection,
  response: { setHeader(name: string, value: string): unknown },
): void {
  const seconds = expiresIn(connection)
  if (seconds !== null) response.setHeader(EXPIRES_IN, seconds)
}
