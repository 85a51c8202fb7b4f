import { connect as connectTcp, type Socket } from 'node:net'
import { connect } from 'node:tls'
import type { ThrowawayPair } from './throwaway.ts'

/** What came of a visit: the port it came from, and what was answered; '' = nothing. */
export interface Visit {
  readonly localPort: number
  readonly answer: string
}

const GET = 'GET /v2/vectordb/collections/list HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
/** The preface of HTTP/2 and an empty SETTINGS frame (RFC 9113 3.4). */
const PREFACE = Buffer.from(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'\0\0\0\u0004\0\0\0\0\0'}`, 'latin1')
const ANSWER_CHARACTERS_MAX = 8_192

/** Plaintext to a TLS port of our own: an HTTP/1.1 request, or HTTP/2 by prior knowledge. */
export async function visitInPlaintext(
  host: string,
  port: number,
  protocol: 'http/1.1' | 'h2',
  timeoutMs: number,
): Promise<Visit> {
  const socket = await dial(host, port, timeoutMs)
  socket.write(protocol === 'h2' ? PREFACE : GET)
  return visited(socket, socket, timeoutMs)
}

/**
 * A handshake with a TLS port of our own as somebody whom it must refuse, and a request after it. The server is not
 * verified: this end is the same process, expired certificates are served too, and nothing secret is sent.
 */
export async function visitAsStranger(
  host: string,
  port: number,
  pair: ThrowawayPair | null,
  timeoutMs: number,
): Promise<Visit> {
  const raw = await dial(host, port, timeoutMs)
  const socket = connect({
    socket: raw,
    servername: 'self-test.redkite.internal',
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    ...(pair === null ? {} : { cert: pair.cert, key: pair.key }),
  })
  socket.once('secureConnect', () => socket.write(GET))
  return visited(socket, raw, timeoutMs)
}

/** An address for all interfaces is dialled on loopback, by IPv4 or, where there is none, by IPv6. */
async function dial(host: string, port: number, timeoutMs: number): Promise<Socket> {
  const hosts = host === '::' || host === '0.0.0.0' ? ['127.0.0.1', '::1'] : [host]
  let failure: unknown = null
  for (const one of hosts) {
    const socket = connectTcp({ host: one, port, noDelay: true, timeout: timeoutMs })
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve).once('error', reject)
        socket.once('timeout', () => reject(new Error(`no connection within ${timeoutMs} ms`)))
      })
      return socket
    } catch (error) {
      socket.destroy()
      failure = error
    }
  }
  throw failure
}

/** Reads until the other side ends, which is what a refusal looks like from here. */
function visited(socket: Socket, raw: Socket, timeoutMs: number): Promise<Visit> {
  const localPort = raw.localPort ?? 0
  return new Promise((resolve) => {
    let answer = ''
    const done = () => {
      clearTimeout(timer)
      socket.destroy()
      raw.destroy()
      resolve({ localPort, answer })
    }
    const timer = setTimeout(done, timeoutMs)
    socket.setEncoding('latin1').on('data', (text: string) => {
      if (answer.length < ANSWER_CHARACTERS_MAX) answer += text
    })
    raw.on('error', done)
    socket.on('error', done).on('close', done).on('end', done)
  })
}
