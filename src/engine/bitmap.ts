/** Bits over row ids: bit `rid - base`, least significant first in each byte (the layout of `RowFilter.bits`). */

/** A set of row ids from `base` on, one bit each. */
export interface RidBits {
  readonly base: number
  readonly bits: Uint8Array
}

/** False outside the bitmap. */
export function hasRid(set: RidBits, rid: number): boolean {
  const at = rid - set.base
  return at >= 0 && ((set.bits[Math.floor(at / 8)] ?? 0) & (1 << (at % 8))) !== 0
}

/** Sets or clears one bit; true when that changed it. A rid outside the bitmap changes nothing. */
export function putRid(set: RidBits, rid: number, value: boolean): boolean {
  const at = rid - set.base
  const byte = Math.floor(at / 8)
  if (at < 0 || byte >= set.bits.length) return false
  const old = set.bits[byte] ?? 0
  const mask = 1 << (at % 8)
  set.bits[byte] = value ? old | mask : old & ~mask
  return ((old & mask) !== 0) !== value
}

/** Room for so many row ids from `base` on, none set. */
export function emptyBits(base: number, rids: number): RidBits {
  return { base, bits: new Uint8Array(Math.ceil(rids / 8)) }
}

/** The bitmap that spans exactly these row ids. */
export function bitsOf(rids: Float64Array): RidBits {
  let low = Number.POSITIVE_INFINITY
  let high = 0
  for (const rid of rids) {
    if (rid < low) low = rid
    if (rid > high) high = rid
  }
  const set = emptyBits(rids.length === 0 ? 1 : low, rids.length === 0 ? 0 : high - low + 1)
  for (const rid of rids) putRid(set, rid, true)
  return set
}

/** How many bits are set. */
export function countBits(bits: Uint8Array): number {
  let count = 0
  for (const byte of bits) {
    let rest = byte
    while (rest !== 0) {
      rest &= rest - 1
      count++
    }
  }
  return count
}

/** Set row ids, ascending, at most `limit`. */
export function listRids(set: RidBits, limit: number): Float64Array {
  const found: number[] = []
  for (let byte = 0; byte < set.bits.length; byte++) {
    const value = set.bits[byte] ?? 0
    if (value === 0) continue
    for (let bit = 0; bit < 8; bit++) {
      if ((value & (1 << bit)) === 0) continue
      if (found.length === limit) return Float64Array.from(found)
      found.push(set.base + byte * 8 + bit)
    }
  }
  return Float64Array.from(found)
}
