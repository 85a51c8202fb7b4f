/** Rows not yet in a segment, in blocks of shared memory, ascending by row id. */
import type { Block, Slice } from './scan.ts'

/** Appends smaller than this are copied into a common block: a block a row would cost more than the copy. */
const KEEP_ROWS = 256
const CHUNK_BYTES = 1 << 20

interface Fill {
  readonly block: Block
  count: number
  deadCount: number
}

let blockIds = 0

function sharedBlock(rids: Float64Array, vectors: Float32Array): Block {
  blockIds++
  return { id: blockIds, rids, vectors, dead: new Uint8Array(new SharedArrayBuffer(rids.length)) }
}

const sharedRids = (count: number) => new Float64Array(new SharedArrayBuffer(count * 8))

/** Appended in ascending order, removed one by one, dropped by ranges once a segment serves them. */
export class GrowingRows {
  readonly #dim: number
  #fills: Fill[] = []
  #last = 0

  constructor(dim: number) {
    this.#dim = dim
  }

  /** Live rows. */
  get liveCount(): number {
    return this.#fills.reduce((sum, fill) => sum + fill.count - fill.deadCount, 0)
  }

  get firstRid(): number | null {
    return this.#fills[0]?.block.rids[0] ?? null
  }

  /** The highest row id ever held. */
  get lastRid(): number {
    return this.#last
  }

  /** Row ids firstRid, firstRid + 1 …; `vectors` is kept when it lies over shared memory and is not small. */
  append(firstRid: number, count: number, vectors: Float32Array): void {
    const rids = sharedRids(count)
    for (let i = 0; i < count; i++) rids[i] = firstRid + i
    this.appendRows(rids, vectors)
  }

  /** Ascending row ids above every earlier one. */
  appendRows(rids: Float64Array, vectors: Float32Array): void {
    const count = rids.length
    if (count === 0) return
    this.#last = Math.max(this.#last, rids[count - 1] ?? 0)
    if (count >= KEEP_ROWS) {
      this.#fills.push({ block: sharedBlock(toShared(rids), toShared(vectors)), count, deadCount: 0 })
      return
    }
    let done = 0
    while (done < count) {
      const fill = this.#open()
      const rows = Math.min(count - done, fill.block.rids.length - fill.count)
      fill.block.rids.set(rids.subarray(done, done + rows), fill.count)
      fill.block.vectors.set(vectors.subarray(done * this.#dim, (done + rows) * this.#dim), fill.count * this.#dim)
      fill.count += rows
      done += rows
    }
  }

  /** True when the row was here and alive. */
  remove(rid: number): boolean {
    const found = this.#find(rid)
    if (!found || found.fill.block.dead[found.slot] === 1) return false
    found.fill.block.dead[found.slot] = 1
    found.fill.deadCount++
    return true
  }

  isLive(rid: number): boolean {
    const found = this.#find(rid)
    return found !== null && found.fill.block.dead[found.slot] === 0
  }

  /** What a search sees from now on: rows appended later are not in it, rows deleted later are hidden. */
  slices(): Slice[] {
    return this.#fills.filter((fill) => fill.count > fill.deadCount).map(({ block, count }) => ({ block, count }))
  }

  /**
   * Removes the rows with row id in (after, upTo], which a segment now serves. Returns the blocks no longer used. Of a
   * block that reaches beyond, the rest is copied, because searches in flight still read the old one.
   */
  dropRange(after: number, upTo: number): Block[] {
    const dropped: Block[] = []
    const kept: Fill[] = []
    for (const fill of this.#fills) {
      const { block, count } = fill
      const from = lowerBound(block.rids, count, after + 1)
      const to = lowerBound(block.rids, count, upTo + 1)
      if (from === to) {
        kept.push(fill)
        continue
      }
      dropped.push(block)
      if (from > 0) kept.push(this.#copy(block, 0, from))
      if (to < count) kept.push(this.#copy(block, to, count))
    }
    this.#fills = kept
    return dropped
  }

  /** The row id of the n-th row from the front, counting from 1, or of the last one. */
  ridAt(n: number): number | null {
    let left = n
    for (const { block, count } of this.#fills) {
      if (left <= count) return block.rids[left - 1] ?? null
      left -= count
    }
    return this.#fills.length === 0 ? null : this.#last
  }

  /** Rows, dead ones too, with a row id up to this one. */
  rowsUpTo(rid: number): number {
    return this.#fills.reduce((sum, { block, count }) => sum + lowerBound(block.rids, count, rid + 1), 0)
  }

  /** All blocks, for the end of the index. */
  blocks(): Block[] {
    return this.#fills.map((fill) => fill.block)
  }

  #copy(block: Block, from: number, to: number): Fill {
    const copy = sharedBlock(
      copyShared(block.rids.subarray(from, to)),
      copyShared(block.vectors.subarray(from * this.#dim, to * this.#dim)),
    )
    copy.dead.set(block.dead.subarray(from, to))
    return { block: copy, count: to - from, deadCount: copy.dead.reduce((sum, dead) => sum + dead, 0) }
  }

  /** The common block with room, or a new one. */
  #open(): Fill {
    const last = this.#fills.at(-1)
    if (last && last.count < last.block.rids.length) return last
    const rows = Math.max(KEEP_ROWS, Math.floor(CHUNK_BYTES / (this.#dim * 4)))
    const vectors = new Float32Array(new SharedArrayBuffer(rows * this.#dim * 4))
    const fill = { block: sharedBlock(sharedRids(rows), vectors), count: 0, deadCount: 0 }
    this.#fills.push(fill)
    return fill
  }

  #find(rid: number): { readonly fill: Fill; readonly slot: number } | null {
    let low = 0
    let high = this.#fills.length
    while (low < high) {
      const middle = (low + high) >> 1
      const fill = this.#fills[middle]
      if (fill && (fill.block.rids[fill.count - 1] ?? 0) < rid) low = middle + 1
      else high = middle
    }
    const fill = this.#fills[low]
    if (!fill) return null
    const slot = lowerBound(fill.block.rids, fill.count, rid)
    return slot < fill.count && fill.block.rids[slot] === rid ? { fill, slot } : null
  }
}

/** The first slot whose row id is >= rid. */
function lowerBound(rids: Float64Array, count: number, rid: number): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >> 1
    if ((rids[middle] ?? 0) < rid) low = middle + 1
    else high = middle
  }
  return low
}

function copyShared<T extends Float32Array | Float64Array>(values: T): T {
  const buffer = new SharedArrayBuffer(values.byteLength)
  new Uint8Array(buffer).set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
  return overBuffer(values, buffer)
}

function overBuffer<T extends Float32Array | Float64Array>(like: T, buffer: SharedArrayBuffer): T {
  const make = like.constructor as new (buffer: SharedArrayBuffer) => T
  return new make(buffer)
}

function toShared<T extends Float32Array | Float64Array>(values: T): T {
  return values.buffer instanceof SharedArrayBuffer ? values : copyShared(values)
}
