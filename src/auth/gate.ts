import type { RedkiteError } from '../errors/error.ts'
import { faultText } from '../errors/error.ts'
import type { RequestOf, Rpc } from '../model/calls.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Access } from '../ops/op.ts'
import type { Caller, ForwardPass, Pass, Principal } from '../service.ts'
import type { Authority, Credentials } from './authority.ts'
import { BackOff, type BackOffLimits } from './back-off.ts'
import type { Keeper } from './keeper.ts'
import { readLogin, refused, restRefused } from './login.ts'

export interface GateOptions {
  /** `common.security.authorizationEnabled`. */
  readonly enabled: boolean
  readonly keeper: Keeper
  readonly backOff: BackOffLimits
  readonly log: Log
  readonly metrics: Metrics
}

const ROOT = 'root'
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
const WRONG_PASSWORD = 'auth check failure, please check username and password are correct'

/** The only place that mints a `Pass`. */
export class Gate implements Authority {
  readonly #options: GateOptions
  readonly #backOff: BackOff

  constructor(options: GateOptions) {
    this.#options = options
    this.#backOff = new BackOff(options.backOff)
  }

  async authenticate(credentials: Credentials, caller: Caller): Promise<Principal> {
    return this.#options.enabled ? this.#establish(credentials, caller) : ANONYMOUS
  }

  async administer(credentials: Credentials, caller: Caller): Promise<Principal> {
    const principal = await this.#establish(credentials, caller)
    if (principal.kind === 'user' && principal.isRoot) return principal
    throw faultText('permissionDenied', 'the administration of this server is root’s')
  }

  async #establish(credentials: Credentials, { peer }: Caller): Promise<Principal> {
    const isRest = credentials.kind === 'header'
    const login = this.#counted('malformed', () => readLogin(credentials))
    if (login.kind === 'apiKey') {
      throw this.#refuse('api_key', isRest, 'auth check failure, please check api key is correct')
    }
    const { user, password } = login
    const { keeper } = this.#options
    if (keeper.isVerified(user, password)) return principalOf(user)
    const address = peer.slice(0, peer.lastIndexOf(':'))
    const waitMs = this.#backOff.waitMs(user, address)
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1_000)
      throw this.#refuse('back_off', isRest, `${WRONG_PASSWORD}; too many failed logins, try again in ${seconds} s`)
    }
    if (await keeper.verify(user, password)) {
      this.#backOff.succeeded(user, address)
      return principalOf(user)
    }
    this.#backOff.failed(user, address)
    this.#options.log.warn('login refused', { user, peer, reason: 'wrong user or password' })
    throw this.#refuse('password', isRest, WRONG_PASSWORD)
  }

  #counted<T>(reason: string, read: () => T): T {
    try {
      return read()
    } catch (thrown) {
      this.#options.metrics.authFailures.inc({ reason })
      throw thrown
    }
  }

  #refuse(reason: string, isRest: boolean, text: string): RedkiteError {
    this.#options.metrics.authFailures.inc({ reason })
    return isRest ? restRefused() : refused(text)
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
    if (!isAllowed(principal, access, request)) throw denied(principal, access, request)
    return { path: method.path, principal, caller } as ForwardPass
  }
}

function principalOf(user: string): Principal {
  return { kind: 'user', user, isRoot: user === ROOT, proof: 'password' }
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
