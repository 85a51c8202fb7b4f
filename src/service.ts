import type { ReplyOf, RequestOf, Rpc } from './model/calls.ts'

declare const minted: unique symbol

/** Who calls, as the gate established it. `anonymous` only where authorisation is off. */
export type Principal =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'user'; readonly user: string; readonly isRoot: boolean }

/**
 * Proof that a call was admitted: the only key to a `Service`. Minted by `auth/authority.ts` alone (held by
 * `test/tidy.test.ts`), so forgetting to authorise does not compile.
 */
export interface Pass<R extends Rpc = Rpc> {
  readonly [minted]: true
  readonly rpc: R
  readonly principal: Principal
  /** `address:port` of the peer, for logs and audit. */
  readonly peer: string
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
