import { fault, faultText } from '../errors/error.ts'
import type { Secret } from '../model/calls.ts'
import { PasswordChecker, VerifiedTokens } from './passwords.ts'

/** Where user records live: the embedded service's catalog. */
export interface CredentialStore {
  credential(user: string): { readonly user: string; readonly hash: string } | null
  credentials(): readonly { readonly user: string; readonly hash: string }[]
  putCredential(entry: { readonly user: string; readonly hash: string }): void
  dropCredential(user: string): void
}

export interface KeeperOptions {
  readonly store: CredentialStore
  readonly superUsers: readonly string[]
  readonly usernameBytesMax: number
  readonly passwordBytesMin: number
  readonly passwordBytesMax: number
  readonly usersMax: number
  /** Logins that may wait for their hash to be computed. */
  readonly waitingMax: number
}

const ROOT = 'root'

/** Users and their passwords, by Milvus' rules (2.6 `proxy/util.go`, `rootcoord/meta_table.go`). */
export class Keeper {
  readonly #options: KeeperOptions
  readonly #checker: PasswordChecker
  readonly #verified = new VerifiedTokens()

  constructor(options: KeeperOptions) {
    this.#options = options
    this.#checker = new PasswordChecker(options.waitingMax)
  }

  /** Gives root the default password, once: a later change of the configuration has no effect (as Milvus). */
  async ensureRoot(defaultPassword: Secret): Promise<void> {
    const { store } = this.#options
    if (store.credential(ROOT)) return
    store.putCredential({ user: ROOT, hash: await this.#checker.hash(defaultPassword) })
  }

  /** Whether there is such a user. */
  exists(user: string): boolean {
    return this.#options.store.credential(user) !== null
  }

  isVerified(user: string, password: Secret): boolean {
    return this.#verified.has(user, password)
  }

  async verify(user: string, password: Secret): Promise<boolean> {
    const record = this.#options.store.credential(user)
    if (!(await this.#checker.matches(password, record?.hash ?? null))) return false
    // the password may have been changed while this check was running
    if (this.#options.store.credential(user)?.hash !== record?.hash) return false
    this.#verified.add(user, password)
    return true
  }

  users(): readonly string[] {
    return this.#options.store.credentials().map((c) => c.user)
  }

  async create(user: string, password: Secret): Promise<void> {
    this.#checkUsername(user)
    this.#checkPassword(password)
    this.#checkRoom(user)
    const hash = await this.#checker.hash(password)
    // others may have been created meanwhile
    this.#checkRoom(user)
    this.#options.store.putCredential({ user, hash })
  }

  #checkRoom(user: string): void {
    const { store, usersMax } = this.#options
    if (store.credential(user)) throw fault('invalidParameter', `user already exists: ${user}`)
    if (store.credentials().length >= usersMax) {
      throw fault('invalidParameter', 'unable to add user because the number of users has reached the limit', {
        limit: usersMax,
      })
    }
  }

  /** `caller` null = authorisation is off. Super users and root changing others need no old password (as Milvus). */
  async update(caller: string | null, user: string, oldPassword: Secret, newPassword: Secret): Promise<void> {
    const { store, superUsers } = this.#options
    this.#checkUsername(user)
    this.#checkPassword(newPassword)
    const record = store.credential(user)
    const isSuper = caller !== null && superUsers.includes(caller)
    if (!isSuper && !(await this.#checker.matches(oldPassword, record?.hash ?? null))) {
      throw fault('notAuthenticated', `old password not correct for ${user}`)
    }
    if (!record) throw fault('invalidParameter', `user not found: ${user}`)
    const hash = await this.#checker.hash(newPassword)
    if (!store.credential(user)) throw fault('invalidParameter', `user not found: ${user}`)
    store.putCredential({ user, hash })
    this.#verified.forget(user)
  }

  /** A missing user is an answer, not an error (as Milvus). */
  remove(user: string): void {
    if (user === ROOT) throw fault('invalidParameter', 'user root cannot be deleted')
    this.#options.store.dropCredential(user)
    this.#verified.forget(user)
  }

  #checkUsername(name: string): void {
    const max = this.#options.usernameBytesMax
    if (name.trim() === '') throw fault('invalidParameter', 'username must be not empty')
    if (Buffer.byteLength(name) > max) {
      throw fault(
        'invalidParameter',
        `invalid username ${name} with length ${Buffer.byteLength(name)}, the length of username must be less than ${max}`,
      )
    }
    if (!/^[A-Za-z]/.test(name)) {
      throw fault(
        'invalidParameter',
        `invalid user name ${name}, the first character must be a letter, but got ${[...name][0]}`,
      )
    }
    if (!/^[A-Za-z0-9_.-]+$/.test(name)) {
      throw fault(
        'invalidParameter',
        `invalid user name ${name}, it must only contain letters, numbers, underscores, hyphens and dots`,
      )
    }
  }

  #checkPassword(password: Secret): void {
    const { passwordBytesMin: min, passwordBytesMax: max } = this.#options
    const length = Buffer.byteLength(password.reveal())
    if (length >= min && length <= max) return
    throw faultText(
      'invalidParameter',
      `invalid password length: invalid parameter[${length} out of range ${min} <= value <= ${max}]`,
    )
  }
}
