import { type ClientHttp2Session, connect } from 'node:http2'
import { type Socket, connect as tcp } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { connectLink } from '../tls/link-connect.ts'
import { explainLinkError, type LinkFault } from '../tls/link-error.ts'
import { goawayFault, LinkDown } from './faults.ts'
import type { LinkContext } from './settings.ts'

/** A connection whose other side has answered in HTTP/2. */
export interface Dialled {
  readonly session: ClientHttp2Session
  readonly socket: Socket
  /** What was agreed; null in plaintext. */
  readonly tls: { readonly version: string; readonly cipher: string; readonly generation: number } | null
}

/** Flow-control window of a stream and of a connection: a reply of 1 MiB is under way without waiting. */
const STREAM_WINDOW_BYTES = 1 << 20
const SESSION_WINDOW_BYTES = 8 << 20
const SESSION_MEGABYTES_MAX = 256

/**
 * Connects, verifies, and waits until the other side has answered a ping: under TLS 1.3 a refused client certificate
 * shows only after the handshake. Rejects with `LinkDown`.
 */
export function dial({ config, material }: LinkContext): Promise<Dialled> {
  const { promise, resolve, reject } = Promise.withResolvers<Dialled>()
  const { host, port, serverName } = config
  const generation = material?.current ?? null
  const secure: TLSSocket | null = generation ? connectLink(generation, { host, port, serverName }) : null
  const socket: Socket = secure ?? tcp({ host, port, noDelay: true })
  socket.setKeepAlive(true, 60_000)
  const session = connect(config.uri, {
    createConnection: () => socket,
    maxSessionMemory: SESSION_MEGABYTES_MAX,
    settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES },
  })
  let isSecured = false
  const fail = (fault: LinkFault) => {
    clearTimeout(timer)
    reject(new LinkDown(fault))
    session.destroy()
    socket.destroy()
  }
  const timer = setTimeout(() => {
    const remedy = 'look whether the upstream is well, or raise redkite.upstream.connectTimeoutMs'
    fail({ message: `no answer within ${config.connectTimeoutMs} ms`, remedy })
  }, config.connectTimeoutMs)
  secure?.once('secureConnect', () => {
    isSecured = true
    if (secure.alpnProtocol === 'h2') return
    fail({ message: 'the upstream speaks no HTTP/2 (ALPN h2)', remedy: 'correct redkite.upstream.uri: is it gRPC?' })
  })
  const onError = (error: Error) => fail(explainLinkError(error, config.uri))
  const onClose = () => fail(closedEarly(secure !== null, isSecured))
  const onGoaway = (code: number, _lastStreamId: number, data: Uint8Array) => fail(goawayFault(code, data))
  session.on('error', onError)
  session.on('close', onClose)
  session.on('goaway', onGoaway)
  const ready = () => {
    clearTimeout(timer)
    // whoever takes the session over listens from here on; an error in between must not go unheard
    session.on('error', () => {})
    session.off('error', onError)
    session.off('close', onClose)
    session.off('goaway', onGoaway)
    session.setLocalWindowSize(SESSION_WINDOW_BYTES)
    const tls = secure && {
      version: secure.getProtocol() ?? '',
      cipher: secure.getCipher()?.standardName ?? '',
      generation: generation?.number ?? 0,
    }
    resolve({ session, socket, tls })
  }
  // a peer that refuses by GOAWAY sends its SETTINGS first: an answered ping is the proof
  session.once('remoteSettings', () => {
    if (!session.destroyed) session.ping((error) => error ?? ready())
  })
  return promise
}

function closedEarly(isTls: boolean, isSecured: boolean): LinkFault {
  if (!isTls) {
    return {
      message: 'the upstream closed the connection instead of answering in HTTP/2',
      remedy: 'is it a TLS port? then write https:// in redkite.upstream.uri',
    }
  }
  if (!isSecured) {
    return { message: 'the upstream closed the connection during the TLS handshake', remedy: 'look at its log' }
  }
  return {
    message: 'the upstream closed the connection right after the TLS handshake: it does not admit this client',
    remedy: 'its log names the reason; show it a client certificate that it admits (redkite.upstream.clientPemPath)',
  }
}
