import type { RowStore, SqlFilter } from './store/contract.ts'

/** Which rows pass a filter: bit `rid - 1`, LSB first. Rows deleted since are still marked; searches hide them. */
export interface Passing {
  readonly bits: Uint8Array
  readonly passing: number
  /** Rows up to this rid were asked. */
  readonly upTo: number
}

interface Cached extends Passing {
  readonly pending: Promise<unknown>
}

const ENTRIES_MAX = 64
const ALL_ROWS = Number.MAX_SAFE_INTEGER

/**
 * Results of filters, kept and extended. A row never changes in place (an upsert is a new row), so what a filter said
 * of a row id stays true for ever: a repeated filter asks SQLite only about rows that are new.
 */
export class FilterCache {
  readonly #store: RowStore
  readonly #entries = new Map<string, Cached>()

  constructor(store: RowStore) {
    this.#store = store
  }

  /** Covers every row committed before the call. */
  async passing(where: SqlFilter | null, partitions: readonly number[] | null): Promise<Passing> {
    const key = keyOf(where, partitions)
    const before = this.#entries.get(key)
    const upTo = this.#store.lastRid
    if (before && before.upTo >= upTo) {
      this.#entries.delete(key)
      this.#entries.set(key, before)
      return before
    }
    // one extension at a time for each filter: a second caller continues where the first one ends
    if (before) await before.pending.catch(() => {})
    const current = this.#entries.get(key)
    if (current && current.upTo >= upTo) return current
    const work = this.#extend(where, partitions, current ?? null, upTo)
    const blank = current ?? { bits: new Uint8Array(0), passing: 0, upTo: 0 }
    this.#entries.set(key, { ...blank, pending: work })
    const done = await work
    this.#entries.delete(key)
    this.#entries.set(key, { ...done, pending: Promise.resolve() })
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= ENTRIES_MAX) break
      this.#entries.delete(oldest)
    }
    return done
  }

  async #extend(
    where: SqlFilter | null,
    partitions: readonly number[] | null,
    from: Passing | null,
    upTo: number,
  ): Promise<Passing> {
    const after = from?.upTo ?? 0
    const rids = await this.#store.matching(where, partitions, after, upTo, ALL_ROWS)
    const bytes = (upTo + 7) >> 3
    let bits = from?.bits ?? new Uint8Array(0)
    if (bits.length < bytes) {
      // a fresh array each time it grows: a search that holds the old one is not disturbed
      const grown = new Uint8Array(Math.ceil(bytes * 1.25))
      grown.set(bits)
      bits = grown
    }
    for (const rid of rids) {
      const at = rid - 1
      bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7))
    }
    return { bits, passing: (from?.passing ?? 0) + rids.length, upTo }
  }
}

function keyOf(where: SqlFilter | null, partitions: readonly number[] | null): string {
  const params = where?.params.map((p) => `${typeof p}:${p}`).join('\u0001') ?? ''
  return `${where?.sql ?? ''}\u0000${params}\u0000${partitions?.join(',') ?? '*'}`
}

/** The marked row ids, ascending. */
export function markedRids(passing: Passing): Float64Array {
  const rids = new Float64Array(passing.passing)
  let at = 0
  for (let byte = 0; byte < passing.bits.length && at < rids.length; byte++) {
    const bits = passing.bits[byte] ?? 0
    if (bits === 0) continue
    for (let bit = 0; bit < 8; bit++) if (bits & (1 << bit)) rids[at++] = byte * 8 + bit + 1
  }
  return at === rids.length ? rids : rids.subarray(0, at)
}
