import type { ReplyOf, RequestOf, Rpc } from './model/calls.ts'

declare const minted: unique symbol

/**
 * Where a call comes from, as the listener established it before a byte of the call was read. `ConnectionFacts` of the
 * listener is one; parts that may not know the listener see this much of it.
 */
export interface Caller {
  /** Connection number within its listener. */
  readonly id: number
  /** Which listener: `proxy`, `rest`, `internal`. */
  readonly listener: string
  /** `address:port` of the peer. */
  readonly peer: string
  readonly tls: null | {
    readonly version: string
    readonly generation: number
    /** The client certificate, verified under mutual TLS; null where none was asked for. */
    readonly client: null | CallerCertificate
  }
}

/** What the access layer reads of a verified client certificate. */
export interface CallerCertificate {
  /** One line, control characters escaped. */
  readonly subject: string
  readonly serial: string
  /** SHA-256 of the certificate, hexadecimal with colons. */
  readonly fingerprint256: string
  /** The user that the identity rules map it to; null = to nobody. */
  readonly user: string | null
}

/** How a user was established. */
export type Proof = 'password' | 'certificate' | 'both'

/** Who calls, as the gate established it. `anonymous` only where authorisation is off. */
export type Principal =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'user'; readonly user: string; readonly isRoot: boolean; readonly proof: Proof }

/**
 * Proof that a call was admitted: the only key to a `Service`. Minted by `auth/authority.ts` alone (held by
 * `test/tidy.test.ts`), so forgetting to authorise does not compile.
 */
export interface Pass<R extends Rpc = Rpc> {
  readonly [minted]: true
  readonly rpc: R
  readonly principal: Principal
  /** Where it comes from, for logs and audit. */
  readonly caller: Caller
  /** Aborted on client cancel, deadline or drain timeout. */
  readonly signal: AbortSignal
}

/** State of the service for `/healthz`, CheckHealth and the console. */
export interface Health {
  readonly healthy: boolean
  readonly parts: readonly { readonly name: string; readonly healthy: boolean; readonly detail: string }[]
}

/** The port between the access layer and whatever answers: `embedded/` on this machine, `upstream/` elsewhere. */
export interface Service extends AsyncDisposable {
  call<R extends Rpc>(pass: Pass<R>, request: RequestOf<R>): Promise<ReplyOf<R>>
  health(): Health
}
