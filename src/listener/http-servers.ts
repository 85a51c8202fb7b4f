import {
  createServer as createHttp1,
  type Server as Http1Server,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import {
  createServer as createHttp2,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Socket } from 'node:net'
import { GRPC } from '../errors/table.ts'
import { warnOnResponse, warnOnStream } from './client-expiry.ts'
import type { Connection } from './connections.ts'
import { isGrpc } from './content-type.ts'
import { isLasting, type StreamHandlers } from './handlers.ts'
import type { ListenerLimits } from './limits.ts'

export type Serves = 'grpc+rest' | 'rest'

/** HTTP servers that never listen: the listener feeds them sockets whose protocol it knows. */
export interface HttpServers {
  serve(connection: Connection): void
  /** From now on HTTP/1.1 answers carry `connection: close`. */
  readonly drain: () => void
  close(): void
}

/**
 * One HTTP/1.1 and one HTTP/2 server for a listener. gRPC gets Node's core streams; a 'request' listener on that
 * server would make Node build the compatibility objects for every stream, so REST over HTTP/2 passes through a second
 * server (`compat`) that only turns streams into (request, response).
 */
export function createHttpServers(serves: Serves, handlers: StreamHandlers, limits: ListenerLimits): HttpServers {
  const connections = new WeakMap<object, Connection>()
  let draining = false

  const http1 = createRestServer(limits)
  http1.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const connection = connections.get(request.socket)
    if (!connection) return request.destroy()
    trackHttp1(connection, request, response, draining)
    warnOnResponse(connection, response)
    if (!isGrpc(request.headers['content-type'])) return handlers.rest(request, response, connection.facts)
    response.writeHead(415, { 'content-type': 'text/plain', connection: 'close' }).end('gRPC needs HTTP/2\n')
  })
  const compat = createHttp2()
  compat.on('request', (request: Http2ServerRequest, response: Http2ServerResponse) => {
    const connection = request.stream.session && connections.get(request.stream.session)
    if (connection) handlers.rest(request, response, connection.facts)
    else request.destroy()
  })
  const http2 = createStreamServer(limits)
  http2.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, raw: string[]) => {
    const connection = stream.session && connections.get(stream.session)
    // A stream error is the client's (reset, lost connection) and must not become an uncaught 'error'.
    stream.on('error', () => {})
    if (!connection) return stream.destroy()
    trackStream(connection, stream, (flags & END_STREAM) !== 0)
    warnOnStream(connection, stream)
    const grpc = isGrpc(headers['content-type'])
    if (headerBytes(raw) > limits.headerBytesMax) return refuseHeaders(stream, grpc, limits)
    if (!grpc) compat.emit('stream', stream, headers, flags, raw)
    else if (serves === 'rest') refuseGrpc(stream)
    else handlers.grpc(stream, headers, connection.facts)
  })

  return {
    serve(connection) {
      if (connection.protocol === 'http/1.1') {
        connections.set(connection.socket, connection)
        http1.emit('connection', connection.socket)
        return
      }
      const session = startSession(http2, connection.socket)
      if (!session) {
        connection.raw.destroy()
        return
      }
      connections.set(session, connection)
      connection.session = session
      session.setLocalWindowSize(limits.windowBytes)
      dropWithoutSettings(session, connection.raw, limits.headersTimeoutMs)
      if (draining) session.close()
    },
    drain() {
      draining = true
    },
    close() {
      http1.close()
      http1.closeAllConnections()
    },
  }
}

const END_STREAM = 0x1

/** As nghttp2 has it. */
const STREAM_RESETS_PER_SECOND = 33

function createRestServer(limits: ListenerLimits): Http1Server {
  const server = createHttp1({
    maxHeaderSize: limits.headerBytesMax,
    // Node wants it no longer than requestTimeout.
    headersTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs),
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs),
  })
  // A server that never listens never checks its timeouts; this event starts the checker.
  server.emit('listening')
  return server
}

function createStreamServer(limits: ListenerLimits): Http2Server {
  return createHttp2({
    settings: {
      initialWindowSize: limits.windowBytes,
      maxConcurrentStreams: limits.streamsPerConnectionMax,
      // Above this Node resets the stream (ENHANCE_YOUR_CALM) without a word; between our limit and this one
      // `refuseHeaders` can answer with a status.
      maxHeaderListSize: 2 * limits.headerBytesMax,
      enableConnectProtocol: false,
    },
    // Who takes back more calls than it may have open at once is sent away (CVE-2023-44487); Node's own burst is 1,000.
    streamResetBurst: limits.streamsPerConnectionMax,
    streamResetRate: STREAM_RESETS_PER_SECOND,
    maxSessionInvalidFrames: limits.invalidFramesMax,
    maxSessionMemory: limits.sessionMegabytesMax,
  })
}

/** Node emits 'session' while it takes the socket over, so the two can be brought together without private fields. */
function startSession(http2: Http2Server, socket: Socket): ServerHttp2Session | null {
  let session: ServerHttp2Session | null = null
  const onSession = (started: ServerHttp2Session) => {
    session = started
  }
  http2.once('session', onSession)
  http2.emit('connection', socket)
  http2.off('session', onSession)
  return session
}

/** A client that negotiated HTTP/2 and then says nothing would stay for ever. */
function dropWithoutSettings(session: Http2Session, raw: Socket, timeoutMs: number): void {
  const timer = setTimeout(() => raw.destroy(), timeoutMs)
  timer.unref()
  session.once('remoteSettings', () => clearTimeout(timer))
  session.once('close', () => clearTimeout(timer))
}

function trackStream(connection: Connection, stream: ServerHttp2Stream, received: boolean): void {
  connection.isProven = true
  connection.requestsBegun += 1
  let isReceived = received
  stream.once('end', () => {
    isReceived = true
  })
  connection.requests.set(stream, {
    since: Date.now(),
    isReceived: () => isReceived || isLasting(stream),
    unsentBytes: () => (stream.writableEnded && !stream.writableFinished ? stream.writableLength : 0),
    unsentSince: null,
    abort: () => stream.close(CANCEL),
  })
  stream.once('close', () => connection.requests.delete(stream))
}

/** NGHTTP2_CANCEL (RFC 9113 7: CANCEL). */
const CANCEL = 0x8

function trackHttp1(
  connection: Connection,
  request: IncomingMessage,
  response: ServerResponse,
  draining: boolean,
): void {
  // Node's own requestTimeout watches the body here; this entry only says that the connection is busy.
  connection.requests.set(request, {
    since: Date.now(),
    isReceived: () => true,
    unsentBytes: () => 0,
    unsentSince: null,
    abort: () => {},
  })
  if (draining) response.setHeader('connection', 'close')
  response.once('close', () => connection.requests.delete(request))
}

/** RFC 9113 6.5.2: name, value and 32 bytes for each field. */
function headerBytes(raw: readonly string[]): number {
  let bytes = raw.length * 16
  for (const part of raw) bytes += part.length
  return bytes
}

function refuseHeaders(stream: ServerHttp2Stream, grpc: boolean, limits: ListenerLimits): void {
  const message = `headers larger than max (${limits.headerBytesMax} bytes)`
  if (!grpc) {
    stream.respond({ ':status': 431, 'content-type': 'text/plain' })
    stream.end(`${message}\n`)
    return
  }
  answerGrpc(stream, 200, GRPC.resourceExhausted, message)
}

function refuseGrpc(stream: ServerHttp2Stream): void {
  answerGrpc(stream, 415, GRPC.unimplemented, 'gRPC is not served on the REST port; use the port of proxy.port')
}

/** Trailers-only: one HEADERS frame that ends the stream. */
function answerGrpc(stream: ServerHttp2Stream, http: number, status: number, message: string): void {
  stream.respond(
    { ':status': http, 'content-type': 'application/grpc', 'grpc-status': String(status), 'grpc-message': message },
    { endStream: true },
  )
  // What the client still sends of this request is not wanted (RFC 9113 8.1: RST_STREAM with NO_ERROR).
  stream.close(0)
}
