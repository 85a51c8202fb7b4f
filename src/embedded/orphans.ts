import { existsSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Log } from '../observe/log.ts'

/** Only folders that can be ours: what else lies there (`lost+found`) is none of our business. */
const COLLECTION_FOLDER = /^\d+$/

/**
 * Removes folders of collections that the catalog does not know: a crash between the making of the files and the
 * catalog's word leaves one, without rows. A folder with rows stays, with a warning: it may be all that is left of a
 * collection whose catalog was lost.
 */
export async function removeOrphans(collections: string, isKnown: (id: bigint) => boolean, log: Log): Promise<void> {
  if (!existsSync(collections)) return
  for (const name of await readdir(collections)) {
    if (!COLLECTION_FOLDER.test(name) || isKnown(BigInt(name))) continue
    const directory = join(collections, name)
    if (mayHoldRows(join(directory, 'rows.db'))) {
      log.warn('a collection with rows that the catalog does not know is left alone', {
        directory,
        hint: 'restore catalog.db from a backup, or move the folder away',
      })
      continue
    }
    await rm(directory, { recursive: true, force: true, maxRetries: 4, retryDelay: 50 })
    log.info('removed the files of a collection whose creation was interrupted', { directory })
  }
}

/** Also true where the file cannot be read. */
function mayHoldRows(file: string): boolean {
  if (!existsSync(file)) return false
  try {
    const db = new DatabaseSync(file)
    try {
      const made = db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'rows'").get()
      return made !== undefined && db.prepare('SELECT 1 FROM rows LIMIT 1').get() !== undefined
    } finally {
      db.close()
    }
  } catch {
    return true
  }
}
