/** Reading SQLite's write-ahead log (sqlite.org/fileformat2.html#walformat), as far as the page sums need it. */
import { readSync } from 'node:fs'

const HEADER_BYTES = 32
const FRAME_HEADER_BYTES = 24

/** The header of a log. */
export interface LogHeader {
  readonly pageBytes: number
  /** Changes whenever SQLite starts the log anew. */
  readonly salt: bigint
}

/** Null where there is no log, or none that SQLite would read. */
export function readLogHeader(descriptor: number): LogHeader | null {
  const header = Buffer.alloc(HEADER_BYTES)
  if (readSync(descriptor, header, 0, HEADER_BYTES, 0) < HEADER_BYTES) return null
  if ((header.readUInt32BE(0) & 0xfffffffe) !== 0x377f0682) return null
  return { pageBytes: header.readUInt32BE(8), salt: header.readBigUInt64BE(16) }
}

/** What some frames of a log hold. */
export interface LogPages {
  /** The offset of the newest content of each page. */
  readonly offsets: ReadonlyMap<number, number>
  /** Pages the database has after the last of these frames; 0 = none of them ends a transaction. */
  readonly pageCount: number
}

/** The pages in frames `from` to `to` (exclusive), which SQLite has found valid. */
export function pagesInLog(descriptor: number, { pageBytes }: LogHeader, from: number, to: number): LogPages {
  const offsets = new Map<number, number>()
  const head = Buffer.alloc(FRAME_HEADER_BYTES)
  let pageCount = 0
  for (let frame = from; frame < to; frame++) {
    const at = HEADER_BYTES + frame * (FRAME_HEADER_BYTES + pageBytes)
    if (readSync(descriptor, head, 0, FRAME_HEADER_BYTES, at) < FRAME_HEADER_BYTES) break
    offsets.set(head.readUInt32BE(0), at + FRAME_HEADER_BYTES)
    pageCount = head.readUInt32BE(4) || pageCount
  }
  return { offsets, pageCount }
}
