import type { RedkiteError } from './errors/error.ts'
import type { ReplyOf, RequestOf, Rpc } from './model/calls.ts'
import type { RoleCalls } from './model/role-calls.ts'

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

/** The same for a call that is forwarded without being decoded. */
export interface ForwardPass {
  readonly [minted]: true
  /** The gRPC path: `/package.Service/Method`. */
  readonly path: string
  readonly principal: Principal
  readonly caller: Caller
}

/** Headers or trailers of a call as HTTP/2 carries them, names in lower case. */
export type ForwardHeaders = Readonly<Record<string, string | string[] | undefined>>

/**
 * Where the reply of a forwarded call goes, as it arrives: headers (with `ends`: they are all), data, trailers, end.
 * `end` or `failed` comes last, once; after a cancellation nothing comes.
 */
export interface ForwardSink {
  /** Milliseconds that are left until the deadline; null = there is none. */
  remainingMs(): number | null
  headers(headers: ForwardHeaders, ends: boolean): void
  data(chunk: Buffer): void
  end(trailers: ForwardHeaders): void
  failed(error: RedkiteError): void
  /** More of the request may be written. */
  drained(): void
}

/** The request side of a forwarded call. */
export interface ForwardStream {
  /** Sends framed bytes; false: wait for `drained`. The buffer is not copied. */
  write(chunk: Buffer): boolean
  /** Ends the request. */
  end(): void
  pauseReply(): void
  resumeReply(): void
  /** Nothing of the call is wanted any more. */
  cancel(): void
}

/** What a service offers that passes calls on instead of answering them. */
export interface Forward {
  /** RPCs about users, passwords and roles are answered here and not passed on. */
  readonly usersHere: boolean
  /**
   * @param whole the whole request, framed, where it is at hand: sent at once, and again where the upstream did not
   * process it; null: headers are sent, and the request follows by `write` and `end`
   */
  open(pass: ForwardPass, headers: ForwardHeaders, sink: ForwardSink, whole: Buffer | null): ForwardStream
}

/** gRPC metadata that goes with a REST call where it is passed on: the login as gRPC writes it, trace ids, deadline. */
export type CallMetadata = Readonly<Record<string, string>>

/** State of the service for `/healthz`, CheckHealth and the console. */
export interface Health {
  readonly healthy: boolean
  readonly parts: readonly { readonly name: string; readonly healthy: boolean; readonly detail: string }[]
}

/** The port between the access layer and whatever answers: `embedded/` on this machine, `upstream/` elsewhere. */
export interface Service extends AsyncDisposable {
  /** @param metadata read only by a service that passes the call on */
  call<R extends Rpc>(pass: Pass<R>, request: RequestOf<R>, metadata?: CallMetadata): Promise<ReplyOf<R>>
  /** How calls are passed on undecoded; null where they are answered here. */
  readonly forward: Forward | null
  health(): Health
}

/** RPCs about users, passwords, roles and grants. */
export type UserRpc =
  | 'CreateCredential'
  | 'UpdateCredential'
  | 'DeleteCredential'
  | 'ListCredUsers'
  | (keyof RoleCalls & Rpc)

/** What answers them where users are kept by this server: provided by `auth/`, which lies above the services. */
export type UserCalls = {
  readonly [R in UserRpc]: (pass: Pass<R>, request: RequestOf<R>) => Promise<ReplyOf<R>>
}
