/**
 * What clients of a server that is killed again and again asked for, and what was acknowledged: one JSON line before
 * each call, one after its answer. It is not flushed: only the server is killed. The checker knows nothing else.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import type { WriteChange } from './known-rows.ts'

/** Rows that each collection or partition of the churn holds once it is filled. */
export const UNIT_ROWS = 20
/** The key of a unit's first row, where units share a collection. */
export const unitKey = (unit: number): number => 1_000_000 + unit * 100

/** A step in the life of a collection (`t<unit>`) or of a partition (`p<unit>`) of the first client's collection. */
export interface Step {
  readonly kind: 'collection' | 'partition'
  readonly unit: number
  readonly step: 'create' | 'fill' | 'drop'
}

export type Line =
  | { readonly writer: number; readonly asked: WriteChange }
  | { readonly writer: 'churn'; readonly asked: Step }
  | { readonly writer: number | 'churn'; readonly answered: true }

/** The near side: used by the clients. */
export class KillJournal implements Disposable {
  readonly #descriptor: number
  acknowledged = 0

  constructor(path: string) {
    this.#descriptor = openSync(path, 'a')
  }

  note(line: Line): void {
    writeSync(this.#descriptor, `${JSON.stringify(line)}\n`)
    if ('answered' in line) this.acknowledged += 1
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor)
  }
}
