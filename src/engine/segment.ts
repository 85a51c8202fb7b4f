/** One sealed segment being served: the native index, which rows it holds, and which of them are alive. */

import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { countBits, hasRid, putRid, type RidBits } from './bitmap.ts'
import type { NativeLibrary, NativeSegment } from './native/contract.ts'
import { NATIVE, ROWS, type SegmentMarker } from './segment-files.ts'

/** Used by searches through `use`; retired once replaced, closed when the last search is done with it. */
export class SealedSegment {
  readonly directory: string
  readonly marker: SegmentMarker
  readonly native: NativeSegment
  /** Rows it may answer with; the native side is immutable and knows no deletes. */
  readonly live: RidBits
  #liveCount: number
  #users = 0
  #retired: (() => void) | null = null

  private constructor(directory: string, marker: SegmentMarker, native: NativeSegment, live: RidBits) {
    this.directory = directory
    this.marker = marker
    this.native = native
    this.live = live
    this.#liveCount = countBits(live.bits)
  }

  /**
   * Opens files whose sums have been checked.
   * @throws Error when the library refuses them or their rows do not count up.
   */
  static open(library: NativeLibrary, directory: string, marker: SegmentMarker): SealedSegment {
    const bits = new Uint8Array(readFileSync(join(directory, ROWS)))
    const native = library.open(join(directory, NATIVE), marker)
    const segment = new SealedSegment(directory, marker, native, { base: marker.after + 1, bits })
    if (native.count === marker.count && segment.#liveCount === marker.count) return segment
    native.close()
    throw new Error(`segment holds ${native.count} rows and lists ${segment.#liveCount}, not ${marker.count}`)
  }

  get liveCount(): number {
    return this.#liveCount
  }

  get deadCount(): number {
    return this.marker.count - this.#liveCount
  }

  isLive(rid: number): boolean {
    return hasRid(this.live, rid)
  }

  remove(rid: number): void {
    if (putRid(this.live, rid, false)) this.#liveCount--
  }

  /** Keeps the native side open until the returned function is called. */
  use(): () => void {
    this.#users++
    return () => {
      this.#users--
      this.#closeIfUnused()
    }
  }

  /** Closes once no search uses it any more, then optionally removes its files. */
  async retire(removeFiles: boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#retired = resolve
    this.#closeIfUnused()
    await promise
    if (removeFiles) await rm(this.directory, { recursive: true, force: true })
  }

  #closeIfUnused(): void {
    if (this.#users > 0 || !this.#retired) return
    this.native.close()
    this.#retired()
  }
}
