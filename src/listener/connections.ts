import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Metrics } from '../observe/metrics.ts'
import type { ConnectionFacts } from './handlers.ts'
import type { ConnectionStatus, HttpProtocol } from './status.ts'

export interface OpenRequest {
  /** When it began (ms). */
  readonly since: number
  isReceived(): boolean
  /** Bytes of a finished answer that wait for the client to take them. */
  unsentBytes(): number
  /** Since when they wait; null: none did at the last sweep. */
  unsentSince: number | null
  abort(): void
}

/** A connection that speaks HTTP. Facts are frozen; the rest is the listener's bookkeeping. */
export interface Connection {
  readonly facts: ConnectionFacts
  readonly protocol: HttpProtocol
  /** The socket HTTP is spoken on: the TLS one on a TLS port. */
  readonly socket: Socket
  /** The TCP socket below, for byte counts. */
  readonly raw: Socket
  /** What a client certificate was verified under, and when it expires (unix milliseconds); null without one. */
  readonly client: null | {
    readonly socket: TLSSocket
    readonly trust: ReadonlySet<string>
    readonly notAfter: number
    /** When the last third of its life begins. */
    readonly lastThirdFrom: number
  }
  session: ServerHttp2Session | null
  /** It was told to go and is destroyed soon. */
  isLeaving: boolean
  /** The peer has made a request or answered a ping: the session works in both directions. */
  isProven: boolean
  /** When the session was first seen to be over while its socket was still open. */
  endedAt: number | null
  /** Requests in progress: a body that never ends, or an answer that nobody takes, is cut by the sweep. */
  readonly requests: Map<object, OpenRequest>
  /** Requests of an HTTP/2 session so far. */
  requestsBegun: number
  /** `requestsBegun` as the last sweep found it without a request in progress; -1 where there was one. */
  requestsWhenIdle: number
  bytesRead: number
  lastActivity: number
  pingSent: number | null
  /** When the last request ended, as the sweep saw it. */
  idleSince: number
}

/** Time between GOAWAY and destruction when connections are sent away while serving. */
const FAREWELL_MS = 1_000
/** The same for a revoked client: with the time to notice, it must be gone within a second. */
export const REVOKED_FAREWELL_MS = 300

/** Every open connection of a listener: those still opening (peek, handshake) and those that speak HTTP. */
export class Connections {
  readonly #metrics: Metrics
  readonly #listener: string
  readonly #perAddress = new Map<string, number>()
  readonly #opening = new Set<Socket>()
  readonly #open = new Set<Connection>()
  #count = 0
  #lastId = 0

  constructor(listener: string, metrics: Metrics) {
    this.#listener = listener
    this.#metrics = metrics
  }

  /** All TCP connections, opening ones included. */
  get size(): number {
    return this.#count
  }

  get open(): ReadonlySet<Connection> {
    return this.#open
  }

  describe(): readonly ConnectionStatus[] {
    return [...this.#open].map(({ facts, protocol, requests }) => ({ facts, protocol, requestsOpen: requests.size }))
  }

  /** How many connections come from an address. */
  fromAddress(address: string): number {
    return this.#perAddress.get(address) ?? 0
  }

  /** Registers an accepted socket until it closes; returns the connection's number. */
  track(raw: Socket, address: string): number {
    this.#count += 1
    this.#opening.add(raw)
    this.#perAddress.set(address, this.fromAddress(address) + 1)
    raw.once('close', () => {
      this.#count -= 1
      this.#opening.delete(raw)
      const left = this.fromAddress(address) - 1
      if (left > 0) this.#perAddress.set(address, left)
      else this.#perAddress.delete(address)
    })
    this.#lastId += 1
    return this.#lastId
  }

  /** From here on the connection speaks HTTP. */
  opened(what: Pick<Connection, 'facts' | 'protocol' | 'socket' | 'raw' | 'client'>): Connection {
    const { raw, protocol } = what
    this.#opening.delete(raw)
    const connection: Connection = {
      ...what,
      session: null,
      isLeaving: false,
      isProven: false,
      endedAt: null,
      requests: new Map(),
      requestsBegun: 0,
      requestsWhenIdle: -1,
      bytesRead: 0,
      lastActivity: Date.now(),
      pingSent: null,
      idleSince: Date.now(),
    }
    this.#open.add(connection)
    const labels = { listener: this.#listener, protocol }
    this.#metrics.connections.inc(labels)
    raw.once('close', () => {
      this.#open.delete(connection)
      this.#metrics.connections.dec(labels)
    })
    return connection
  }

  /** Ends all that carry no request: opening ones at once, HTTP/2 by GOAWAY, HTTP/1.1 between requests. */
  sendAway(connections: Iterable<Connection> = this.#open): void {
    for (const { session, requests, socket } of connections) {
      // `close` sends GOAWAY once and lets the streams in progress finish.
      if (session) session.close()
      else if (requests.size === 0) socket.destroySoon()
    }
  }

  /**
   * Destroys the sockets of sessions that have been over for `lingerMs`: closed by GOAWAY and without a request. Node
   * waits for the peer to close first, and can miss that it did: it stops reading once nothing more is wanted.
   */
  destroyEnded(now: number, lingerMs: number): void {
    for (const connection of this.#open) {
      const { session, requests } = connection
      if (!session?.destroyed && !(session?.closed && requests.size === 0)) continue
      connection.endedAt ??= now
      if (now - connection.endedAt >= lingerMs) connection.raw.destroy()
    }
  }

  /** Destroys the sockets that have not yet said anything that could be lost. */
  destroyOpening(): void {
    for (const raw of this.#opening) raw.destroy()
  }

  destroyAll(): void {
    this.destroyOpening()
    for (const connection of this.#open) {
      connection.session?.destroy()
      connection.socket.destroy()
      connection.raw.destroy()
    }
  }

  /**
   * Closes the live connections that match: GOAWAY at once, destruction `farewellMs` later. For revocation, expiry, a
   * removed authority, a dropped user. Returns how many.
   */
  closeWhere(matches: (connection: Connection) => boolean, farewellMs = FAREWELL_MS): number {
    const chosen = [...this.#open].filter((connection) => !connection.isLeaving && matches(connection))
    for (const connection of chosen) connection.isLeaving = true
    this.sendAway(chosen)
    const timer = setTimeout(() => {
      for (const connection of chosen) connection.raw.destroy()
    }, farewellMs)
    timer.unref()
    return chosen.length
  }
}
