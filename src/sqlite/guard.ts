/** Looking at a database before it is opened for writing: what SQLite does not notice ends the start here. */
import { existsSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { EXIT, StartError } from '../errors/start-error.ts'
import { type HighWater, markFile, reaches, readMark } from './high-water.ts'
import { checkPages, framesInLog, type PagesFound, sumsFile } from './page-sums.ts'

/** How a database is looked at. */
export interface GuardOptions {
  /** It was there before: a missing file is damage. */
  readonly mustExist: boolean
  /** The counts of its mark as the file has them; null where it has no tables yet. */
  readonly highWater: (db: DatabaseSync) => HighWater | null
  /** Page size of a new file. */
  readonly pageBytes: number
  /** Pages of a larger file are not compared with their sums here; a file without sums gets them whatever its size. */
  readonly bytesMax: number
}

/**
 * A database that was looked at. Holds a reading connection, so that a writing one that is closed again in the meantime
 * is not the last: the last one copies the log into the file, and the sums would not know.
 */
export interface Guard extends Disposable {
  /** Null where there are no tables yet. */
  readonly counts: HighWater | null
  /** Sums to record. */
  readonly unknown: ReadonlyMap<number, number>
  /** What an operator should know although nothing is lost. */
  readonly remarks: readonly string[]
}

const HINT =
  'restore it from a backup (redkite backup restore); `redkite data check` tells everything that is damaged, and ' +
  'which files are only derived'

/** A damaged file, and the remedy. */
export function damage(file: string, what: string, hint = HINT): StartError {
  return new StartError(EXIT.io, `${file}: the file is damaged: ${what}`, hint)
}

/** @throws StartError naming the file; Error of SQLite */
export function guardDatabase(file: string, { mustExist, highWater, pageBytes, bytesMax }: GuardOptions): Guard {
  const mark = readMark(file)
  const seen = statSync(file, { throwIfNoEntry: false })
  const size = seen?.size ?? -1
  // what is no file gets SQLite's own refusal
  if (seen && !seen.isFile()) new DatabaseSync(file).close()
  if (size <= 0) {
    if (mustExist || mark !== 'absent' || existsSync(sumsFile(file))) {
      throw damage(file, size < 0 ? 'it is missing' : 'it is empty')
    }
    create(file, pageBytes)
  }
  const db = openHolder(file)
  try {
    const counts = highWater(db)
    if (typeof mark === 'object' && !(counts && reaches(counts, mark))) throw damage(file, lessThan(file, counts, mark))
    db.exec('PRAGMA shrink_memory')
    const frames = framesInLog(db)
    const isUnchecked = size > bytesMax && existsSync(sumsFile(file))
    const found = isUnchecked ? null : checkPages(file, frames)
    if (found && found.damaged.length > 0) throw damage(file, pagesText(found))
    return {
      counts,
      unknown: found?.unknown ?? new Map(),
      remarks: remarksOn(file, mark, found),
      [Symbol.dispose]: () => db.close(),
    }
  } catch (error) {
    db.close()
    throw error
  }
}

function openHolder(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { readOnly: true, timeout: 5000 })
  try {
    db.exec('PRAGMA cache_size=-256')
    // SQLite opens the log with the first read
    db.prepare('SELECT 1 FROM sqlite_schema').get()
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** An empty database, so that the reading connection can come first. */
function create(file: string, pageBytes: number): void {
  const db = new DatabaseSync(file)
  try {
    // The page size holds only when it is set before the first page is written.
    db.exec(`PRAGMA page_size=${pageBytes}; PRAGMA journal_mode=WAL`)
  } finally {
    db.close()
  }
}

/** Names the damaged pages. */
export function pagesText({ pages, damaged }: PagesFound): string {
  const [first] = damaged
  const verb = damaged.length === 1 ? 'is' : 'are'
  return `${damaged.length} of ${pages} pages ${verb} not as written (the first is page ${first})`
}

function lessThan(file: string, counts: HighWater | null, mark: HighWater): string {
  const seen = counts ? `${counts.first} and ${counts.second}` : 'nothing'
  return (
    `acknowledged changes are missing: it holds ${seen} where ${basename(markFile(file))} notes ` +
    `${mark.first} and ${mark.second}; ${basename(file)}-wal was cut, changed or removed, or the file is an older copy`
  )
}

function remarksOn(file: string, mark: HighWater | string, found: PagesFound | null): string[] {
  const remarks: string[] = []
  if (found && !found.hadNoSums && found.unknown.size > 0 && typeof mark === 'object') {
    remarks.push(`${sumsFile(file)}: the sums of ${found.unknown.size} pages were missing and are made anew`)
  }
  if (found?.hadNoSums && typeof mark === 'object') remarks.push(`${sumsFile(file)}: was missing and is made anew`)
  if (mark === 'damaged') remarks.push(`${markFile(file)}: was damaged and is written anew`)
  if (mark === 'absent' && found && !found.hadNoSums) remarks.push(`${markFile(file)}: was missing and is written anew`)
  return remarks
}
