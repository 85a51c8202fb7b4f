import type { Socket } from 'node:net'
import type { Server, TLSSocket } from 'node:tls'
import type { Log } from '../observe/log.ts'
import type { Generation } from '../tls/generation.ts'
import { explainHandshakeError } from '../tls/handshake-error.ts'
import { clientNotAfter, judge } from '../tls/judge.ts'
import type { TlsMaterial } from '../tls/material.ts'
import type { RefusalLog } from '../tls/refusal.ts'
import { createTlsServer } from '../tls/server-options.ts'
import type { Connection } from './connections.ts'
import type { ConnectionFacts } from './handlers.ts'
import { peerOf } from './peer.ts'

export interface Secured {
  readonly socket: TLSSocket
  readonly facts: NonNullable<ConnectionFacts['tls']>
  /** The trust under which its client certificate was verified; null without one. */
  readonly client: Connection['client']
}

export interface TlsAcceptorOptions {
  readonly listener: string
  readonly material: TlsMaterial
  readonly handshakeTimeoutMs: number
  readonly refusals: RefusalLog
  readonly log: Log
}

interface Handshake {
  readonly peer: string
  readonly generation: Generation
  readonly done: (secured: Secured) => void
}

/**
 * Turns accepted sockets into judged TLS sockets. It asks the material for its generation at each connection, so a
 * reload holds for the very next handshake, while one in progress ends under the generation it began with.
 */
export class TlsAcceptor {
  readonly #options: TlsAcceptorOptions
  readonly #log: Log
  /** By `address:port`, which is unique among the live sockets of one port. */
  readonly #handshakes = new Map<string, Handshake>()
  /** For a TLS socket that lost its connection, and with it the address, before its error is told. */
  readonly #peers = new WeakMap<object, string>()
  #server: { readonly generation: Generation; readonly tls: Server } | null = null

  constructor(options: TlsAcceptorOptions) {
    this.#options = options
    this.#log = options.log.at('listener/tls-acceptor.ts')
  }

  /** Runs the handshake; `done` is called only for admitted clients, refused ones are logged, counted and closed. */
  accept(raw: Socket, peer: string, done: (secured: Secured) => void): void {
    const generation = this.#options.material.current
    const handshake = { peer, generation, done }
    this.#handshakes.set(peer, handshake)
    this.#peers.set(raw, peer)
    raw.once('close', () => {
      // Node may name the cause a moment after the socket closed.
      setImmediate(() => {
        if (this.#handshakes.get(peer) !== handshake) return
        this.#handshakes.delete(peer)
        this.#options.refusals.refused({ ...explainHandshakeError(CLOSED_EARLY, ''), peer })
      })
    })
    this.#serverOf(generation).emit('connection', raw)
  }

  #serverOf(generation: Generation): Server {
    if (this.#server?.generation === generation) return this.#server.tls
    const { listener, handshakeTimeoutMs, material } = this.#options
    const { protocol } = material.settings
    const tls = createTlsServer(generation, { listener, handshakeTimeoutMs, protocol }, (socket) =>
      this.#onSecure(socket),
    )
    tls.on('tlsClientError', (error, socket) => this.#onError(error, socket))
    this.#server = { generation, tls }
    return tls
  }

  #onSecure(socket: TLSSocket): void {
    socket.on('error', () => {})
    const handshake = this.#take(socket)
    if (!handshake) {
      socket.destroy()
      return
    }
    const { peer, generation, done } = handshake
    const version = socket.getProtocol() ?? ''
    const sni = serverName(socket)
    const verdict = judge(socket, generation, this.#options.material.settings, new Date())
    if (verdict.kind === 'refused') {
      // Nothing was read from it, and nothing will be.
      socket.destroy()
      const { reason, message, remedy, certificate } = verdict
      this.#options.refusals.refused({ reason, message, remedy, certificate, peer, sni, protocol: version })
      return
    }
    const { warning, client } = verdict
    if (warning) this.#log.warn('tls client admitted with a warning', { peer, sni, warning, client })
    const facts = {
      version,
      cipher: socket.getCipher()?.standardName ?? '',
      alpn: typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : '',
      group: '',
      sni: sni ?? '',
      resumed: socket.isSessionReused(),
      generation: generation.number,
      client,
    }
    const trust = generation.anchorIds
    done({ socket, facts: Object.freeze(facts), client: client && { socket, trust, notAfter: clientNotAfter(socket) } })
  }

  #onError(error: Error, socket: TLSSocket): void {
    const handshake = this.#take(socket)
    // Node leaves the socket open after a handshake timeout.
    socket.destroy()
    if (!handshake) return
    const minVersion = handshake.generation.kind === 'mutual' ? 'TLS 1.3' : 'TLS 1.2'
    const { peer } = handshake
    this.#options.refusals.refused({
      ...explainHandshakeError(error, minVersion, socket.authorizationError),
      peer,
      sni: serverName(socket),
    })
  }

  /** The handshake that a TLS socket belongs to, once. Null when its connection is gone already. */
  #take(socket: TLSSocket): Handshake | null {
    const below: unknown = Reflect.get(socket, '_parent')
    const lost = typeof below === 'object' && below !== null ? this.#peers.get(below) : undefined
    const peer = peerOf(socket)?.peer ?? lost ?? ''
    const handshake = this.#handshakes.get(peer)
    this.#handshakes.delete(peer)
    return handshake ?? null
  }
}

const CLOSED_EARLY = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })

function serverName(socket: TLSSocket): string | undefined {
  // Typed away by @types/node: false for a client without SNI, null before it is known.
  const name: unknown = Reflect.get(socket, 'servername')
  return typeof name === 'string' ? name : undefined
}
