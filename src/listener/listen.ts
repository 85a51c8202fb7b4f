import { createServer, type Server, type Socket } from 'node:net'
import { unreachable } from '../errors/error.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Generation } from '../tls/generation.ts'
import { isStillTrusted } from '../tls/judge.ts'
import type { TlsMaterial } from '../tls/material.ts'
import { type HeldRefusals, type Refusal, RefusalLog } from '../tls/refusal.ts'
import type { Revocation } from '../tls/revocation.ts'
import { bind } from './bind.ts'
import { type Connection, Connections, REVOKED_FAREWELL_MS } from './connections.ts'
import type { ConnectionFacts, StreamHandlers } from './handlers.ts'
import { createHttpServers, type HttpServers, type Serves } from './http-servers.ts'
import { defaultLimits, type ListenerLimits, overLimit } from './limits.ts'
import { opening, peek } from './peek.ts'
import { peerOf } from './peer.ts'
import { answerPlainHttp, createHttp2Refuser } from './plaintext-on-tls.ts'
import { NO_ALPN, NOISE, PLAIN_HTTP, PLAIN_HTTP2, SILENT, TLS_HERE } from './refusal-texts.ts'
import type { ListenerStatus } from './status.ts'
import { startSweep } from './sweep.ts'
import { type Secured, TlsAcceptor } from './tls-acceptor.ts'

export interface ListenOptions {
  /** `proxy`, `rest`, `internal`: the `listener` label of logs and metrics. */
  readonly name: string
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  /** Null means plaintext. */
  readonly tls: TlsMaterial | null
  readonly handlers: StreamHandlers
  /** `rest` answers gRPC with UNIMPLEMENTED, as Milvus' REST port does not serve it. */
  readonly serve: Serves
  readonly limits?: Partial<ListenerLimits>
  readonly log: Log
  readonly metrics: Metrics
  /** Told of each new cause for which connections are refused. */
  readonly onRefused?: (refusal: Refusal, listener: string) => void
}

/** A bound port. Disposing it drops everything at once; `drain` is the polite way. */
export interface Listener extends AsyncDisposable {
  readonly name: string
  readonly host: string
  readonly port: number
  /** Open TCP connections. */
  readonly connectionCount: number
  /** What it is and whom it serves now, for the administration. */
  describe(): ListenerStatus
  /** For the start-up self-test: keeps refusals out of log and metrics until they are released. */
  holdRefusals(): HeldRefusals
  /** Sends away the live connections that match; returns how many. */
  closeWhere(matches: (facts: ConnectionFacts) => boolean): number
  /** Stops accepting, sends GOAWAY, lets requests finish for at most `graceMs`, then destroys what is left. */
  drain(graceMs: number): Promise<void>
}

/** Binds one port that serves plaintext or TLS, HTTP/1.1 and HTTP/2, REST and (if asked) gRPC. Throws `StartError`. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const listener = new PortListener(options)
  await listener.bind()
  return listener
}

const DRAIN_LOOK_MS = 10
/** Time for the last answer to arrive at a client that does not close by itself. */
const DRAIN_LINGER_MS = 250

class PortListener implements Listener {
  readonly name: string
  readonly host: string
  port = 0
  readonly #options: ListenOptions
  readonly #limits: ListenerLimits
  readonly #log: Log
  readonly #server: Server
  readonly #http: HttpServers
  readonly #connections: Connections
  readonly #refusals: RefusalLog
  readonly #acceptor: TlsAcceptor | null
  readonly #refuseHttp2 = createHttp2Refuser()
  readonly #sweep: Disposable
  readonly #forget: readonly (() => void)[]
  #closed: Promise<void> | null = null

  constructor(options: ListenOptions) {
    this.name = options.name
    this.host = options.host
    this.#options = options
    this.#limits = { ...defaultLimits, ...options.limits }
    this.#log = options.log.at('listener/listen.ts')
    this.#http = createHttpServers(options.serve, options.handlers, this.#limits)
    this.#connections = new Connections(options.name, options.metrics)
    this.#refusals = new RefusalLog(options.name, options.log, options.metrics, options.onRefused)
    this.#acceptor = options.tls
      ? new TlsAcceptor({
          listener: options.name,
          material: options.tls,
          limits: this.#limits,
          refusals: this.#refusals,
          metrics: options.metrics,
          refused: options.handlers.refused,
          log: options.log,
        })
      : null
    const revocation = options.tls?.settings.revocation
    this.#forget = [
      options.tls?.onSwap((generation) => this.#recheck(generation)) ?? (() => {}),
      revocation?.onChange(() => this.#sendRevokedAway(revocation)) ?? (() => {}),
    ]
    this.#sweep = startSweep(this.#connections, this.#limits, ({ facts }) =>
      this.#log.warn('connection closed: it floods without a request', { listener: this.name, peer: facts.peer }),
    )
    this.#server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 })
    this.#server.on('connection', (raw) => this.#accept(raw))
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  describe(): ListenerStatus {
    const { name, host, port } = this
    const tls = this.#acceptor && { ...this.#acceptor.describe(), refusals: this.#refusals.recent }
    return { name, host, port, serves: this.#options.serve, tls, connections: this.#connections.describe() }
  }

  holdRefusals(): HeldRefusals {
    return this.#refusals.hold()
  }

  async bind(): Promise<void> {
    try {
      this.port = await bind(this.#server, this.name, this.host, this.#options.port)
    } catch (error) {
      this.#stop()
      throw error
    }
    // Such as EMFILE while accepting: the port stays open and the next accept may work.
    this.#server.on('error', (error) =>
      this.#log.error('listener fault', { listener: this.name, error: String(error) }),
    )
  }

  closeWhere(matches: (facts: ConnectionFacts) => boolean): number {
    return this.#connections.closeWhere((connection) => matches(connection.facts))
  }

  /** After a reload: clients whose authority was taken out of the CA file are sent away; the others notice nothing. */
  #recheck(generation: Generation): void {
    const gone = this.#connections.closeWhere(
      ({ client }) => client !== null && !isStillTrusted(client.socket, client.trust, generation),
    )
    if (gone > 0) this.#log.warn('connections closed: their authority left the CA file', { listener: this.name, gone })
  }

  /** After a change of what is revoked: its live connections go, within a second. */
  #sendRevokedAway(revocation: Revocation): void {
    const gone = this.#connections.closeWhere(({ client }) => this.#isRevoked(client, revocation), REVOKED_FAREWELL_MS)
    if (gone > 0) this.#log.warn('connections closed: their certificate is revoked', { listener: this.name, gone })
  }

  #isRevoked(client: Connection['client'], revocation = this.#options.tls?.settings.revocation): boolean {
    const leaf = client?.socket.getPeerX509Certificate()
    if (!leaf || !revocation) return false
    return revocation.refusal(leaf, this.#options.tls?.current.anchors ?? [], new Date()) !== null
  }

  async drain(graceMs: number): Promise<void> {
    this.#closed ??= new Promise((resolve) => this.#server.close(() => resolve()))
    this.#http.drain()
    const deadline = Date.now() + graceMs
    while (this.#connections.size > 0 && Date.now() < deadline) {
      this.#connections.destroyOpening()
      this.#connections.sendAway()
      this.#connections.destroyEnded(Date.now(), DRAIN_LINGER_MS)
      await new Promise((resolve) => setTimeout(resolve, DRAIN_LOOK_MS))
    }
    this.#connections.destroyAll()
    await this.#closed
    // The server says 'close' a moment before its last socket does.
    while (this.#connections.size > 0) await new Promise((resolve) => setImmediate(resolve))
    this.#stop()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(0)
  }

  #stop(): void {
    for (const forget of this.#forget) forget()
    this.#sweep[Symbol.dispose]()
    this.#refusals[Symbol.dispose]()
    this.#http.close()
  }

  #accept(raw: Socket): void {
    // Whoever owns the socket next listens too; without this a reset in between would end the process.
    raw.on('error', () => {})
    const from = peerOf(raw)
    if (!from) {
      raw.destroy()
      return
    }
    const { address, peer } = from
    const { size } = this.#connections
    const over =
      overLimit(this.#limits, size, this.#connections.fromAddress(address), address) ??
      this.#acceptor?.admit(raw, address, peer)
    if (over) {
      this.#refusals.refused({ ...over, peer })
      raw.destroy()
      return
    }
    const id = this.#connections.track(raw, address)
    peek(raw, this.#limits.peekTimeoutMs, opening, (result) => {
      if (result.kind === 'decided') this.#route(raw, result.value, id, peer)
      else {
        if (result.kind === 'timeout') this.#refusals.refused({ ...SILENT, peer })
        raw.destroy()
      }
    })
  }

  #route(raw: Socket, start: ReturnType<typeof opening>, id: number, peer: string): void {
    if (this.#acceptor) {
      if (start === 'tls') this.#acceptor.accept(raw, peer, (secured) => this.#secured(raw, secured, id, peer))
      else this.#refusePlaintext(raw, start, peer)
      return
    }
    if (start === 'h2' || start === 'http/1.1') {
      const facts = { id, listener: this.name, peer, openedAt: Date.now(), tls: null }
      this.#open({ facts, protocol: start, socket: raw, raw, client: null })
      return
    }
    this.#refusals.refused({ ...(start === 'tls' ? TLS_HERE : NOISE), peer })
    raw.destroy()
  }

  #refusePlaintext(raw: Socket, start: ReturnType<typeof opening>, peer: string): void {
    switch (start) {
      case 'http/1.1':
        this.#refusals.refused({ ...PLAIN_HTTP, peer })
        answerPlainHttp(raw)
        return
      case 'h2':
        this.#refusals.refused({ ...PLAIN_HTTP2, peer })
        this.#refuseHttp2(raw)
        return
      case 'tls':
      case 'unknown':
      case null:
        this.#refusals.refused({ ...NOISE, peer })
        raw.destroy()
        return
      default:
        unreachable(start)
    }
  }

  /** The handshake is done and the client admitted: choose the protocol by ALPN. */
  #secured(raw: Socket, secured: Secured, id: number, peer: string): void {
    const { socket, client } = secured
    const facts: ConnectionFacts = { id, listener: this.name, peer, openedAt: Date.now(), tls: secured.facts }
    if (secured.facts.alpn === 'h2' || secured.facts.alpn === 'http/1.1') {
      this.#open({ facts, protocol: secured.facts.alpn, socket, raw, client })
      return
    }
    // Without ALPN only HTTP/1.1 is served; an HTTP/2 preface here is a gRPC client without ALPN, refused as grpc-go does.
    peek(socket, this.#limits.headersTimeoutMs, opening, (result) => {
      // It may have been silent for long since it was judged.
      if (result.kind === 'decided' && result.value === 'http/1.1' && !this.#isRevoked(client)) {
        this.#open({ facts, protocol: 'http/1.1', socket, raw, client })
        return
      }
      socket.destroy()
      if (result.kind === 'closed' || this.#isRevoked(client)) return
      const why = result.kind === 'timeout' ? SILENT : result.value === 'h2' ? NO_ALPN : NOISE
      this.#refusals.refused({ ...why, peer, protocol: secured.facts.version })
    })
  }

  #open(what: Pick<Connection, 'facts' | 'protocol' | 'socket' | 'raw' | 'client'>): void {
    const { facts, socket, raw } = what
    if (this.#closed || socket.destroyed || raw.destroyed) {
      socket.destroy()
      return
    }
    if (facts.tls) this.#refusals.admitted(facts.tls.version)
    this.#http.serve(this.#connections.opened({ ...what, facts: Object.freeze(facts) }))
    // The CA file may have changed during the handshake.
    const current = this.#options.tls?.current
    if (current && facts.tls && facts.tls.generation !== current.number) this.#recheck(current)
  }
}
