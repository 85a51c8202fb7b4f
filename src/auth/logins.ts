import { faultText, type RedkiteError } from '../errors/error.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Caller, Principal, Proof } from '../service.ts'
import type { Credentials } from './authority.ts'
import { BackOff, type BackOffLimits } from './back-off.ts'
import type { Keeper } from './keeper.ts'
import { isEmpty, readLogin, refused, restRefused } from './login.ts'

export interface LoginOptions {
  readonly keeper: Keeper
  readonly backOff: BackOffLimits
  /** What a user must show (`redkite.identity.policy`); absent: a password, whoever it is. */
  readonly proofWanted?: (user: string) => Proof
  readonly log: Log
  readonly metrics: Metrics
}

const ROOT = 'root'
const FAILURE = 'auth check failure'
const WRONG_PASSWORD = `${FAILURE}, please check username and password are correct`
/** What an answer repeats of a name from the wire: only what can be one. */
const NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/

/**
 * Establishes who calls, from what was shown and from the client certificate of the connection.
 *
 * | user's policy | no credentials | credentials of that user | credentials of another user |
 * |---|---|---|---|
 * | certificate | is that user | must be right | refused |
 * | both | refused | must be right | refused |
 * | password | refused | must be right, whatever the certificate | judged by the other user's policy |
 */
export class Logins {
  readonly #options: LoginOptions
  readonly #backOff: BackOff

  constructor(options: LoginOptions) {
    this.#options = options
    this.#backOff = new BackOff(options.backOff)
  }

  /** @throws RedkiteError `unauthenticated` (gRPC) or `restUnauthenticated` (REST) */
  async establish(credentials: Credentials, caller: Caller): Promise<Principal> {
    const isRest = credentials.kind === 'header'
    const certified = caller.tls?.client?.user ?? null
    if (certified !== null && isEmpty(credentials) && this.#wanted(certified) === 'certificate') {
      return this.#byCertificate(certified, isRest)
    }
    const login = this.#counted('malformed', () => readLogin(credentials))
    if (login.kind === 'apiKey') {
      throw this.#refuse('api_key', isRest, `${FAILURE}, please check api key is correct`)
    }
    const { user, password } = login
    const conflict = this.#conflict(user, certified)
    if (conflict !== null) throw this.#refuseCertificate(user, certified, caller.peer, conflict, isRest)
    const proof = this.#wanted(user) === 'password' ? 'password' : 'both'
    const { keeper } = this.#options
    if (keeper.isVerified(user, password)) return principalOf(user, proof)
    const address = caller.peer.slice(0, caller.peer.lastIndexOf(':'))
    const waitMs = this.#backOff.waitMs(user, address)
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1_000)
      throw this.#refuse('back_off', isRest, `${WRONG_PASSWORD}; too many failed logins, try again in ${seconds} s`)
    }
    if (await keeper.verify(user, password)) {
      this.#backOff.succeeded(user, address)
      return principalOf(user, proof)
    }
    this.#backOff.failed(user, address)
    this.#options.log.warn('login refused', { user, peer: caller.peer, reason: 'wrong user or password' })
    throw this.#refuse('password', isRest, WRONG_PASSWORD)
  }

  #wanted(user: string): Proof {
    return this.#options.proofWanted?.(user) ?? 'password'
  }

  /** No password is looked at, and none is remembered: each call asks anew whether the user is still there. */
  #byCertificate(user: string, isRest: boolean): Principal {
    if (this.#options.keeper.exists(user)) return principalOf(user, 'certificate')
    const text = `the client certificate maps to user ${user}, who does not exist; create the user, or change redkite.identity.rules`
    throw this.#refuse('certificate', isRest, `${FAILURE}, ${text}`, text)
  }

  /** Why these credentials cannot go with this certificate, before the password is looked at; null = they can. */
  #conflict(user: string, certified: string | null): string | null {
    if (user === certified) return null
    const shown = NAME.test(user) ? user : 'another user'
    if (certified !== null && this.#wanted(certified) !== 'password') {
      return `the client certificate is that of user ${certified}, and the credentials are those of ${shown}`
    }
    if (this.#wanted(user) === 'password') return null
    const seen = certified === null ? 'none that maps to a user' : `that of user ${certified}`
    return `user ${shown} needs its client certificate, and this connection has ${seen}`
  }

  #refuseCertificate(user: string, certificateUser: string | null, peer: string, text: string, isRest: boolean) {
    this.#options.log.warn('login refused', {
      user,
      peer,
      certificateUser,
      reason: 'the certificate is not that user’s',
    })
    return this.#refuse('certificate', isRest, `${FAILURE}, ${text}`, text)
  }

  #counted<T>(reason: string, read: () => T): T {
    try {
      return read()
    } catch (thrown) {
      this.#options.metrics.authFailures.inc({ reason })
      throw thrown
    }
  }

  /** @param more what REST adds to Milvus' one sentence; absent where Milvus itself says no more */
  #refuse(reason: string, isRest: boolean, text: string, more?: string): RedkiteError {
    this.#options.metrics.authFailures.inc({ reason })
    if (!isRest) return refused(text)
    return more === undefined ? restRefused() : faultText('restUnauthenticated', `${restRefused().message}: ${more}`)
  }
}

function principalOf(user: string, proof: Proof): Principal {
  return { kind: 'user', user, isRoot: user === ROOT, proof }
}
