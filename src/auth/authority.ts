import type { ReplyOf, RequestOf, Rpc } from '../model/calls.ts'
import type { Access, Target } from '../ops/op.ts'
import type { Caller, CallMetadata, ForwardPass, Pass, Principal, Service } from '../service.ts'
import type { Audit, CallProtocol } from './audit.ts'

/** What a caller showed: nothing, a token as gRPC sends it, or user and password as REST sends them. */
export type Credentials =
  | { readonly kind: 'none' }
  /** gRPC `authorization` metadata: base64 of `user:password` or of an API key. */
  | { readonly kind: 'metadata'; readonly value: string }
  /** REST: the `Authorization` header as received (Basic, Bearer or raw). */
  | { readonly kind: 'header'; readonly value: string }

/** The gate. Every protocol goes through it for every call. */
export interface Authority {
  /** Where calls are recorded; null or absent = nowhere. */
  readonly audit?: Audit | null
  /** @throws RedkiteError `unauthenticated` (gRPC) or `restUnauthenticated` (REST) with Milvus' text. */
  authenticate(credentials: Credentials, caller: Caller): Promise<Principal>
  /**
   * For the administration of the server itself (`/redkite/v1`): a login is asked for even where
   * `common.security.authorizationEnabled` is off, and only root passes.
   * @param what is asked for, for the record: `POST /redkite/v1/tls/reload`
   * @throws RedkiteError `restUnauthenticated` or `permissionDenied`
   */
  administer(credentials: Credentials, caller: Caller, what?: string): Promise<Principal>
  /** Mints the pass, or throws `permissionDenied` with Milvus' text. */
  admit<R extends Rpc>(
    principal: Principal,
    op: AdmittedOp<R>,
    request: RequestOf<R>,
    caller: Caller,
    signal: AbortSignal,
  ): Pass<R>
  /** What of a reply the caller may see: the lists that are shown to everybody are narrowed. */
  narrow<R extends Rpc>(principal: Principal, rpc: R, request: RequestOf<R>, reply: ReplyOf<R>): ReplyOf<R>
  /**
   * Whether an RPC may be passed on before its request was looked at: its privilege is held on everything, or a login
   * is enough and nothing of the reply is to be narrowed.
   */
  needsNoTarget(principal: Principal, method: ForwardableMethod): boolean
  /**
   * The same as `admit` for an RPC that is passed on undecoded. `access` null = neither Milvus nor we declare what it
   * takes: only root and `admin` pass where authorisation is on. `targets` null = what it is about is not known: the
   * privilege must be held on everything. `db` is the `dbname` header, for the text.
   */
  admitForward(
    principal: Principal,
    method: ForwardableMethod,
    targets: readonly Target[] | null,
    db: string,
    caller: Caller,
  ): ForwardPass
}

/** What of an op the gate reads. */
export interface AdmittedOp<R extends Rpc> {
  readonly rpc: R
  readonly access: Access
  targets(request: RequestOf<R>): readonly Target[]
}

export interface ForwardableMethod {
  readonly path: string
  readonly access: Access | null
}

/** Admits and calls, for both protocols. */
export async function admitAndCall<R extends Rpc>(
  gate: Authority,
  service: Service,
  principal: Principal,
  op: AdmittedOp<R>,
  request: RequestOf<R>,
  caller: Caller,
  signal: AbortSignal,
  metadata?: CallMetadata,
  protocol: CallProtocol = 'gRPC',
): Promise<ReplyOf<R>> {
  const { audit } = gate
  const run = async () => {
    const reply = await service.call(gate.admit(principal, op, request, caller, signal), request, metadata)
    return gate.narrow(principal, op.rpc, request, reply)
  }
  return audit?.covers(op.rpc) ? audit.call({ rpc: op.rpc, request, principal, caller }, protocol, run) : run()
}
