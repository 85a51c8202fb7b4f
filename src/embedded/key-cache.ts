import type { Column, Ids } from '../model/columns.ts'
import type { FieldSchema } from '../model/schema.ts'

/** 8 bytes a row: 16 MiB a collection at most. Larger collections read their keys from the store. */
const RIDS_MAX = 2 ** 21

/**
 * Int64 primary keys by row id, for searches that ask for nothing else: ten point reads cost as much as the rest of
 * such a search on this side of the engine. Filled by writes and by what searches had to read. Nothing here can be
 * wrong: a row id is never reused and a row never changes its key.
 */
export class KeyCache {
  #keys = new BigInt64Array(0)
  #known = new Uint8Array(0)

  /** The keys of these rows as a column, or null when one of them is not known. */
  take(field: FieldSchema, rids: Float64Array): Column | null {
    if (field.type !== 'Int64') return null
    const values = new BigInt64Array(rids.length)
    for (let i = 0; i < rids.length; i++) {
      const rid = rids[i] ?? 0
      if (this.#known[rid] !== 1) return null
      values[i] = this.#keys[rid] ?? 0n
    }
    return { field: field.name, data: { kind: 'long', values }, valid: null, dynamic: false }
  }

  /** Keys of rows that were written one behind the other, or read. */
  learnRun(firstRid: number, keys: Ids): void {
    if (keys.kind !== 'long' || !this.#reach(firstRid + keys.values.length - 1)) return
    this.#keys.set(keys.values, firstRid)
    this.#known.fill(1, firstRid, firstRid + keys.values.length)
  }

  learn(rids: Float64Array, column: Column, alive: Uint8Array): void {
    if (column.data.kind !== 'long') return
    for (let i = 0; i < rids.length; i++) {
      const rid = rids[i] ?? 0
      if (alive[i] !== 1 || !this.#reach(rid)) continue
      this.#keys[rid] = column.data.values[i] ?? 0n
      this.#known[rid] = 1
    }
  }

  #reach(rid: number): boolean {
    if (rid < this.#keys.length) return true
    if (rid >= RIDS_MAX) return false
    const size = Math.min(RIDS_MAX, Math.max(1_024, 2 ** Math.ceil(Math.log2(rid + 1))))
    const keys = new BigInt64Array(size)
    keys.set(this.#keys)
    const known = new Uint8Array(size)
    known.set(this.#known)
    this.#keys = keys
    this.#known = known
    return true
  }
}
