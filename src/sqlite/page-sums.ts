/**
 * A CRC-32 of each page of a database file, in `<file>.sums` beside it. SQLite notices pages that make no sense, not
 * pages whose values changed. In WAL mode only a checkpoint writes to the file; the sums of the pages it will copy are
 * taken from the log and made durable before it. A page that is in the log is not looked at in the file: the log has
 * checksums of its own.
 *
 * An entry is the sum and the sum XOR the page's number XOR a constant: a damaged entry is noticed, and says nothing.
 * A page without an entry is unknown, not damaged: a file that has no sums (restored, or older) gets them.
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { type LogPages, pagesInLog, readLogHeader } from './log-pages.ts'

const ENTRY_BYTES = 8
const TWIN = 0x52454453
const READ_BYTES = 1 << 20
const HEADER_BYTES = 100

/** The file of the sums, and the log's. */
export const sumsFile = (database: string): string => `${database}.sums`
const logFile = (database: string): string => `${database}-wal`

/** Keeps the sums of one database, whose only writer runs in this thread. */
export class PageSums implements Disposable {
  readonly #database: string
  readonly #descriptor: number
  #salt = 0n
  #summed = 0

  constructor(database: string) {
    this.#database = database
    this.#descriptor = openSync(sumsFile(database), constants.O_RDWR | constants.O_CREAT, 0o600)
  }

  /** Copies the log into the file as far as no reader stands in the way, the sums first. Not within a transaction. */
  checkpoint(db: DatabaseSync): void {
    this.beforeCheckpoint(db)
    db.exec('PRAGMA wal_checkpoint(PASSIVE)')
  }

  /** Before whatever empties the log into the file. Blocks until the sums are durable. */
  beforeCheckpoint(db: DatabaseSync): void {
    const frames = framesInLog(db)
    if (frames === 0) return
    const log = openSync(logFile(this.#database), 'r')
    try {
      const header = readLogHeader(log)
      if (header === null) return
      const from = header.salt === this.#salt && this.#summed <= frames ? this.#summed : 0
      if (from === frames) return
      const page = Buffer.allocUnsafe(header.pageBytes)
      const sums = new Map<number, number>()
      for (const [number, offset] of pagesInLog(log, header, from, frames).offsets) {
        if (readSync(log, page, 0, header.pageBytes, offset) === header.pageBytes) sums.set(number, crc32(page))
      }
      this.record(sums)
      this.#salt = header.salt
      this.#summed = frames
    } finally {
      closeSync(log)
    }
  }

  /** Notes sums by page number, durably. */
  record(sums: ReadonlyMap<number, number>): void {
    if (sums.size === 0) return
    const pages = [...sums.keys()].sort((a, b) => a - b)
    for (let i = 0; i < pages.length; ) {
      // neighbours are written at once
      let end = i + 1
      while (end < pages.length && pages[end] === (pages[i] ?? 0) + end - i) end++
      const run = pages.slice(i, end)
      const bytes = Buffer.alloc(run.length * ENTRY_BYTES)
      run.forEach((number, at) => {
        putEntry(bytes, at, number, sums.get(number) ?? 0)
      })
      writeSync(this.#descriptor, bytes, 0, bytes.length, ((run[0] ?? 1) - 1) * ENTRY_BYTES)
      i = end
    }
    fsyncSync(this.#descriptor)
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor)
  }
}

function putEntry(bytes: Buffer, slot: number, page: number, sum: number): void {
  bytes.writeUInt32LE(sum, slot * ENTRY_BYTES)
  bytes.writeUInt32LE((sum ^ page ^ TWIN) >>> 0, slot * ENTRY_BYTES + 4)
}

/** The sum of a page; null where it is unknown. */
function entryOf(sums: Buffer, page: number): number | null {
  const at = (page - 1) * ENTRY_BYTES
  if (at + ENTRY_BYTES > sums.length) return null
  const sum = sums.readUInt32LE(at)
  return sums.readUInt32LE(at + 4) === (sum ^ page ^ TWIN) >>> 0 ? sum : null
}

/** What a look at the pages found. */
export interface PagesFound {
  readonly pages: number
  /** Numbers of pages that are not as they were written, or are missing. */
  readonly damaged: readonly number[]
  /** Pages without a sum, and their sums now. */
  readonly unknown: ReadonlyMap<number, number>
  /** There was no file of sums. */
  readonly hadNoSums: boolean
}

/**
 * Compares each page of the file with its sum. A reading transaction must be open on another connection since before
 * `frames` (what the log held then) was asked, so that no checkpoint changes the pages that are looked at.
 */
export function checkPages(database: string, frames: number): PagesFound {
  const hadNoSums = !existsSync(sumsFile(database))
  const sums = hadNoSums ? Buffer.alloc(0) : readFileSync(sumsFile(database))
  const log = logPages(database, frames)
  const file = openSync(database, 'r')
  try {
    const { pageBytes, pageCount } = fileHeader(file)
    const pages = log?.pageCount || pageCount
    const damaged: number[] = []
    const unknown = new Map<number, number>()
    const perRead = Math.max(1, Math.floor(READ_BYTES / pageBytes))
    const buffer = Buffer.allocUnsafe(perRead * pageBytes)
    for (let first = 1; first <= pages; first += perRead) {
      const read = readSync(file, buffer, 0, buffer.length, (first - 1) * pageBytes)
      for (let page = first; page < first + perRead && page <= pages; page++) {
        if (log?.offsets.has(page)) continue
        const at = (page - first) * pageBytes
        const wanted = entryOf(sums, page)
        if (at + pageBytes > read) {
          damaged.push(page)
          continue
        }
        const sum = crc32(buffer.subarray(at, at + pageBytes))
        if (wanted === null) unknown.set(page, sum)
        else if (wanted !== sum) damaged.push(page)
      }
    }
    return { pages, damaged, unknown, hadNoSums }
  } finally {
    closeSync(file)
  }
}

function logPages(database: string, frames: number): LogPages | null {
  if (frames <= 0 || !existsSync(logFile(database))) return null
  const log = openSync(logFile(database), 'r')
  try {
    const header = readLogHeader(log)
    return header && pagesInLog(log, header, 0, frames)
  } finally {
    closeSync(log)
  }
}

function fileHeader(file: number): { readonly pageBytes: number; readonly pageCount: number } {
  const header = Buffer.alloc(HEADER_BYTES)
  const read = readSync(file, header, 0, HEADER_BYTES, 0)
  const pageBytes = read < HEADER_BYTES ? 0 : header.readUInt16BE(16)
  const bytes = pageBytes === 1 ? 65_536 : pageBytes
  if (bytes < 512) return { pageBytes: Math.max(1, fstatSync(file).size), pageCount: 1 }
  return { pageBytes: bytes, pageCount: header.readUInt32BE(28) }
}

/** Frames of whole transactions in the log. Not within a transaction. */
export function framesInLog(db: DatabaseSync): number {
  return Math.max(0, Number(db.prepare('PRAGMA wal_checkpoint(NOOP)').get()?.['log'] ?? 0))
}
