/**
 * How far a database had come, in `<file>.mark` beside it: written after each commit and before its acknowledgement,
 * without a flush. It is a lower bound of what must be there: a write-ahead log that was deleted, cut or changed ends
 * earlier without an error from SQLite, and an older file looks as good as the right one.
 */
import { closeSync, constants, existsSync, openSync, readFileSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'

/** Two counts that only ever grow. */
export interface HighWater {
  readonly first: number
  readonly second: number
}

const MAGIC = 0x524b484d
const BYTES = 24

/** The mark's file. */
export const markFile = (database: string): string => `${database}.mark`

function encode({ first, second }: HighWater): Buffer {
  const bytes = Buffer.alloc(BYTES)
  bytes.writeUInt32LE(MAGIC, 0)
  bytes.writeDoubleLE(first, 4)
  bytes.writeDoubleLE(second, 12)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, BYTES - 4)), BYTES - 4)
  return bytes
}

/** What the mark says; `absent` where there is none, `damaged` where it cannot be believed. */
export function readMark(database: string): HighWater | 'absent' | 'damaged' {
  const path = markFile(database)
  if (!existsSync(path)) return 'absent'
  const bytes = readFileSync(path)
  if (bytes.length !== BYTES || bytes.readUInt32LE(0) !== MAGIC) return 'damaged'
  if (bytes.readUInt32LE(BYTES - 4) !== crc32(bytes.subarray(0, BYTES - 4))) return 'damaged'
  return { first: bytes.readDoubleLE(4), second: bytes.readDoubleLE(12) }
}

/** True where the database has come at least as far as the mark says. */
export function reaches(found: HighWater, mark: HighWater): boolean {
  return found.first >= mark.first && found.second >= mark.second
}

/** Writes the mark of one database. */
export class MarkWriter implements Disposable {
  readonly #descriptor: number

  constructor(database: string, now: HighWater) {
    this.#descriptor = openSync(markFile(database), constants.O_RDWR | constants.O_CREAT, 0o600)
    this.write(now)
  }

  /** In place, so that a full disk does not matter; a mark that stays behind is still a lower bound. */
  write(now: HighWater): void {
    try {
      writeSync(this.#descriptor, encode(now), 0, BYTES, 0)
    } catch {
      // As said: the commit is durable, the mark only helps to notice damage.
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor)
  }
}
