/**
 * A model of one client's rows that knows only what the server acknowledged: each change is told before it is sent and
 * after its answer. What was in flight when the server was killed may be stored or not, but whole.
 * A row is a function of its key and its version, so that a row of two halves shows.
 */
import assert from 'node:assert/strict'

export const DIM = 8

/** Version of each key. */
export type Versions = ReadonlyMap<number, number>

export type WriteChange =
  | { readonly kind: 'insert' | 'upsert'; readonly keys: readonly number[]; readonly version: number }
  | { readonly kind: 'delete'; readonly keys: readonly number[]; readonly by: 'ids' | 'filter' }

export interface StoredRow {
  readonly id: number
  readonly version: number
  readonly name: string
  readonly note: { readonly id: number; readonly version: number }
  readonly vector: readonly number[]
}

/** The row of a key at a version. Vectors are far apart: no two are equal. */
export function rowOf(id: number, version: number): StoredRow {
  const vector = Array.from({ length: DIM }, (_, i) => Math.fround(Math.sin(id * 12.9898 + version * 78.233 + i) * 100))
  return { id, version, name: `${id}-${version}`, note: { id, version }, vector }
}

export class KnownRows {
  readonly first: number
  readonly keys: number
  #acknowledged: Versions = new Map()
  #inFlight: WriteChange | null = null

  /** @param first the lowest of the `keys` keys that belong to this client alone */
  constructor(first: number, keys: number) {
    this.first = first
    this.keys = keys
  }

  get acknowledged(): Versions {
    return this.#acknowledged
  }

  /** Takes over what somebody else has checked. */
  adopt(stored: readonly StoredRow[]): void {
    this.#acknowledged = new Map(stored.map(({ id, version }) => [id, version]))
    this.#inFlight = null
  }

  isUnknown(key: number): boolean {
    return this.#inFlight?.keys.includes(key) ?? false
  }

  sending(change: WriteChange): void {
    assert.equal(this.#inFlight, null, 'one change at a time')
    this.#inFlight = change
  }

  answered(): void {
    if (this.#inFlight) this.#acknowledged = applied(this.#acknowledged, this.#inFlight)
    this.#inFlight = null
  }

  /** The server refused the change: nothing of it may be stored. */
  refused(): void {
    this.#inFlight = null
  }

  /** Compares with what is stored of this client's keys, and takes that as known from now on. */
  settle(stored: readonly StoredRow[]): void {
    const found = new Map<number, number>()
    for (const row of stored) {
      assert.deepEqual(row, rowOf(row.id, row.version), 'a row is whole')
      assert.ok(!found.has(row.id), `key ${row.id} is stored once`)
      found.set(row.id, row.version)
    }
    const whole = this.#inFlight ? applied(this.#acknowledged, this.#inFlight) : null
    if (same(found, this.#acknowledged) || (whole !== null && same(found, whole))) {
      this.#acknowledged = found
      this.#inFlight = null
      return
    }
    assert.fail(
      `neither what was acknowledged nor that and what was in flight: ${difference(found, this.#acknowledged)}`,
    )
  }
}

function applied(before: Versions, change: WriteChange): Versions {
  const after = new Map(before)
  for (const key of change.keys) {
    if (change.kind === 'delete') after.delete(key)
    else after.set(key, change.version)
  }
  return after
}

function same(a: Versions, b: Versions): boolean {
  return a.size === b.size && [...a].every(([key, version]) => b.get(key) === version)
}

function difference(found: Versions, known: Versions): string {
  const lost = [...known].filter(([key, version]) => found.get(key) !== version).slice(0, 5)
  const extra = [...found].filter(([key]) => !known.has(key)).slice(0, 5)
  return JSON.stringify({ found: found.size, acknowledged: known.size, lost, extra })
}
