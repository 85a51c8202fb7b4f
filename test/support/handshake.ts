/** One TLS handshake between a server and a client of this process, on a loopback port. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { checkServerIdentity, connect, createServer, type TLSSocket } from 'node:tls'

export interface HandshakePair {
  readonly cert: string
  readonly key: string
}

export interface HandshakeWish {
  readonly server: HandshakePair
  /** With it the server asks for a client certificate, and refuses a client without a good one. */
  readonly serverCa?: string
  readonly client?: HandshakePair
  readonly clientCa: string
  /** The name or address that the client checks. */
  readonly host: string
}

/** `ok`, or the code of what went wrong on the client's side. The server's refusal counts: a byte must come back. */
export async function handshake(wish: HandshakeWish): Promise<string> {
  const mutual = wish.serverCa === undefined ? {} : { ca: wish.serverCa, requestCert: true, rejectUnauthorized: true }
  const server = createServer({ ...wish.server, ...mutual }, (socket) => socket.end('.'))
  server.on('tlsClientError', (_, socket) => socket.destroy())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  // An address is no SNI name; Node then checks the certificate against `host`, which must be the one that is meant.
  const socket = connect({
    port,
    host: '127.0.0.1',
    ...(wish.client ?? {}),
    ca: wish.clientCa,
    ...(wish.host === 'localhost' ? { servername: 'localhost' } : {}),
    checkServerIdentity: (_, certificate) => checkServerIdentity(wish.host, certificate),
  })
  try {
    return await outcome(socket)
  } finally {
    socket.destroy()
    server.close()
    await once(server, 'close')
  }
}

/** A server that refuses in TLS 1.3 may just close: that is an outcome too. */
function outcome(socket: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    socket.once('data', () => resolve('ok'))
    socket.once('error', (error) => resolve('code' in error ? String(error.code) : error.message))
    socket.once('close', () => resolve('closed'))
  })
}
