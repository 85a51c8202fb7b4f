import type { Connection, Connections, OpenRequest } from './connections.ts'
import type { ListenerLimits } from './limits.ts'

const FIRST_PING_MS = 1_000
/** Time for the last answer to arrive before the socket of a finished session is destroyed. */
const ENDED_LINGER_MS = 1_000
/** What a session without a request may send in a round, TLS included: settings, window updates, hundreds of pings. */
const NOISE_BYTES_MAX = 64 * 1024
/** ENHANCE_YOUR_CALM (RFC 9113 7). */
const CALM = 0xb

/**
 * One coarse timer a listener instead of several a connection. Each round it
 * - pings HTTP/2 peers that were silent for `pingAfterMs` and destroys those that leave a ping unanswered
 *   (Milvus: 60 s and 10 s, internal/distributed/proxy/service.go 275-283);
 * - cuts requests whose body has not arrived after `requestTimeoutMs`: HTTP/2 in Node has no such limit;
 * - sends sessions away that flood without a request: pings, settings, window updates, headers that are refused unseen;
 * - cuts answers that the client does not take (no flow-control window, CVE-2019-9517), by the rules for bodies;
 * - sends clients away whose certificate expired meanwhile;
 * - destroys sockets whose HTTP/2 session is over;
 * - sends idle sessions away where `idleSessionMs` says so.
 */
export function startSweep(
  connections: Connections,
  limits: ListenerLimits,
  onNoise: (connection: Connection) => void,
): Disposable {
  const shortest = Math.min(
    limits.pingAfterMs,
    limits.pingTimeoutMs,
    limits.requestTimeoutMs,
    limits.idleSessionMs || 4_000,
  )
  const timer = setInterval(
    () => {
      const now = Date.now()
      for (const connection of connections.open) sweepOne(connection, limits, now, onNoise)
      connections.destroyEnded(now, ENDED_LINGER_MS)
      connections.closeWhere(({ client }) => client !== null && client.notAfter < now)
    },
    Math.min(1_000, Math.max(20, shortest / 4)),
  )
  timer.unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/**
 * A session that has done nothing yet is asked early. Node 24 can lose the failure of a TLS write that overlaps with the
 * session tickets, and reads nothing while a write is pending: a client that vanishes as it connects (the Node SDK
 * closes a second channel so) would otherwise be noticed after a minute.
 */
function firstPing(limits: ListenerLimits): number {
  return Math.min(limits.pingAfterMs, FIRST_PING_MS)
}

function sweepOne(
  connection: Connection,
  limits: ListenerLimits,
  now: number,
  onNoise: (connection: Connection) => void,
): void {
  for (const request of connection.requests.values()) {
    if (now - request.since >= limits.requestTimeoutMs && !request.isReceived()) request.abort()
    else if (isStalled(request, limits, now)) request.abort()
  }
  const { session, raw } = connection
  if (!session || session.destroyed) return
  if (isNoise(connection)) {
    onNoise(connection)
    session.destroy(undefined, CALM)
    return
  }
  if (raw.bytesRead !== connection.bytesRead) {
    connection.bytesRead = raw.bytesRead
    connection.lastActivity = now
    // Any byte is a sign of life, as in grpc-go: an answer may queue behind a large upload on a slow line. What never
    // answers a ping is still bounded, since Node allows ten unanswered ones.
    connection.pingSent = null
  }
  if (connection.pingSent !== null) {
    if (now - connection.pingSent >= limits.pingTimeoutMs) raw.destroy()
  } else if (now - connection.lastActivity >= (connection.isProven ? limits.pingAfterMs : firstPing(limits))) {
    connection.pingSent = now
    const onAck = () => {
      connection.pingSent = null
      connection.isProven = true
    }
    if (!session.ping(onAck)) raw.destroy()
  }
  const idleSince = connection.requests.size === 0 ? connection.idleSince : now
  connection.idleSince = idleSince
  if (limits.idleSessionMs > 0 && now - idleSince >= limits.idleSessionMs && !session.closed) session.close()
}

/** Asked once a round. A session that had a request in this round or the last may still be receiving what belongs to it. */
function isNoise(connection: Connection): boolean {
  const { raw, bytesRead, requests, requestsBegun, requestsWhenIdle } = connection
  connection.requestsWhenIdle = requests.size === 0 ? requestsBegun : -1
  return requests.size === 0 && requestsWhenIdle === requestsBegun && raw.bytesRead - bytesRead > NOISE_BYTES_MAX
}

function isStalled(request: OpenRequest, limits: ListenerLimits, now: number): boolean {
  const bytes = request.unsentBytes()
  request.unsentSince = bytes === 0 ? null : (request.unsentSince ?? now)
  if (request.unsentSince === null) return false
  return now - request.unsentSince > limits.bodyTimeoutMs + (bytes / limits.bodyBytesPerSecondMin) * 1_000
}
