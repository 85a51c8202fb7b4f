import type { RecentRefusal } from '../tls/recent-refusals.ts'
import type { ConnectionFacts } from './handlers.ts'

export type HttpProtocol = 'h2' | 'http/1.1'

/** An open connection, as the administration sees it. */
export interface ConnectionStatus {
  readonly facts: ConnectionFacts
  readonly protocol: HttpProtocol
  /** Requests in progress. */
  readonly requestsOpen: number
}

/** A bound port, as the administration sees it. */
export interface ListenerStatus {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly serves: 'grpc+rest' | 'rest'
  /** Null on a plaintext port. */
  readonly tls: null | {
    readonly minVersion: string
    /** Number of the key material in use. */
    readonly generation: number
    /** Handshakes in progress. */
    readonly pending: number
    /** Newest first. */
    readonly refusals: readonly RecentRefusal[]
  }
  readonly connections: readonly ConnectionStatus[]
}
