/** Which ranges of rows to build next: pure decisions over what is there. */
import type { Parts } from './parts.ts'

/** A segment is at most so large: bounds the memory and the time of one build. */
const SEGMENT_BYTES_MAX = 2 ** 30
/** Rebuilt when more than this share is dead. */
const DEAD_SHARE_MAX = 0.2
/** A segment in front of new rows is merged into them unless it is larger than so many times their number. */
const MERGE_FACTOR = 4

/** Row ids above `after`, up to and including `upTo`. */
export interface Range {
  readonly after: number
  readonly upTo: number
}

/** The most rows of this dimension that one segment may hold. */
export const segmentRowsMax = (dim: number): number => Math.max(1_000, Math.floor(SEGMENT_BYTES_MAX / (dim * 4)))

/**
 * The next range to seal, or null when no growing row is at or below `target`: the first run of growing rows, together
 * with the small segments in front of it. Sizes then grow geometrically and a row is rebuilt O(log n) times.
 */
export function nextSeal(parts: Parts, dim: number, target: number): Range | null {
  const first = parts.growing.firstRid
  if (first === null || first > target) return null
  const rowsMax = segmentRowsMax(dim)
  const behind = parts.segments.find(({ marker }) => marker.after >= first)
  const last = Math.min(parts.growing.ridAt(rowsMax) ?? first, behind?.marker.after ?? Number.MAX_SAFE_INTEGER)
  let after = 0
  let rows = parts.growing.rowsUpTo(last)
  for (const { marker, liveCount } of parts.segments.filter((segment) => segment.marker.upTo < first).reverse()) {
    after = marker.upTo
    if (liveCount > rows * MERGE_FACTOR || liveCount + rows > rowsMax) break
    after = marker.after
    rows += liveCount
  }
  return { after, upTo: last }
}

/** A segment with too many dead rows, or null. */
export function nextRebuild(parts: Parts): Range | null {
  return parts.segments.find(({ deadCount, marker }) => deadCount > marker.count * DEAD_SHARE_MAX)?.marker ?? null
}

/** Everything a compaction asks for: neighbours merged up to the largest size, and every dead row dropped. */
export function compaction(parts: Parts, dim: number): Range[] {
  const rowsMax = segmentRowsMax(dim)
  const groups: { after: number; upTo: number; rows: number; segments: number; dead: number }[] = []
  for (const { marker, liveCount, deadCount } of parts.segments) {
    const group = groups.at(-1)
    const adjacent = group !== undefined && group.upTo === marker.after
    if (group && adjacent && group.rows + liveCount <= rowsMax) {
      group.upTo = marker.upTo
      group.rows += liveCount
      group.segments++
      group.dead += deadCount
    } else groups.push({ after: marker.after, upTo: marker.upTo, rows: liveCount, segments: 1, dead: deadCount })
  }
  return groups.filter(({ segments, dead }) => segments > 1 || dead > 0)
}
