/** Clients that send a byte now and then. Each resolves when the server has closed the connection. */
import { connect as connectTcp, type Socket } from 'node:net'
import { connect } from 'node:tls'
import type { Target } from './good-calls.ts'

const ADDRESS = '127.0.0.2'

function drip(socket: Socket, bytes: Buffer, everyMs: number): Promise<void> {
  let at = 0
  const timer = setInterval(() => {
    socket.write(bytes.subarray(at, at + 1))
    at += 1
  }, everyMs)
  return new Promise((resolve) => {
    socket.resume()
    socket.on('error', () => {})
    socket.on('close', () => {
      clearInterval(timer)
      resolve()
    })
  })
}

/** Bytes one at a time, without TLS around them. */
export function trickled(port: number, bytes: Buffer, everyMs: number): Promise<void> {
  return drip(connectTcp({ host: '127.0.0.1', port, localAddress: ADDRESS }), bytes, everyMs)
}

const HEAD = 'POST /v2/vectordb/entities/insert HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'

/** An HTTP/1.1 request after the handshake whose headers, or whose body, trickle. */
export function trickledRequest({ port, tls }: Target, part: 'headers' | 'body'): Promise<void> {
  const raw = connectTcp({ host: '127.0.0.1', port, localAddress: ADDRESS })
  const socket = connect({ socket: raw, servername: 'localhost', ALPNProtocols: ['http/1.1'], ...tls })
  raw.on('error', () => {})
  if (part === 'headers') return drip(socket, Buffer.from(`${HEAD}X-Long: ${'x'.repeat(10_000)}`), 100)
  socket.write(`${HEAD}Content-Length: 10000\r\n\r\n{`)
  return drip(socket, Buffer.alloc(9_999, ' '), 100)
}
