import type { OutgoingHttpHeaders } from 'node:http2'
import type { UpstreamConfig } from '../config/upstream.ts'
import type { ForwardHeaders } from '../service.ts'

/**
 * What is of one hop: pseudo-headers are written anew, connection headers do not exist in HTTP/2, the deadline is what
 * is left of it. Everything else of gRPC is the caller's and travels unchanged.
 */
const OF_ONE_HOP: ReadonlySet<string> = new Set([
  ...[':method', ':path', ':scheme', ':authority', 'host', 'te', 'grpc-timeout'],
  ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'content-length'],
])

/** Makes the headers of calls to one upstream; the login by `redkite.upstream.credentials`. */
export class RequestHeaders {
  readonly #scheme: string
  readonly #authority: string
  readonly #passesLogin: boolean
  readonly #login: string | null

  constructor({ uri, tls, serverName, port, credentials }: UpstreamConfig) {
    const url = new URL(uri)
    this.#scheme = url.protocol.slice(0, -1)
    this.#authority = tls === null || serverName.includes(':') ? url.host : `${serverName}:${port}`
    this.#passesLogin = credentials.kind === 'passed'
    this.#login =
      credentials.kind === 'mapped'
        ? Buffer.from(`${credentials.user}:${credentials.password.reveal()}`).toString('base64')
        : null
  }

  of(path: string, given: ForwardHeaders): OutgoingHttpHeaders {
    const headers: OutgoingHttpHeaders = {
      ':method': 'POST',
      ':scheme': this.#scheme,
      ':authority': this.#authority,
      ':path': path,
      te: 'trailers',
    }
    for (const name in given) {
      if (OF_ONE_HOP.has(name) || (name === 'authorization' && !this.#passesLogin)) continue
      headers[name] = given[name]
    }
    if (this.#login !== null) headers['authorization'] = this.#login
    return headers
  }
}

const MICROSECONDS_MAX = 99_999_999

/** A duration as `grpc-timeout` writes it: at most eight digits and a unit. Never 0: that is no deadline to some. */
export function grpcTimeout(milliseconds: number): string {
  const microseconds = Math.max(1, Math.floor(milliseconds * 1_000))
  return microseconds <= MICROSECONDS_MAX ? `${microseconds}u` : `${Math.min(99_999_999, Math.floor(milliseconds))}m`
}
