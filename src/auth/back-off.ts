/** Failures before the first wait, and the longest wait. */
const FREE_FAILURES = 5
const WAIT_MS_MAX = 60_000
const ENTRIES_MAX = 10_000

interface Record {
  failures: number
  blockedUntil: number
}

/**
 * Slows down guessing: after five failures of one user from one address, and after fifty from one address whatever
 * the user, each further failure doubles the wait, up to a minute. A user is never locked out at other addresses.
 */
export class BackOff {
  readonly #records = new Map<string, Record>()
  readonly #now: () => number

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** Milliseconds until the next try is looked at; 0 = now. */
  waitMs(user: string, address: string): number {
    const until = Math.max(
      this.#records.get(pairKey(user, address))?.blockedUntil ?? 0,
      this.#records.get(address)?.blockedUntil ?? 0,
    )
    return Math.max(0, until - this.#now())
  }

  failed(user: string, address: string): void {
    this.#count(pairKey(user, address), FREE_FAILURES)
    this.#count(address, FREE_FAILURES * 10)
  }

  succeeded(user: string, address: string): void {
    this.#records.delete(pairKey(user, address))
  }

  #count(key: string, free: number): void {
    const record = this.#records.get(key) ?? { failures: 0, blockedUntil: 0 }
    this.#records.delete(key)
    record.failures++
    const over = record.failures - free
    if (over >= 0) record.blockedUntil = this.#now() + Math.min(1_000 * 2 ** Math.min(over, 10), WAIT_MS_MAX)
    this.#records.set(key, record)
    if (this.#records.size > ENTRIES_MAX) {
      const [oldest] = this.#records.keys()
      if (oldest !== undefined) this.#records.delete(oldest)
    }
  }
}

function pairKey(user: string, address: string): string {
  return `${user}\0${address}`
}
