import { hash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { fault } from '../errors/error.ts'
import type { Secret } from '../model/calls.ts'

/** scrypt cost: 32 MiB and about 65 ms of one core a check (OWASP's second profile: N=2^15, r=8, p=1). */
const COST = { N: 2 ** 15, r: 8, p: 1 } as const
const SALT_BYTES = 16
const HASH_BYTES = 32

/**
 * Hashes and checks passwords off the main thread, one at a time so that logins cannot starve searches of threads.
 * Waiting checks are bounded; beyond that the caller is told to come back.
 */
export class PasswordChecker {
  readonly #waitingMax: number
  #tail: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor(waitingMax: number) {
    this.#waitingMax = waitingMax
  }

  /** `scrypt$N$r$p$salt$hash`, base64 parts. */
  async hash(password: Secret): Promise<string> {
    const salt = randomBytes(SALT_BYTES)
    const derived = await this.#derive(password, salt, COST)
    return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64'), derived.toString('base64')].join('$')
  }

  /** Constant-time in the password; a null record costs the same and never matches, so users cannot be told apart. */
  async matches(password: Secret, record: string | null): Promise<boolean> {
    const [, n, r, p, salt, known] = (record ?? this.#nobody).split('$')
    const cost = { N: Number(n), r: Number(r), p: Number(p) }
    const expected = Buffer.from(known ?? '', 'base64')
    const actual = await this.#derive(password, Buffer.from(salt ?? '', 'base64'), cost)
    return expected.length === actual.length && timingSafeEqual(expected, actual) && record !== null
  }

  readonly #nobody = [
    'scrypt',
    COST.N,
    COST.r,
    COST.p,
    randomBytes(SALT_BYTES).toString('base64'),
    randomBytes(HASH_BYTES).toString('base64'),
  ].join('$')

  async #derive(password: Secret, salt: Buffer, cost: { N: number; r: number; p: number }): Promise<Buffer> {
    if (this.#waiting >= this.#waitingMax) {
      throw fault('overloaded', `${this.#waiting} logins are waiting to be checked; try again shortly`)
    }
    this.#waiting++
    const work = this.#tail.then(() => derive(password.reveal(), salt, cost))
    this.#tail = work.catch(() => {})
    try {
      return await work
    } finally {
      this.#waiting--
    }
  }
}

function derive(password: string, salt: Buffer, cost: { N: number; r: number; p: number }): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const maxmem = 256 * cost.N * cost.r
  scrypt(password, salt, HASH_BYTES, { ...cost, maxmem }, (error, key) => (error ? reject(error) : resolve(key)))
  return promise
}

const ENTRIES_MAX = 4_096

/**
 * Logins that were verified, so that a call costs no scrypt. Keys are SHA-256 digests over a secret of this process,
 * user and password; they never leave it, and nothing here can be turned back into a password. (An HMAC would be the
 * same here and costs five times as much, on every call.) A changed or removed user is forgotten at once.
 */
export class VerifiedTokens {
  readonly #secret = randomBytes(32).toString('base64')
  readonly #users = new Map<string, string>()

  #digest(user: string, password: Secret): string {
    return hash('sha256', `${this.#secret}\0${user}\0${password.reveal()}`, 'base64')
  }

  has(user: string, password: Secret): boolean {
    return this.#users.get(this.#digest(user, password)) === user
  }

  add(user: string, password: Secret): void {
    if (this.#users.size >= ENTRIES_MAX) {
      const [oldest] = this.#users.keys()
      if (oldest !== undefined) this.#users.delete(oldest)
    }
    this.#users.set(this.#digest(user, password), user)
  }

  forget(user: string): void {
    for (const [digest, owner] of this.#users) if (owner === user) this.#users.delete(digest)
  }
}
