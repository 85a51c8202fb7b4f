/** A proxy and what stands behind it: a second Redkite over its internal port, or a bare HTTP/2 server. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { type Served, type StartOptions, startRedkite } from './server.ts'
import type { CertSet } from './sets.ts'

export function settings(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([key, value]) => ['--set', `${key}=${value}`])
}

/** Keys of a node whose internal port speaks mutual TLS. */
export function internalTls(set: CertSet, more: Readonly<Record<string, string>> = {}): string[] {
  return settings({
    'common.security.internaltlsEnabled': 'true',
    'internaltls.serverPemPath': set.server,
    'internaltls.serverKeyPath': set.serverKey,
    'internaltls.caPemPath': set.ca,
    'proxy.internalPort': '0',
    ...more,
  })
}

/** Keys of a proxy that shows the client pair of `set`. */
export function linkTls(set: CertSet, more: Readonly<Record<string, string>> = {}): string[] {
  return settings({
    'redkite.upstream.caPemPath': set.ca,
    'redkite.upstream.clientPemPath': set.client,
    'redkite.upstream.clientKeyPath': set.clientKey,
    ...more,
  })
}

export function startProxy(uri: string, args: readonly string[] = [], options: StartOptions = {}): Promise<Served> {
  return startRedkite({ ...options, args: ['proxy', '--upstream', uri, ...args] })
}

/** What `/healthz` says: its status and text. */
export async function healthOf(served: Served): Promise<string> {
  const response = await fetch(`${served.ready.metrics}/healthz`)
  return `${response.status} ${await response.text()}`
}

export async function metricOf(served: Served, name: string): Promise<string | null> {
  const text = await (await fetch(`${served.ready.metrics}/metrics`)).text()
  const line = text.split('\n').find((one) => one.startsWith(`${name} `))
  return line?.slice(name.length + 1) ?? null
}

export interface FakeUpstream extends AsyncDisposable {
  readonly uri: string
  readonly port: number
  /** Headers of every call so far. */
  readonly seen: IncomingHttpHeaders[]
  readonly sessions: Set<ServerHttp2Session>
  serve: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void
}

/** A bare HTTP/2 server: what the proxy's other side sees, and answers of every kind. */
export async function fakeUpstream(maxConcurrentStreams = 100, at = 0): Promise<FakeUpstream> {
  const server = createServer({ settings: { maxConcurrentStreams } })
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
    session.on('error', () => {})
  })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {})
    fake.seen.push(headers)
    fake.serve(stream, headers)
  })
  server.listen(at, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const fake: FakeUpstream = {
    uri: `http://127.0.0.1:${port}`,
    port,
    seen: [],
    sessions,
    serve: answerEcho,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy()
      server.close()
      await once(server, 'close')
    },
  }
  return fake
}

export const REPLY_HEADERS = { ':status': 200, 'content-type': 'application/grpc' } as const

/** Sends the request's bytes back with status OK. */
export function answerEcho(stream: ServerHttp2Stream): void {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.on('end', () => reply(stream, Buffer.concat(chunks)))
}

export function reply(stream: ServerHttp2Stream, body: Buffer, trailers: Record<string, string> = {}): void {
  stream.respond(REPLY_HEADERS, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', ...trailers }))
  stream.end(body)
}
