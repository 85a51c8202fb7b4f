/** Milvus' TSO: unix milliseconds << 18 | logical counter. */
const LOGICAL_BITS = 18n
/** How far ahead the clock is reserved on disk, so that a restart after a set-back clock never repeats a value. */
const RESERVE_MS = 5_000n

/**
 * Strictly increasing hybrid timestamps, across restarts too; also the source of ids and automatic primary keys.
 * `persist` must be durable when it returns; it runs once in five seconds at most.
 */
export class HybridClock {
  readonly #persist: (reservedUpTo: bigint) => void
  readonly #now: () => number
  #last: bigint
  #reserved: bigint

  constructor(reservedUpTo: bigint, persist: (reservedUpTo: bigint) => void, now: () => number = Date.now) {
    this.#persist = persist
    this.#now = now
    this.#last = reservedUpTo
    this.#reserved = reservedUpTo
  }

  next(): bigint {
    return this.take(1)
  }

  /** The first of `count` consecutive values. */
  take(count: number): bigint {
    const wall = BigInt(this.#now()) << LOGICAL_BITS
    const first = wall > this.#last ? wall : this.#last + 1n
    this.#last = first + BigInt(count) - 1n
    if (this.#last >= this.#reserved) {
      this.#reserved = this.#last + (RESERVE_MS << LOGICAL_BITS)
      this.#persist(this.#reserved)
    }
    return first
  }
}

/** Milliseconds since 1970 of a hybrid timestamp. */
export function wallMs(ts: bigint): bigint {
  return ts >> LOGICAL_BITS
}
