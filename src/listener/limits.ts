import type { Why } from './refusal-texts.ts'

/** What one listener allows; every number has its unit in the name. */
export interface ListenerLimits {
  readonly connectionsMax: number
  /** Per remote address. */
  readonly connectionsPerPeerMax: number
  readonly streamsPerConnectionMax: number
  /** Sum of names and values of a request's headers plus 32 each (RFC 9113 6.5.2). */
  readonly headerBytesMax: number
  /** Flow-control window of each stream and of the session. */
  readonly windowBytes: number
  /** What a session may hold, queued responses included, before new streams are turned away. */
  readonly sessionMegabytesMax: number
  readonly invalidFramesMax: number
  /** From accept to the first bytes. */
  readonly peekTimeoutMs: number
  readonly handshakeTimeoutMs: number
  /** Connections of a TLS port between accept and the end of the handshake. */
  readonly handshakesPendingMax: number
  readonly handshakesPendingPerPeerMax: number
  /** New connections of one address to a TLS port; 0 = no limit. */
  readonly handshakesPerSecondPerPeer: number
  /** HTTP/1.1: to the end of the request headers. HTTP/2: to the client's SETTINGS. */
  readonly headersTimeoutMs: number
  /** To the last byte of a request's body. */
  readonly requestTimeoutMs: number
  /** HTTP/2: time a client has to take a finished answer before its rate is looked at, as with bodies that it sends. */
  readonly bodyTimeoutMs: number
  /** Slowest rate at which it may then take it. */
  readonly bodyBytesPerSecondMin: number
  /** HTTP/1.1: between two requests. */
  readonly keepAliveTimeoutMs: number
  /** HTTP/2: silence after which the server pings (Milvus: 60 s). */
  readonly pingAfterMs: number
  /** HTTP/2: how long a ping may stay unanswered (Milvus: 10 s). */
  readonly pingTimeoutMs: number
  /** HTTP/2: time without a stream after which the session is sent away; 0 means never, as Milvus. */
  readonly idleSessionMs: number
}

export const defaultLimits: ListenerLimits = {
  connectionsMax: 10_000,
  connectionsPerPeerMax: 2_000,
  streamsPerConnectionMax: 256,
  headerBytesMax: 16 * 1024,
  windowBytes: 1 << 20,
  sessionMegabytesMax: 256,
  invalidFramesMax: 100,
  peekTimeoutMs: 5_000,
  handshakeTimeoutMs: 10_000,
  handshakesPendingMax: 4_096,
  handshakesPendingPerPeerMax: 1_024,
  handshakesPerSecondPerPeer: 1_000,
  headersTimeoutMs: 15_000,
  requestTimeoutMs: 300_000,
  bodyTimeoutMs: 30_000,
  bodyBytesPerSecondMin: 16 * 1024,
  keepAliveTimeoutMs: 60_000,
  pingAfterMs: 60_000,
  pingTimeoutMs: 10_000,
  idleSessionMs: 0,
}

/** Why one more connection of an address is too many; null = it is not. */
export function overLimit(limits: ListenerLimits, open: number, ofAddress: number, address: string): Why | null {
  const { connectionsMax, connectionsPerPeerMax } = limits
  if (open >= connectionsMax) {
    const message = `this listener has ${connectionsMax} connections, its limit`
    return { reason: 'connectionLimit', message, remedy: 'raise the limit or let clients share connections' }
  }
  if (ofAddress >= connectionsPerPeerMax) {
    const message = `${address} has ${connectionsPerPeerMax} connections, the limit of one address`
    return { reason: 'peerLimit', message, remedy: 'raise the limit or let this client share its connections' }
  }
  return null
}
