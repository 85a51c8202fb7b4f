import { oneLine } from './check.ts'
import type { Generation } from './generation.ts'
import type { ReloadTrigger } from './material.ts'
import type { HistoryEntry } from './status.ts'

/** Good generations that stay in memory for a rollback. */
export const KEPT_MAX = 3

/** Activations that `status` shows; the log has them all. */
const ENTRIES_MAX = 20

/** What was activated when, and the generations a rollback can go back to. */
export class History {
  readonly #kept: Generation[] = []
  readonly #entries: Omit<HistoryEntry, 'kept'>[] = []

  get entries(): readonly HistoryEntry[] {
    const kept = new Set(this.#kept.map((generation) => generation.number))
    return this.#entries.map((entry) => ({ ...entry, kept: kept.has(entry.generation) }))
  }

  /** The generation that a rollback would bring back; null = none is kept. */
  get previous(): Generation | null {
    return this.#kept.at(-1) ?? null
  }

  /** A generation left service for a newer one of the files: it may be wanted again. */
  keep(generation: Generation): void {
    this.#kept.push(generation)
    if (this.#kept.length > KEPT_MAX) this.#kept.shift()
  }

  /**
   * The previous generation is in service again under a new number. What it replaced is not kept: the next rollback
   * goes further back, and a reload brings the replaced one back from its files.
   */
  broughtBack(generation: Generation): void {
    const at = this.#kept.indexOf(generation)
    if (at >= 0) this.#kept.splice(at)
  }

  record(generation: Generation, trigger: ReloadTrigger | 'start', rolledBackTo: number | null): void {
    this.#entries.unshift({
      generation: generation.number,
      loadedAt: generation.loadedAt.toISOString(),
      trigger,
      rolledBackTo,
      subject: oneLine(generation.leaf.subject),
      serial: generation.leaf.serialNumber,
      notAfter: generation.leaf.validToDate.toISOString(),
    })
    this.#entries.length = Math.min(this.#entries.length, ENTRIES_MAX)
  }
}
