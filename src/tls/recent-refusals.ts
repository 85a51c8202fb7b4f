import type { Refusal } from './refusal.ts'

/** A refusal as it is remembered for the administration. */
export type RecentRefusal = Refusal & {
  /** Of the last time, unix milliseconds. */
  readonly at: number
  /** How often it came for this cause since it is remembered. */
  readonly times: number
}

const RECENT_MAX = 50

/** The last 50 causes of refusals: the same cause again moves up, so that a scanner does not push out all others. */
export class RecentRefusals {
  /** Oldest first. */
  readonly #byCause = new Map<string, RecentRefusal>()

  /** Newest first. */
  list(): readonly RecentRefusal[] {
    return [...this.#byCause.values()].toReversed()
  }

  add(cause: string, refusal: Refusal): void {
    const times = (this.#byCause.get(cause)?.times ?? 0) + 1
    this.#byCause.delete(cause)
    this.#byCause.set(cause, { ...refusal, at: Date.now(), times })
    const [oldest] = this.#byCause.keys()
    if (this.#byCause.size > RECENT_MAX && oldest !== undefined) this.#byCause.delete(oldest)
  }
}
