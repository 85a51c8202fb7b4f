import { createServer, type Http2Server } from 'node:http2'
import type { Socket } from 'node:net'

/** Go's answer (net/http), which Milvus gives on its REST port. */
const HTTP_ANSWER = 'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n'
const LINGER_MS = 1_000
/** RFC 9113 7: INADEQUATE_SECURITY. */
const INADEQUATE_SECURITY = 0xc

/** Answers plain HTTP/1.x on a TLS port so that a person can read it, then closes. Nothing received is looked at. */
export function answerPlainHttp(socket: Socket): void {
  socket.resume()
  socket.end(HTTP_ANSWER)
  lingerThenDestroy(socket)
}

/**
 * Refuses plaintext HTTP/2 on a TLS port in the client's own language: GOAWAY with a reason. The server that says so
 * has no handler, so no stream can reach anybody.
 */
export function createHttp2Refuser(): (socket: Socket) => void {
  const server: Http2Server = createServer({ settings: { maxConcurrentStreams: 0 } })
  server.on('session', (session) => {
    session.goaway(INADEQUATE_SECURITY, 0, Buffer.from('this port needs TLS'))
    session.close()
  })
  server.on('stream', (stream) => stream.destroy())
  server.on('sessionError', () => {})
  return (socket) => {
    server.emit('connection', socket)
    lingerThenDestroy(socket)
  }
}

/** Closing with unread bytes would reset the connection and could take the answer with it. */
function lingerThenDestroy(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  timer.unref()
  socket.once('close', () => clearTimeout(timer))
}
