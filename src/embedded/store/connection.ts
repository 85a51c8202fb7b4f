import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { checkFormat, type FieldRef, layoutStatements } from './layout.ts'

/** How long a connection waits for another one of ours that truncates the log. */
const BUSY_TIMEOUT_MS = 5000
/** Page caches in KiB. They bound the memory of a collection that is in use; idle writers give theirs back. */
const WRITER_CACHE_KIB = 16_384
const SCAN_CACHE_KIB = 4096
const POINT_CACHE_KIB = 1024

/** Bytes of a page of a new file. */
export const PAGE_BYTES = 16_384

/** The one writing connection of a collection, whose file is there (guard-rows.ts). Creates tables where absent. */
export function openWriter(file: string, fields: readonly FieldRef[]): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS })
  try {
    const mode = db.prepare('PRAGMA journal_mode=WAL').get()
    if (mode?.['journal_mode'] !== 'wal') throw new Error(`${file}: the file system does not allow a write-ahead log`)
    // Checkpoints are ours (group-commit.ts): SQLite would run them inside a commit, before it is acknowledged.
    db.exec(`PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-${WRITER_CACHE_KIB};
      PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY`)
    layOut(db, file, fields)
  } catch (error) {
    db.close()
    throw error
  }
  return db
}

function layOut(db: DatabaseSync, file: string, fields: readonly FieldRef[]): void {
  const present = new Set(
    db
      .prepare("SELECT name FROM pragma_table_info('rows')")
      .all()
      .map((row) => String(row['name'])),
  )
  if (present.size > 0) checkFormat(file, db.prepare("SELECT value FROM info WHERE key='format'").get()?.['value'])
  db.exec(`BEGIN IMMEDIATE; ${layoutStatements(fields, present).join(';')}; COMMIT`)
}

/** SQLite makes the names in the database's folder durable; those of the folders above are left to us. */
export function makeDirectory(directory: string): void {
  const created = mkdirSync(directory, { recursive: true, mode: 0o700 })
  if (created === undefined) return
  for (let made = directory; made.length >= created.length; made = dirname(made)) syncFolder(dirname(made))
}

/** Makes the names in a folder durable. Windows has no handles of directories to flush. */
export function syncFolder(path: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** A connection that can only read, and sees every commit made before its statement began. */
export function openReader(file: string, use: 'scans' | 'points'): DatabaseSync {
  const db = new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT_MS })
  const cacheKib = use === 'scans' ? SCAN_CACHE_KIB : POINT_CACHE_KIB
  db.exec(`PRAGMA cache_size=-${cacheKib}; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY`)
  // SQLite takes its part in the log with the first read, not with the opening.
  db.prepare('SELECT 1 FROM sqlite_schema').get()
  return db
}
