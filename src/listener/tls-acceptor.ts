import type { Socket } from 'node:net'
import type { Server, TLSSocket } from 'node:tls'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Generation } from '../tls/generation.ts'
import { negotiatedGroup, offersNoHybrid } from '../tls/groups.ts'
import { explainHandshakeError } from '../tls/handshake-error.ts'
import { clientLife, judge } from '../tls/judge.ts'
import type { TlsMaterial } from '../tls/material.ts'
import { defaultPolicy } from '../tls/policy.ts'
import type { RefusalLog } from '../tls/refusal.ts'
import { createTlsServer } from '../tls/server-options.ts'
import type { ProtocolPolicy } from '../tls/settings.ts'
import { type ClientHello, readClientHello } from './client-hello.ts'
import type { Connection } from './connections.ts'
import type { ConnectionFacts, RefusedAnswers } from './handlers.ts'
import { HandshakeLimits } from './handshake-limits.ts'
import type { ListenerLimits } from './limits.ts'
import { peek } from './peek.ts'
import { peerOf } from './peer.ts'
import { CLASSICAL_GROUP, type Why } from './refusal-texts.ts'
import { createRefuser } from './refused.ts'
import type { ListenerStatus } from './status.ts'

export interface Secured {
  readonly socket: TLSSocket
  readonly facts: NonNullable<ConnectionFacts['tls']>
  /** The trust under which its client certificate was verified; null without one. */
  readonly client: Connection['client']
}

export interface TlsAcceptorOptions {
  readonly listener: string
  readonly material: TlsMaterial
  readonly limits: ListenerLimits
  readonly refusals: RefusalLog
  readonly metrics: Metrics
  readonly log: Log
  /** What refused clients are told where the settings say so; absent: nothing, their connection is closed. */
  readonly refused: RefusedAnswers | undefined
}

interface Handshake {
  readonly raw: Socket
  readonly peer: string
  readonly generation: Generation
  /** Null where it could not be read: not a fault, the handshake is OpenSSL's. */
  readonly hello: ClientHello | null
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

  readonly #limits: HandshakeLimits
  readonly #refuse: ReturnType<typeof createRefuser> | null

  constructor(options: TlsAcceptorOptions) {
    const { listener, metrics, refusals } = options
    this.#options = options
    const { settings } = options.material
    this.#refuse = settings.explain && options.refused ? createRefuser(options.refused) : null
    this.#limits = new HandshakeLimits(
      options.limits,
      (peer, why) => refusals.refused({ ...why, peer }),
      (pending) => metrics.handshakesPending.set({ listener }, pending),
    )
    metrics.handshakesPending.set({ listener }, 0)
    this.#log = options.log.at('listener/tls-acceptor.ts')
  }

  /** For the administration: what a handshake meets now, and how many are in progress. */
  describe(): Omit<NonNullable<ListenerStatus['tls']>, 'refusals'> {
    const { current } = this.#options.material
    const { minVersion } = this.#policyOf(current)
    return { minVersion, generation: current.number, pending: this.#limits.size }
  }

  /** Counts an accepted connection as a handshake in progress, or says why it may not begin. */
  admit(raw: Socket, address: string, peer: string): Why | null {
    return this.#limits.admit(raw, address, peer)
  }

  /**
   * Runs the handshake; `done` is called only for admitted clients, refused ones are logged, counted and closed. Looks at
   * the ClientHello before OpenSSL gets it, for as long as the first bytes of a connection may take and no longer.
   */
  accept(raw: Socket, peer: string, done: (secured: Secured) => void): void {
    const { peekTimeoutMs, handshakeTimeoutMs } = this.#options.limits
    const waited = Date.now() - (this.#limits.since(raw) ?? 0)
    const timeoutMs = Math.max(1, Math.min(peekTimeoutMs - waited, handshakeTimeoutMs))
    peek(raw, timeoutMs, readClientHello, (result) => {
      if (result.kind === 'closed') {
        if (this.#limits.since(raw) !== null) this.#closedEarly(peer)
        raw.destroy()
        return
      }
      this.#limits.heard(raw)
      const hello = result.kind === 'decided' && result.value !== 'malformed' ? result.value : null
      this.#begin(raw, peer, hello, done)
    })
  }

  #closedEarly(peer: string): void {
    this.#options.refusals.refused({ ...explainHandshakeError(CLOSED_EARLY, ''), peer })
  }

  #begin(raw: Socket, peer: string, hello: ClientHello | null, done: (secured: Secured) => void): void {
    const generation = this.#options.material.current
    const handshake = { raw, peer, generation, hello, done }
    this.#handshakes.set(peer, handshake)
    this.#peers.set(raw, peer)
    raw.once('close', () => {
      // Node may name the cause a moment after the socket closed.
      setImmediate(() => {
        if (this.#handshakes.get(peer) !== handshake) return
        this.#handshakes.delete(peer)
        this.#closedEarly(peer)
      })
    })
    this.#serverOf(generation).emit('connection', raw)
  }

  #serverOf(generation: Generation): Server {
    if (this.#server?.generation === generation) return this.#server.tls
    const { listener, limits, material } = this.#options
    const { handshakeTimeoutMs } = limits
    const { protocol } = material.settings
    const explain = this.#refuse !== null
    const tls = createTlsServer(generation, { listener, handshakeTimeoutMs, protocol, explain }, (socket) =>
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
    const { raw, peer, generation, hello, done } = handshake
    this.#limits.settled(raw)
    const version = socket.getProtocol() ?? ''
    const sni = serverName(socket)
    const verdict = judge(socket, generation, this.#options.material.settings, new Date())
    if (verdict.kind === 'refused') {
      const { reason, message, remedy, certificate } = verdict
      this.#options.refusals.refused({ reason, message, remedy, certificate, peer, sni, protocol: version })
      // Nothing was read from it, and nothing will be by whatever serves.
      if (this.#refuse) this.#refuse(socket, { reason, message, remedy })
      else socket.destroy()
      return
    }
    const { warning, client } = verdict
    if (warning) {
      this.#log.warn('tls client admitted with a warning', { peer, sni, warning, client })
      this.#options.metrics.serverAuthClients.inc({ listener: this.#options.listener })
    }
    const { groups } = this.#policyOf(generation)
    const group = hello ? negotiatedGroup(groups, hello, version, socket.isSessionReused()) : ''
    this.#options.metrics.groups.inc({ listener: this.#options.listener, group: group || 'unknown' })
    const facts = {
      version,
      cipher: socket.getCipher()?.standardName ?? '',
      alpn: typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : '',
      group,
      sni: sni ?? '',
      resumed: socket.isSessionReused(),
      generation: generation.number,
      client,
    }
    const trust = generation.anchorIds
    const life = clientLife(socket)
    if (client && life.lastThirdFrom <= Date.now())
      this.#options.metrics.expiringClients.inc({ listener: this.#options.listener })
    done({ socket, facts: Object.freeze(facts), client: client && { socket, trust, ...life } })
  }

  #onError(error: Error, socket: TLSSocket): void {
    const handshake = this.#take(socket)
    // Node leaves the socket open after a handshake timeout.
    socket.destroy()
    if (!handshake) return
    const { peer, hello } = handshake
    const { minVersion, groups } = this.#policyOf(handshake.generation)
    const fault = explainHandshakeError(error, minVersion.replace('v', ' '), socket.authorizationError)
    const isClassical = fault.reason === 'noSharedCipher' && hello !== null && offersNoHybrid(groups, hello)
    this.#options.refusals.refused({
      ...(isClassical ? CLASSICAL_GROUP : fault),
      peer,
      sni: serverName(socket) ?? hello?.sni,
    })
  }

  #policyOf(generation: Generation): ProtocolPolicy {
    return this.#options.material.settings.protocol ?? defaultPolicy(generation.kind)
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
