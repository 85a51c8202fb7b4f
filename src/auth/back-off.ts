export interface BackOffLimits {
  /** Failures of one user from one address before the first wait. */
  readonly attemptsMax: number
  /** Failures are forgotten after this much time without another. */
  readonly windowMs: number
}

/** An address may fail this many times as often, whatever the users. */
const ADDRESS_FACTOR = 10
const WAIT_MS_MAX = 60_000
const ENTRIES_MAX = 10_000

interface Record {
  failures: number
  blockedUntil: number
  lastAt: number
}

/**
 * Slows down guessing: after `attemptsMax` failures of one user from one address, and after ten times as many from one
 * address whatever the user, each further failure doubles the wait, up to a minute. A user is never locked out at other addresses.
 */
export class BackOff {
  readonly #records = new Map<string, Record>()
  readonly #limits: BackOffLimits
  readonly #now: () => number

  constructor(limits: BackOffLimits, now: () => number = Date.now) {
    this.#limits = limits
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
    this.#count(pairKey(user, address), this.#limits.attemptsMax)
    this.#count(address, this.#limits.attemptsMax * ADDRESS_FACTOR)
  }

  succeeded(user: string, address: string): void {
    this.#records.delete(pairKey(user, address))
  }

  #count(key: string, free: number): void {
    const now = this.#now()
    const before = this.#records.get(key)
    this.#records.delete(key)
    const isFresh = before !== undefined && now - before.lastAt <= this.#limits.windowMs
    const record = isFresh ? before : { failures: 0, blockedUntil: 0, lastAt: now }
    record.failures++
    record.lastAt = now
    const over = record.failures - free
    if (over >= 0) record.blockedUntil = now + Math.min(1_000 * 2 ** Math.min(over, 10), WAIT_MS_MAX)
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
