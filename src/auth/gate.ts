import type { RedkiteError } from '../errors/error.ts'
import { faultText } from '../errors/error.ts'
import type { RequestOf, Rpc } from '../model/calls.ts'
import type { Access } from '../ops/op.ts'
import type { Caller, ForwardPass, Pass, Principal } from '../service.ts'
import type { Audit, CallProtocol } from './audit.ts'
import type { Authority, Credentials } from './authority.ts'
import { claimedUser, refused } from './login.ts'
import { type LoginOptions, Logins } from './logins.ts'

export interface GateOptions extends LoginOptions {
  /** `common.security.authorizationEnabled`. */
  readonly enabled: boolean
  /** Who did what is recorded there; null or absent = nowhere. */
  readonly audit?: Audit | null
}

/** What Milvus grants to its role `public`, which every user has. Everything else waits for roles: refused. */
const PUBLIC_PRIVILEGES = new Set([
  'PrivilegeDescribeCollection',
  'PrivilegeListAliases',
  'PrivilegeDescribeAlias',
  'PrivilegeIndexDetail',
])
/** What an RPC takes of which nobody said it: nothing that anybody but root has. */
const UNDECLARED: Access = { kind: 'privilege', object: 'Global', privilege: 'PrivilegeUndeclared' }
const ANONYMOUS: Principal = { kind: 'anonymous' }

/** The only place that mints a `Pass`. */
export class Gate implements Authority {
  readonly #options: GateOptions
  readonly #logins: Logins
  readonly audit: Audit | null

  constructor(options: GateOptions) {
    this.#options = options
    this.audit = options.audit ?? null
    this.#logins = new Logins(options)
  }

  async authenticate(credentials: Credentials, caller: Caller): Promise<Principal> {
    return this.#options.enabled ? this.#login(credentials, caller) : ANONYMOUS
  }

  async administer(credentials: Credentials, caller: Caller, what?: string): Promise<Principal> {
    const principal = await this.#login(credentials, caller)
    const isAdmitted = principal.kind === 'user' && principal.isRoot
    const outcome = isAdmitted ? 'ok' : 'permissionDenied'
    this.audit?.administration(what ?? '', principal, outcome, caller, protocolOf(credentials))
    if (isAdmitted) return principal
    throw faultText('permissionDenied', 'the administration of this server is root’s')
  }

  async #login(credentials: Credentials, caller: Caller): Promise<Principal> {
    const { audit } = this
    if (audit === null) return this.#logins.establish(credentials, caller)
    try {
      const principal = await this.#logins.establish(credentials, caller)
      audit.login(principal, caller, protocolOf(credentials))
      return principal
    } catch (thrown) {
      audit.loginRefused(claimedUser(credentials), thrown, caller, protocolOf(credentials))
      throw thrown
    }
  }

  admit<R extends Rpc>(
    principal: Principal,
    op: { readonly rpc: R; readonly access: Access },
    request: RequestOf<R>,
    caller: Caller,
    signal: AbortSignal,
  ): Pass<R> {
    // authorisation that was switched on admits no anonymous principal, whoever made it
    if (principal.kind === 'anonymous' && this.#options.enabled) throw refused('missing authorization in header')
    if (!isAllowed(principal, op.access, request)) throw denied(principal, op.access, request)
    return { rpc: op.rpc, principal, caller, signal } as Pass<R>
  }

  admitForward(
    principal: Principal,
    method: { readonly path: string; readonly access: Access | null },
    db: string,
    caller: Caller,
  ): ForwardPass {
    if (principal.kind === 'anonymous' && this.#options.enabled) throw refused('missing authorization in header')
    const request = { db }
    const access = method.access ?? UNDECLARED
    const rpc = method.path.slice(method.path.lastIndexOf('/') + 1)
    const isAdmitted = isAllowed(principal, access, request)
    if (this.audit?.covers(rpc)) this.audit.forwarded(rpc, db, principal, caller, isAdmitted)
    if (!isAdmitted) throw denied(principal, access, request)
    return { path: method.path, principal, caller } as ForwardPass
  }
}

function protocolOf(credentials: Credentials): CallProtocol {
  return credentials.kind === 'header' ? 'REST' : 'gRPC'
}

function isAllowed(principal: Principal, access: Access, request: object): boolean {
  if (principal.kind === 'anonymous' || principal.isRoot) return true
  if (access.kind === 'login') return true
  if (PUBLIC_PRIVILEGES.has(access.privilege)) return true
  // everybody may change the own password (with the old one)
  return access.privilege === 'PrivilegeUpdateUser' && 'user' in request && request.user === principal.user
}

function denied(principal: Principal, access: Access, request: object): RedkiteError {
  const user = principal.kind === 'user' ? principal.user : ''
  const privilege = access.kind === 'privilege' ? access.privilege : 'Login'
  const db = 'db' in request && typeof request.db === 'string' && request.db !== '' ? request.db : 'default'
  return faultText('permissionDenied', `${privilege}: permission deny to ${user} in the \`${db}\` database`)
}
