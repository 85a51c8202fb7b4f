import { dialTcp } from './dial.ts'
import { callGrpc, milvusMethod } from './grpc-call.ts'

/** How a port answers somebody who does not encrypt. */
export type Plaintext =
  /** A call was answered: whoever listens on the line reads it. */
  | { readonly kind: 'served'; readonly detail: string }
  /** It says that it wants TLS, or closes. */
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'unreachable'; readonly detail: string }

/** What a TLS server answers to plain HTTP: our words and Go's, and nginx'. */
const WANTS_TLS = /HTTP request to an HTTPS server|HTTP request was sent to HTTPS port|needs TLS/i
const ANSWER_BYTES_MAX = 4_096

/** HTTP/2 without TLS, by prior knowledge, with a gRPC call in it: what a gRPC client without TLS does. */
export async function probeH2c(host: string, port: number, timeoutMs: number): Promise<Plaintext> {
  const tcp = await dialTcp(host, port, timeoutMs)
  if (tcp.kind === 'failed') return { kind: 'unreachable', detail: tcp.message }
  const path = milvusMethod('GetVersion')
  const outcome = await callGrpc(tcp.socket, {
    authority: `http://${bracketed(host)}:${port}`,
    path,
    token: null,
    timeoutMs,
  })
  if (outcome.kind === 'refused') return { kind: 'refused', detail: `gRPC without TLS: ${outcome.message}` }
  const status = outcome.grpc === null ? `HTTP ${outcome.http}` : `gRPC status ${outcome.grpc}`
  return { kind: 'served', detail: `a gRPC call without TLS is answered (${status})` }
}

/** HTTP/1.1 without TLS: what a browser or curl does with `http://`. */
export async function probeHttp1(host: string, port: number, timeoutMs: number): Promise<Plaintext> {
  const tcp = await dialTcp(host, port, timeoutMs)
  if (tcp.kind === 'failed') return { kind: 'unreachable', detail: tcp.message }
  const { socket } = tcp
  socket.write(`GET / HTTP/1.1\r\nHost: ${bracketed(host)}:${port}\r\nConnection: close\r\n\r\n`)
  const text = await new Promise<string>((resolve) => {
    let received = ''
    const done = () => resolve(received)
    socket.setTimeout(timeoutMs, done)
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk
      if (received.length > ANSWER_BYTES_MAX) done()
    })
    socket.on('error', done).on('close', done)
  })
  socket.destroy()
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1]
  if (status === undefined) return { kind: 'refused', detail: 'HTTP without TLS: closed without an HTTP answer' }
  if (WANTS_TLS.test(text)) return { kind: 'refused', detail: `HTTP without TLS: ${status}, this port needs TLS` }
  return { kind: 'served', detail: `an HTTP request without TLS is answered (HTTP ${status})` }
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
