/** One request over HTTP/2 with everything in the caller's hand, and everything that came back. */
import { type ClientHttp2Session, connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2'
import type { ClientTls } from './tls-client.ts'

export interface RawAnswer {
  readonly headers: IncomingHttpHeaders
  /** Headers and trailers together: where a gRPC status is looked for. */
  readonly all: IncomingHttpHeaders
  readonly body: Buffer
}

/** An empty gRPC message. */
export const EMPTY_MESSAGE: Buffer = Buffer.alloc(5)
export const MILVUS_SERVICE = '/milvus.proto.milvus.MilvusService/'

/** A message of one string field, as protobuf and gRPC frame it. */
export function stringMessage(field: number, value: string): Buffer {
  const bytes = Buffer.from(value)
  const body = Buffer.concat([Buffer.from([(field << 3) | 2, bytes.length]), bytes])
  const head = Buffer.alloc(5)
  head.writeUInt32BE(body.length, 1)
  return Buffer.concat([head, body])
}

/** Without `tls` it is HTTP/2 with prior knowledge over TCP. */
export function openSession(port: number, tls: ClientTls | null): ClientHttp2Session {
  const session = connect(`${tls ? 'https' : 'http'}://127.0.0.1:${port}`, { servername: 'localhost', ...tls })
  session.on('error', () => {})
  return session
}

/** Rejects when the stream or the session ends without an answer. */
export function requestOn(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body: Buffer | string,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    // an alert of TLS is the session's error, and comes before that of the stream
    session.once('error', reject)
    const stream = session.request(headers, { endStream: false })
    let first: IncomingHttpHeaders | null = null
    let trailers: IncomingHttpHeaders = {}
    const chunks: Buffer[] = []
    stream.on('response', (received) => {
      first = received
    })
    stream.on('trailers', (received) => {
      trailers = received
    })
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', reject)
    stream.on('close', () => {
      session.off('error', reject)
      if (first) resolve({ headers: first, all: { ...first, ...trailers }, body: Buffer.concat(chunks) })
      else reject(new Error('closed without an answer'))
    })
    stream.end(body)
  })
}

/** One request on a connection of its own. */
export async function rawRequest(
  port: number,
  tls: ClientTls | null,
  headers: OutgoingHttpHeaders,
  body: Buffer | string = '',
): Promise<RawAnswer> {
  const session = openSession(port, tls)
  try {
    return await requestOn(session, headers, body)
  } finally {
    session.destroy()
  }
}

/** A unary gRPC call. */
export function rawGrpc(
  port: number,
  tls: ClientTls | null,
  path: string,
  metadata: OutgoingHttpHeaders = {},
  message: Buffer = EMPTY_MESSAGE,
): Promise<RawAnswer> {
  const head = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' }
  return rawRequest(port, tls, { ...head, ...metadata }, message)
}

/** A REST call. */
export function rawRest(
  port: number,
  tls: ClientTls | null,
  path: string,
  headers: OutgoingHttpHeaders = {},
  body = '{}',
): Promise<RawAnswer> {
  return rawRequest(
    port,
    tls,
    { ':method': 'POST', ':path': path, 'content-type': 'application/json', ...headers },
    body,
  )
}
