import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2'
import type { Socket } from 'node:net'
import { codeOf, reasonOf } from './dial.ts'

/** What came of one request over HTTP/2. */
export type CallOutcome =
  | {
      readonly kind: 'answer'
      readonly http: number
      /** gRPC status; null where the answer is no gRPC. */
      readonly grpc: number | null
      readonly message: string
      readonly headers: IncomingHttpHeaders
      readonly body: Buffer
    }
  /** The connection ended, or nothing came. */
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }

export interface Call {
  readonly authority: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  readonly timeoutMs: number
}

const BODY_BYTES_MAX = 1 << 20

/** Makes one POST on an open socket, plaintext or TLS, and ends the connection. Never rejects. */
export function callHttp2(socket: Socket, call: Call): Promise<CallOutcome> {
  return new Promise((resolve) => {
    let session: ClientHttp2Session | null = null
    let fault: { code: string; message: string } | null = null
    let settled = false
    const finish = (outcome: CallOutcome) => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      session?.destroy()
      socket.destroy()
      resolve(outcome)
    }
    const refused = () =>
      finish({ kind: 'refused', ...(fault ?? { code: 'CLOSED', message: 'closed without a word' }) })
    // The first fault is the cause; what follows is its echo.
    const onError = (error: unknown) => {
      fault ??= { code: codeOf(error), message: reasonOf(error) }
      setImmediate(refused)
    }
    const timer = setTimeout(() => {
      fault ??= { code: 'TIMEOUT', message: `no answer within ${call.timeoutMs} ms` }
      refused()
    }, call.timeoutMs)
    socket.on('error', onError)
    socket.on('close', () => setImmediate(refused))
    if (socket.destroyed) return refused()
    session = connect(call.authority, { createConnection: () => socket })
    session.on('error', onError)
    session.on('goaway', (code, _, data) => {
      if (code === 0) return
      fault ??= { code: `GOAWAY_${code}`, message: data?.toString('utf8') || `GOAWAY with code ${code}` }
      setImmediate(refused)
    })
    session.on('close', () => setImmediate(refused))
    request(session, call, finish, onError)
  })
}

function request(
  session: ClientHttp2Session,
  call: Call,
  finish: (outcome: CallOutcome) => void,
  onError: (error: unknown) => void,
): void {
  const stream = session.request({ ':method': 'POST', ':path': call.path, ...call.headers })
  const chunks: Buffer[] = []
  let bytes = 0
  let headers: IncomingHttpHeaders = {}
  stream.on('error', onError)
  stream.on('response', (received) => {
    headers = received
  })
  stream.on('trailers', (received) => {
    headers = { ...headers, ...received, ':status': headers[':status'] }
  })
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= BODY_BYTES_MAX) chunks.push(chunk)
  })
  stream.on('end', () => {
    // An end without headers is a connection that went away.
    if (headers[':status'] === undefined) return
    const status = headers['grpc-status']
    const text = headers['grpc-message']
    finish({
      kind: 'answer',
      http: Number(headers[':status']),
      grpc: status === undefined ? null : Number(status),
      message: typeof text === 'string' ? decoded(text) : '',
      headers,
      body: Buffer.concat(chunks),
    })
  })
  stream.end(call.body)
}

/** gRPC's percent-encoding of its message. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** A unary gRPC call with an empty message: enough for GetVersion, Connect and the like. */
export function callGrpc(
  socket: Socket,
  call: {
    readonly authority: string
    readonly path: string
    readonly token: string | null
    readonly timeoutMs: number
  },
): Promise<CallOutcome> {
  const { token, ...rest } = call
  return callHttp2(socket, {
    ...rest,
    headers: {
      'content-type': 'application/grpc',
      te: 'trailers',
      // Milvus' metadata: base64 of user:password, or of an API key.
      ...(token === null ? {} : { authorization: Buffer.from(token).toString('base64') }),
    },
    body: Buffer.alloc(5),
  })
}

/** Path of a method of Milvus' service. */
export function milvusMethod(name: string): string {
  return `/milvus.proto.milvus.MilvusService/${name}`
}

/** The first string of field 2 of a reply: `GetVersionResponse.version`. '' where there is none. */
export function versionOf(body: Buffer): string {
  let at = 5
  while (at < body.length) {
    const tag = body[at] ?? 0
    const [length, start] = varint(body, at + 1)
    if ((tag & 7) === 0) at = start
    else if ((tag & 7) !== 2) return ''
    else if (tag >> 3 === 2) return body.toString('utf8', start, start + length)
    else at = start + length
  }
  return ''
}

function varint(body: Buffer, from: number): readonly [value: number, next: number] {
  let value = 0
  let at = from
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = body[at] ?? 0
    at += 1
    value |= (byte & 0x7f) << shift
    if ((byte & 0x80) === 0) break
  }
  return [value, at]
}
