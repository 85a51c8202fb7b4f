import { connect as connectHttp2 } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'

export interface Answer {
  readonly status: number
  readonly grpcStatus: string | null
  readonly body: string
}

/** What a client presents and trusts. */
export type ClientTls = Pick<
  ConnectionOptions,
  | 'ca'
  | 'cert'
  | 'key'
  | 'minVersion'
  | 'maxVersion'
  | 'ciphers'
  | 'servername'
  | 'ALPNProtocols'
  | 'session'
  | 'ecdhCurve'
>

/** One request over HTTP/2; with a content type of gRPC it is a gRPC call as far as the listener can tell. Rejects when refused. */
export async function http2Call(
  port: number,
  tls: ClientTls | null,
  contentType: string,
  body = 'ping',
): Promise<Answer> {
  const session = connectHttp2(`${tls ? 'https' : 'http'}://127.0.0.1:${port}`, { servername: 'localhost', ...tls })
  try {
    return await new Promise<Answer>((resolve, reject) => {
      session.on('error', reject)
      session.on('close', () => reject(new Error('session closed')))
      const stream = session.request({
        ':method': 'POST',
        ':path': '/p.S/M',
        'content-type': contentType,
        te: 'trailers',
      })
      let status = 0
      let grpcStatus: string | null = null
      let text = ''
      stream.on('response', (headers) => {
        status = Number(headers[':status'])
        grpcStatus = headers['grpc-status']?.toString() ?? null
      })
      stream.on('trailers', (trailers) => {
        grpcStatus = trailers['grpc-status']?.toString() ?? grpcStatus
      })
      stream.setEncoding('utf8')
      stream.on('data', (chunk) => {
        text += chunk
      })
      stream.on('error', reject)
      stream.on('close', () => (status ? resolve({ status, grpcStatus, body: text }) : reject(new Error('no answer'))))
      stream.end(body)
    })
  } finally {
    session.destroy()
  }
}

/** One HTTP/1.1 request over TLS (or TCP) by hand, so that ALPN and versions can be chosen. Rejects when refused. */
export async function http1Call(port: number, tls: ClientTls | null, extra = ''): Promise<string> {
  const socket = tls
    ? connect({ host: '127.0.0.1', port, servername: 'localhost', ALPNProtocols: ['http/1.1'], ...tls })
    : connectTcp(port, '127.0.0.1')
  socket.write(`POST /v2/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n${extra}\r\n{}`)
  return received(socket)
}

/** All that a socket says until it ends; rejects on an error or when nothing came. */
export async function received(socket: TLSSocket | ReturnType<typeof connectTcp>): Promise<string> {
  try {
    return await new Promise<string>((resolve, reject) => {
      let text = ''
      socket.setEncoding('latin1')
      socket.on('data', (chunk) => {
        text += chunk
      })
      socket.on('error', reject)
      socket.on('close', () => (text === '' ? reject(new Error('closed without a word')) : resolve(text)))
    })
  } finally {
    socket.destroy()
  }
}

/** Sends raw bytes over TCP and returns what comes back until the other side closes (empty text included). */
export async function rawExchange(port: number, bytes: string | Buffer): Promise<string> {
  const socket = connectTcp(port, '127.0.0.1')
  socket.write(bytes)
  return received(socket).catch((error: unknown) =>
    error instanceof Error && /without a word|ECONNRESET/.test(error.message) ? '' : Promise.reject(error),
  )
}

/** One HTTP/1.1 visit, told from the TLS side: whether a session was resumed, which group was agreed, the tickets given. */
export async function visit(
  port: number,
  tls: ClientTls,
): Promise<{ reused: boolean; group: string; tickets: readonly Buffer[] }> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ALPNProtocols: ['http/1.1'], ...tls })
  const tickets: Buffer[] = []
  let reused = false
  let group = ''
  socket.on('session', (ticket) => tickets.push(ticket))
  socket.once('secureConnect', () => {
    reused = socket.isSessionReused()
    const info = socket.getEphemeralKeyInfo()
    group = info && 'name' in info ? String(info.name) : ''
  })
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  await received(socket)
  return { reused, group, tickets }
}
