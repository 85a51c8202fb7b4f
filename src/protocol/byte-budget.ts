import { fault } from '../errors/error.ts'

/** A request whose body is being received or served. Owned by the protocol; `held` is written by the budget alone. */
export interface BudgetHolder {
  /** Bytes taken and not yet given back. */
  held: number
  /** Stops reading: the peer's flow-control window then fills and it stops sending. */
  pause(): void
  resume(): void
}

/**
 * Bounds the request bytes that all calls hold together, by what arrived and not by what a length prefix claims:
 * a claim costs the client nothing, so reserving on it would let 200 idle streams starve everyone.
 *
 * Above the bound a body waits (its stream is paused). One holder at a time may go on nevertheless: were all of them
 * paused half-way, none could finish and give back. So the bound is exceeded by at most one message.
 */
export class ByteBudget {
  readonly #bytesMax: number
  readonly #waitingMax: number
  readonly #waiting = new Set<BudgetHolder>()
  #privileged: BudgetHolder | null = null
  #used = 0

  constructor(bytesMax: number, waitingMax: number) {
    this.#bytesMax = bytesMax
    this.#waitingMax = waitingMax
  }

  /** Bytes held now. */
  get used(): number {
    return this.#used
  }

  /**
   * Counts bytes that arrived for `holder` and pauses it when the bound is passed.
   * @throws RedkiteError `overloaded` when too many are waiting already.
   */
  take(holder: BudgetHolder, bytes: number): void {
    this.#used += bytes
    holder.held += bytes
    if (this.#used <= this.#bytesMax || holder === this.#privileged || this.#waiting.has(holder)) return
    if (this.#privileged === null) {
      this.#privileged = holder
      return
    }
    if (this.#waiting.size >= this.#waitingMax)
      throw fault('overloaded', 'request bytes in flight', { used: this.#used, limit: this.#bytesMax })
    this.#waiting.add(holder)
    holder.pause()
  }

  /**
   * Gives back everything `holder` took; idempotent. Whoever waited the longest goes on, and so does `holder` itself:
   * a paused HTTP/2 stream never closes.
   */
  release(holder: BudgetHolder): void {
    this.#used -= holder.held
    holder.held = 0
    if (this.#waiting.size === 0 && this.#privileged === null) return
    if (this.#waiting.delete(holder)) holder.resume()
    if (this.#privileged === holder) this.#privileged = null
    for (const next of this.#waiting) {
      if (this.#used > this.#bytesMax) {
        if (this.#privileged !== null) return
        this.#privileged = next
      }
      this.#waiting.delete(next)
      next.resume()
    }
  }
}
