import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type {
  ConnectionFacts,
  RefusedAnswers,
  RestRequest,
  RestResponse,
  StreamHandlers,
} from '../../src/listener/handlers.ts'
import { type Listener, type ListenOptions, listen } from '../../src/listener/listen.ts'
import type { Log, LogFields, LogLevel } from '../../src/observe/log.ts'
import { createMetrics, type Metrics } from '../../src/observe/metrics.ts'
import { openMaterial, type TlsMaterial } from '../../src/tls/material.ts'
import type { TlsFiles, TlsSettings } from '../../src/tls/settings.ts'

export interface Line {
  readonly level: LogLevel
  readonly message: string
  readonly fields: LogFields
}

/** A log that remembers. */
export function recordingLog(): Log & { readonly lines: Line[] } {
  const lines: Line[] = []
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}) =>
      void lines.push({ level, message, fields })
  const log = { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), at: () => log }
  return log
}

/** Polls until the condition holds; fails after five seconds. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, limitMs = 5_000): Promise<void> {
  const deadline = Date.now() + limitMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${limitMs} ms for: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Writes files into a fresh directory, removed by disposal. */
export async function folder(
  files: Readonly<Record<string, string>>,
): Promise<AsyncDisposable & { path(name: string): string }> {
  const directory = await mkdtemp(join(tmpdir(), 'redkite-tls-'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text, { mode: 0o600 })
  return {
    path: (name) => join(directory, name),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}

/** The largest number of calls seen, and what the handlers do: gRPC echoes, REST tells the connection's facts. */
export interface EchoHandlers extends StreamHandlers {
  calls: number
  readonly seen: ConnectionFacts[]
}

export function echoHandlers(): EchoHandlers {
  const handlers: EchoHandlers = {
    calls: 0,
    seen: [],
    grpc(stream: ServerHttp2Stream, _headers: IncomingHttpHeaders, connection: ConnectionFacts) {
      handlers.calls += 1
      handlers.seen.push(connection)
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.pipe(stream)
    },
    rest(request: RestRequest, response: RestResponse, connection: ConnectionFacts) {
      handlers.calls += 1
      handlers.seen.push(connection)
      request.resume()
      request.on('end', () => {
        response.statusCode = 200
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify(connection))
      })
    },
  }
  return handlers
}

export interface Port extends AsyncDisposable {
  readonly listener: Listener
  readonly port: number
  readonly material: TlsMaterial | null
  readonly handlers: EchoHandlers
  readonly lines: Line[]
  readonly metrics: Metrics
  /** Sum of `redkite_tls_handshakes_total` with these labels. */
  handshakes(labels: Readonly<Record<string, string>>): Promise<number>
  refusals(): readonly LogFields[]
}

/** A real port on loopback: material (if files are given), listener and echo handlers. */
export async function openPort(
  files: TlsFiles | null,
  options: Partial<Pick<ListenOptions, 'serve' | 'limits' | 'name'>> & {
    settings?: Partial<TlsSettings>
    refused?: RefusedAnswers
  } = {},
): Promise<Port> {
  const log = recordingLog()
  const metrics = createMetrics()
  const handlers = echoHandlers()
  const material = files ? await openMaterial({ files, watchIntervalMs: 0, ...options.settings }, log, metrics) : null
  const listener = await listen({
    name: options.name ?? 'proxy',
    host: '127.0.0.1',
    port: 0,
    tls: material,
    handlers: options.refused ? { ...handlers, refused: options.refused } : handlers,
    serve: options.serve ?? 'grpc+rest',
    limits: options.limits ?? {},
    log,
    metrics,
  })
  return {
    listener,
    port: listener.port,
    material,
    handlers,
    lines: log.lines,
    metrics,
    async handshakes(labels) {
      const { values } = await metrics.handshakes.get()
      return values
        .filter((value) => Object.entries(labels).every(([key, wanted]) => Reflect.get(value.labels, key) === wanted))
        .reduce((sum, value) => sum + value.value, 0)
    },
    refusals: () => log.lines.filter((line) => line.message === 'connection refused').map((line) => line.fields),
    async [Symbol.asyncDispose]() {
      await listener[Symbol.asyncDispose]()
      await material?.[Symbol.asyncDispose]()
    },
  }
}
