/** What an index consists of right now: segments over disjoint ranges of row ids, and the growing rows between and behind. */
import { GrowingRows } from './growing.ts'
import type { Block } from './scan.ts'
import type { SealedSegment } from './segment.ts'

/** Owned by one index; all changes happen on the main thread, from one moment to the next. */
export class Parts {
  readonly growing: GrowingRows
  /** Ascending by row id. Replaced, never changed, so that a search keeps what it began with. */
  #segments: readonly SealedSegment[] = []
  /** Rows removed while a build reads the row store: the new segment must hide them too. */
  #removedMeanwhile: number[] | null = null

  constructor(dim: number) {
    this.growing = new GrowingRows(dim)
  }

  get segments(): readonly SealedSegment[] {
    return this.#segments
  }

  get sealedRows(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.liveCount, 0)
  }

  /** Every row id up to this one is in a segment or dead. */
  get sealedUpTo(): number {
    const firstGrowing = this.growing.firstRid
    return firstGrowing === null ? (this.#segments.at(-1)?.marker.upTo ?? 0) : firstGrowing - 1
  }

  /** The segment whose range holds the row id, if any. */
  segmentOf(rid: number): SealedSegment | null {
    return this.#segments.find(({ marker }) => rid > marker.after && rid <= marker.upTo) ?? null
  }

  isLive(rid: number): boolean {
    return this.segmentOf(rid)?.isLive(rid) ?? this.growing.isLive(rid)
  }

  remove(rids: Float64Array): void {
    for (const rid of rids) {
      const segment = this.segmentOf(rid)
      if (segment) segment.remove(rid)
      else this.growing.remove(rid)
      this.#removedMeanwhile?.push(rid)
    }
  }

  /** From here to `replace`, removals are noted for the segment being built. */
  beginBuild(): void {
    this.#removedMeanwhile = []
  }

  endBuild(): void {
    this.#removedMeanwhile = null
  }

  /** At open, before anything is served. */
  addSegment(segment: SealedSegment): void {
    this.#segments = [...this.#segments, segment].sort((a, b) => a.marker.after - b.marker.after)
  }

  /**
   * From one moment to the next, (after, upTo] is served by `segment` (null: no row there is alive). Returns what no
   * longer serves.
   */
  replace(
    after: number,
    upTo: number,
    segment: SealedSegment | null,
  ): { readonly segments: readonly SealedSegment[]; readonly blocks: readonly Block[] } {
    for (const rid of this.#removedMeanwhile ?? []) segment?.remove(rid)
    const covered = ({ marker }: SealedSegment) => marker.after >= after && marker.upTo <= upTo
    const retired = this.#segments.filter(covered)
    this.#segments = [...this.#segments.filter((old) => !covered(old)), ...(segment ? [segment] : [])].sort(
      (a, b) => a.marker.after - b.marker.after,
    )
    return { segments: retired, blocks: this.growing.dropRange(after, upTo) }
  }
}
