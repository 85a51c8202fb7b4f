import type { RedkiteError } from '../errors/error.ts'
import { faultText } from '../errors/error.ts'
import type { ReplyOf, RequestOf, Rpc } from '../model/calls.ts'
import type { Access, Target } from '../ops/op.ts'
import type { Caller, ForwardPass, Pass, Principal } from '../service.ts'
import type { Audit, CallProtocol } from './audit.ts'
import type { AdmittedOp, Authority, Credentials, ForwardableMethod } from './authority.ts'
import { EVERYTHING, type Permissions } from './grants.ts'
import { claimedUser, refused } from './login.ts'
import { type LoginOptions, Logins } from './logins.ts'
import { isNarrowed, visible } from './visible.ts'

export interface GateOptions extends LoginOptions {
  /** `common.security.authorizationEnabled`. */
  readonly enabled: boolean
  /** Who may do what. */
  readonly roles: Roles
  /** `common.security.rootShouldBindRole`: root has its roles and no more. */
  readonly rootShouldBindRole: boolean
  /** The collection that a name stands for, itself or an alias; a name that is neither stands for itself. */
  readonly resolveAlias: (db: string, name: string) => string
  /** Who did what is recorded there; null or absent = nowhere. */
  readonly audit?: Audit | null
}

/** What the gate asks the roles. */
export interface Roles {
  permissions(user: string): Permissions
  hasRole(user: string, role: string): boolean
}

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
    op: AdmittedOp<R>,
    request: RequestOf<R>,
    caller: Caller,
    signal: AbortSignal,
  ): Pass<R> {
    this.#demandLogin(principal)
    const user = this.#boundUser(principal)
    if (user !== null && !this.#allows(user, op, request)) throw denied(user, op.access, dbOf(request))
    return { rpc: op.rpc, principal, caller, signal } as Pass<R>
  }

  narrow<R extends Rpc>(principal: Principal, rpc: R, request: RequestOf<R>, reply: ReplyOf<R>): ReplyOf<R> {
    const user = isNarrowed(rpc) ? this.#boundUser(principal) : null
    return user === null ? reply : visible(rpc, request, reply, this.#options.roles.permissions(user))
  }

  needsNoTarget(principal: Principal, { path, access }: ForwardableMethod): boolean {
    const user = this.#boundUser(principal)
    if (user === null) return true
    const permissions = this.#options.roles.permissions(user)
    if (permissions === EVERYTHING) return true
    if (access === null) return false
    return access.kind === 'login' ? !isNarrowed(rpcOf(path)) : permissions.holdsEverywhere(access)
  }

  admitForward(
    principal: Principal,
    method: ForwardableMethod,
    targets: readonly Target[] | null,
    db: string,
    caller: Caller,
  ): ForwardPass {
    this.#demandLogin(principal)
    const rpc = rpcOf(method.path)
    const { access } = method
    const user = this.#boundUser(principal)
    const isAdmitted =
      user === null ||
      this.needsNoTarget(principal, method) ||
      (targets !== null && access?.kind === 'privilege' && this.#holdsAll(user, access, targets))
    if (this.audit?.covers(rpc)) this.audit.forwarded(rpc, db, principal, caller, isAdmitted)
    if (!isAdmitted) throw denied(user, access ?? UNDECLARED, db)
    return { path: method.path, principal, caller } as ForwardPass
  }

  /** Authorisation that was switched on admits no anonymous principal, whoever made it. */
  #demandLogin(principal: Principal): void {
    if (principal.kind === 'anonymous' && this.#options.enabled) throw refused('missing authorization in header')
  }

  /** The user whose roles decide; null for root, and for everybody where authorisation is off. */
  #boundUser(principal: Principal): string | null {
    if (principal.kind === 'anonymous') return null
    return principal.isRoot && !this.#options.rootShouldBindRole ? null : principal.user
  }

  #allows<R extends Rpc>(user: string, op: AdmittedOp<R>, request: RequestOf<R>): boolean {
    if (op.access.kind === 'login') return true
    // everybody may look at what the own roles have (Milvus' `isSelectMyRoleGrants`)
    if (op.rpc === 'SelectGrant' && 'role' in request && typeof request.role === 'string') {
      if (this.#options.roles.hasRole(user, request.role)) return true
    }
    return this.#holdsAll(user, op.access, op.targets(request))
  }

  #holdsAll(user: string, access: Access & { kind: 'privilege' }, targets: readonly Target[]): boolean {
    const { roles, resolveAlias } = this.#options
    const permissions = roles.permissions(user)
    const holds = ({ db, name }: Target) => {
      // everybody may see the own roles, and change the own password with the old one (Milvus' `isCurUserObject`)
      if (access.object === 'User' && name === user) return true
      return permissions.holds(
        access,
        access.object === 'Collection' ? { db, name: resolveAlias(db, name) } : { db, name },
      )
    }
    return targets.length > 0 && targets.every(holds)
  }
}

function rpcOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function protocolOf(credentials: Credentials): CallProtocol {
  return credentials.kind === 'header' ? 'REST' : 'gRPC'
}

function dbOf(request: object): string {
  return 'db' in request && typeof request.db === 'string' ? request.db : ''
}

function denied(user: string, access: Access, db: string): RedkiteError {
  const privilege = access.kind === 'privilege' ? access.privilege : 'Login'
  const where = db === '' ? 'default' : db
  return faultText('permissionDenied', `${privilege}: permission deny to ${user} in the \`${where}\` database`)
}
