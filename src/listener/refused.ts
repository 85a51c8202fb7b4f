import { createServer, type Http2Session, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { isGrpc } from './content-type.ts'
import type { RefusedAnswers, RefusedBecause } from './handlers.ts'

/** From the end of the handshake to the end of the connection, whatever the client does. */
const LIFE_MS = 3_000
/** Between the first answer and GOAWAY: requests that were sent together are all answered. */
const GOAWAY_AFTER_MS = 100
const STREAMS_MAX = 100
const HEADER_BYTES_MAX = 64 * 1024

/**
 * Tells refused clients why, on connections of their own: a server apart from the one that serves, which knows no
 * handler, no gate and no service. Whatever is asked gets the one answer; bodies are thrown away unread; the connection
 * ends soon after, or after three seconds.
 */
export function createRefuser(answers: RefusedAnswers): (socket: TLSSocket, why: RefusedBecause) => void {
  const reasons = new WeakMap<Http2Session, RefusedBecause>()
  const http2 = createServer({
    settings: { maxConcurrentStreams: STREAMS_MAX, maxHeaderListSize: HEADER_BYTES_MAX, enableConnectProtocol: false },
    maxSessionMemory: 1,
  })
  http2.on('sessionError', () => {})
  http2.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => {})
    const why = stream.session && reasons.get(stream.session)
    if (!why) {
      stream.destroy()
      return
    }
    const answer = answers.http2(why, isGrpc(headers['content-type']))
    stream.respond(answer.headers, { endStream: answer.body === null || headers[':method'] === 'HEAD' })
    if (answer.body !== null && !stream.writableEnded) stream.end(answer.body)
    // RFC 9113 8.1: what the client still sends of this request is not wanted
    stream.once('finish', () => stream.close(0))
  })
  return (socket, why) => {
    const timer = setTimeout(() => socket.destroy(), LIFE_MS)
    socket.once('close', () => clearTimeout(timer))
    if (socket.alpnProtocol !== 'h2') return answerHttp1(socket, answers.http1(why))
    const onSession = (session: Http2Session) => {
      reasons.set(session, why)
      session.once('stream', () => setTimeout(() => session.close(), GOAWAY_AFTER_MS).unref())
    }
    // Node emits 'session' while it takes the socket over
    http2.once('session', onSession)
    http2.emit('connection', socket)
    http2.off('session', onSession)
  }
}

/** Nothing is parsed: to whatever comes first the answer is the same. */
function answerHttp1(socket: TLSSocket, answer: string): void {
  socket.once('data', () => {
    socket.resume()
    socket.end(answer)
  })
}
