import type { IncomingMessage, ServerResponse } from 'node:http'
import type {
  Http2ServerRequest,
  Http2ServerResponse,
  IncomingHttpHeaders,
  OutgoingHttpHeaders,
  ServerHttp2Stream,
} from 'node:http2'
import type { ClientIdentity, Explanation } from '../tls/judge.ts'

/** What is known of a connection; frozen once it is accepted. */
export interface ConnectionFacts {
  readonly id: number
  /** Which listener: `proxy`, `rest`, `internal`. */
  readonly listener: string
  /** `address:port` of the peer. */
  readonly peer: string
  /** Unix milliseconds. */
  readonly openedAt: number
  readonly tls: null | {
    readonly version: string
    readonly cipher: string
    readonly alpn: string
    /** Key-exchange group, e.g. `X25519MLKEM768`; '' where it is not known. */
    readonly group: string
    /** Server name that the client asked for; '' = none. */
    readonly sni: string
    readonly resumed: boolean
    readonly generation: number
    /** The verified client certificate of mutual TLS; null in one-way mode. */
    readonly client: null | ClientIdentity
  }
}

export type RestRequest = IncomingMessage | Http2ServerRequest
export type RestResponse = ServerResponse | Http2ServerResponse

/** Why a client certificate was refused, in words. */
export type RefusedBecause = Explanation

/** What refused clients are told (`redkite.tls.explain`): answers made of the reason alone, never of the request. */
export interface RefusedAnswers {
  /** `body` null: the headers are the whole answer. */
  http2(why: RefusedBecause, isGrpc: boolean): { readonly headers: OutgoingHttpHeaders; readonly body: string | null }
  /** Head and body. */
  http1(why: RefusedBecause): string
}

/** Where the listener hands accepted traffic to: the protocols, built by `server.ts`. */
export interface StreamHandlers {
  grpc(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, connection: ConnectionFacts): void
  rest(request: RestRequest, response: RestResponse, connection: ConnectionFacts): void
  /** Absent: refused clients are never told by HTTP, whatever the settings say. */
  readonly refused?: RefusedAnswers
}

const lasting = new WeakSet<ServerHttp2Stream>()

/** For an admitted stream in both directions: its request may go on for longer than `requestTimeoutMs`. */
export function mayLast(stream: ServerHttp2Stream): void {
  lasting.add(stream)
}

export function isLasting(stream: ServerHttp2Stream): boolean {
  return lasting.has(stream)
}
