import { type ClientHttp2Session, connect } from 'node:http2'
import { type Socket, connect as tcp } from 'node:net'
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
/** How long the other side's first bytes are waited for before ours are sent. */
const LISTEN_FIRST_MS = 300

/**
 * Connects, verifies, and waits until the other side has answered in HTTP/2: under TLS 1.3 a refused client certificate
 * shows only after the handshake. Rejects with `LinkDown`.
 */
export async function dial(context: LinkContext): Promise<Dialled> {
  const { host, port, serverName, connectTimeoutMs } = context.config
  const generation = context.material?.current ?? null
  const secure = generation ? connectLink(generation, { host, port, serverName }) : null
  const socket: Socket = secure ?? tcp({ host, port, noDelay: true })
  socket.setKeepAlive(true, 60_000)
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const remedy = 'look whether the upstream is well, or raise redkite.upstream.connectTimeoutMs'
    reject(new LinkDown({ message: `no answer within ${connectTimeoutMs} ms`, remedy }))
  }, connectTimeoutMs)
  try {
    if (secure) await Promise.race([admitted(secure, context.config.uri), late])
    const session = await Promise.race([speakHttp2(socket, secure !== null, context.config.uri), late])
    const tls = secure && {
      version: secure.getProtocol() ?? '',
      cipher: secure.getCipher()?.standardName ?? '',
      generation: generation?.number ?? 0,
    }
    return { session, socket, tls }
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    clearTimeout(timer)
    late.catch(() => {})
  }
}

/**
 * The handshake, and a moment for what the other side says about it. A server sends its SETTINGS at once; an alert about
 * our certificate must be read before the HTTP/2 session takes the socket over, or Node may never tell it.
 */
function admitted(socket: ReturnType<typeof connectLink>, uri: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let isSecured = false
    const down = (fault: LinkFault) => reject(new LinkDown(fault))
    socket.on('error', (error) => {
      const isCut = 'code' in error && error.code === 'ECONNRESET'
      down(isCut ? closedEarly(isSecured) : explainLinkError(error, uri))
    })
    socket.once('close', () => down(closedEarly(isSecured)))
    socket.once('end', () => down(closedEarly(isSecured)))
    socket.once('secureConnect', () => {
      isSecured = true
      if (socket.alpnProtocol !== 'h2') {
        const remedy = 'correct redkite.upstream.uri: is it a gRPC port?'
        down({ message: 'the upstream speaks no HTTP/2 (ALPN h2)', remedy })
        return
      }
      const timer = setTimeout(() => resolve(), LISTEN_FIRST_MS)
      socket.once('readable', () => {
        clearTimeout(timer)
        // an end is readable too, and is told right after
        if (socket.readableLength > 0) resolve()
      })
    })
  })
}

function speakHttp2(socket: Socket, isTls: boolean, uri: string): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const session = connect(uri, {
      createConnection: () => socket,
      maxSessionMemory: SESSION_MEGABYTES_MAX,
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES },
    })
    const fail = (fault: LinkFault) => {
      reject(new LinkDown(fault))
      session.destroy()
    }
    const onError = (error: Error) => fail(explainLinkError(error, uri))
    const onClose = () => fail(isTls ? closedEarly(true) : CLOSED_PLAIN)
    const onGoaway = (code: number, _lastStreamId: number, data: Uint8Array) => fail(goawayFault(code, data))
    session.on('error', onError)
    session.on('close', onClose)
    session.on('goaway', onGoaway)
    let isReady = false
    const ready = () => {
      if (isReady || session.destroyed) return
      isReady = true
      // whoever takes the session over listens from here on; an error in between must not go unheard
      session.on('error', () => {})
      session.off('error', onError)
      session.off('close', onClose)
      session.off('goaway', onGoaway)
      session.setLocalWindowSize(SESSION_WINDOW_BYTES)
      resolve(session)
    }
    // A peer that refuses by GOAWAY sends its SETTINGS first, so an answered ping is the better proof. A Milvus whose port
    // serves REST too answers none before the first call (it sorts connections by their first headers): quiet will do.
    session.once('remoteSettings', () => {
      const quiet = setTimeout(ready, LISTEN_FIRST_MS)
      session.once('close', () => clearTimeout(quiet))
      if (!session.destroyed) {
        session.ping((error) => {
          clearTimeout(quiet)
          if (!error) ready()
        })
      }
    })
  })
}

const CLOSED_PLAIN: LinkFault = {
  message: 'the upstream closed the connection instead of answering in HTTP/2',
  remedy: 'is it a TLS port? then write https:// in redkite.upstream.uri',
}

function closedEarly(isSecured: boolean): LinkFault {
  if (!isSecured) {
    return {
      message: 'the upstream closed the connection during the TLS handshake: it does not speak TLS, or not with us',
      remedy: 'switch TLS on there, or look at its log',
    }
  }
  return {
    message: 'the upstream closed the connection right after the TLS handshake: it does not admit this client',
    remedy: 'its log names the reason; show it a client certificate that it admits (redkite.upstream.clientPemPath)',
  }
}
