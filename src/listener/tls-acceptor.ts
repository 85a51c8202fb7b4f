import type { Socket } from 'node:net'
import type { Server, TLSSocket } from 'node:tls'
import type { Log } from '../observe/log.ts'
import type { Generation } from '../tls/generation.ts'
import { explainHandshakeError } from '../tls/handshake-error.ts'
import { judge } from '../tls/judge.ts'
import type { TlsMaterial } from '../tls/material.ts'
import type { RefusalLog } from '../tls/refusal.ts'
import { createTlsServer } from '../tls/server-options.ts'
import type { ConnectionFacts } from './handlers.ts'

export interface Secured {
  readonly socket: TLSSocket
  readonly facts: NonNullable<ConnectionFacts['tls']>
}

export interface TlsAcceptorOptions {
  readonly listener: string
  readonly material: TlsMaterial
  readonly handshakeTimeoutMs: number
  readonly refusals: RefusalLog
  readonly log: Log
}

export interface TlsAcceptor {
  /** Runs the handshake; `done` is called only for admitted clients, refused ones are logged and closed. */
  accept(raw: Socket, peer: string, done: (secured: Secured) => void): void
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
export function createTlsAcceptor(options: TlsAcceptorOptions): TlsAcceptor {
  const { material, refusals } = options
  const log = options.log.at('listener/tls-acceptor.ts')
  const policy = { acceptServerAuthClients: material.settings.acceptServerAuthClients ?? false }
  /** By `address:port`, which is unique among the live sockets of one port. */
  const handshakes = new Map<string, Handshake>()
  let server: { readonly generation: Generation; readonly tls: Server } | null = null

  const take = (socket: TLSSocket): Handshake | null => {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`
    const handshake = handshakes.get(peer)
    if (!handshake) return null
    handshakes.delete(peer)
    return handshake
  }

  const onSecure = (socket: TLSSocket) => {
    socket.on('error', () => {})
    const handshake = take(socket)
    if (!handshake) {
      socket.destroy()
      return
    }
    const { peer, generation, done } = handshake
    const protocol = socket.getProtocol() ?? ''
    const sni = serverName(socket)
    const verdict = judge(socket, generation, policy, new Date())
    if (verdict.kind === 'refused') {
      // Nothing was read from it, and nothing will be.
      socket.destroy()
      const { reason, message, remedy, certificate } = verdict
      refusals.refused({ reason, message, remedy, certificate, peer, sni, protocol })
      return
    }
    if (verdict.warning)
      log.warn('tls client admitted with a warning', { peer, sni, warning: verdict.warning, client: verdict.client })
    const facts = {
      version: protocol,
      cipher: socket.getCipher()?.standardName ?? '',
      alpn: typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : '',
      resumed: socket.isSessionReused(),
      generation: generation.number,
      client: verdict.client,
    }
    done({ socket, facts: Object.freeze(facts) })
  }

  const onError = (error: Error, socket: TLSSocket) => {
    // Node leaves the socket open after a handshake timeout.
    const handshake = take(socket)
    socket.destroy()
    if (!handshake) return
    const minVersion = handshake.generation.kind === 'mutual' ? 'TLS 1.3' : 'TLS 1.2'
    refusals.refused({ ...explainHandshakeError(error, minVersion), peer: handshake.peer, sni: serverName(socket) })
  }

  const serverOf = (generation: Generation): Server => {
    if (server?.generation === generation) return server.tls
    const port = { listener: options.listener, handshakeTimeoutMs: options.handshakeTimeoutMs }
    const tls = createTlsServer(generation, port, onSecure)
    tls.on('tlsClientError', onError)
    server = { generation, tls }
    return tls
  }

  return {
    accept(raw, peer, done) {
      const generation = material.current
      handshakes.set(peer, { peer, generation, done })
      raw.once('close', () => {
        if (!handshakes.delete(peer)) return
        refusals.refused({ ...explainHandshakeError(CLOSED_EARLY, ''), peer })
      })
      serverOf(generation).emit('connection', raw)
    },
  }
}

const CLOSED_EARLY = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })

function serverName(socket: TLSSocket): string | undefined {
  // Typed away by @types/node: false for a client without SNI, null before it is known.
  const name: unknown = Reflect.get(socket, 'servername')
  return typeof name === 'string' ? name : undefined
}
