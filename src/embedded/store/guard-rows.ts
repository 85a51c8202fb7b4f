import { dirname } from 'node:path'
import { type Guard, guardDatabase } from '../../sqlite/guard.ts'
import type { HighWater } from '../../sqlite/high-water.ts'
import { countersOf } from './apply.ts'
import { makeDirectory, PAGE_BYTES } from './connection.ts'
import { checkFormat } from './layout.ts'
import { Statements } from './sql-values.ts'

/** Pages of larger files are not compared with their sums at the start (a second or so): `redkite data check` does. */
const WAITED_BYTES_MAX = 2 ** 31

/**
 * Looks at `rows.db` before anything writes to it. Its mark: rids given out, and rows deleted; both only grow.
 * @throws StartError naming the file, also for a newer format; Error of SQLite
 */
export function guardRows(file: string, mustExist: boolean): Guard {
  makeDirectory(dirname(file))
  return guardDatabase(file, {
    mustExist,
    pageBytes: PAGE_BYTES,
    bytesMax: WAITED_BYTES_MAX,
    highWater: (db) => {
      const has = db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name IN ('info', 'rows', 'dead')").get()
      if (has?.['n'] !== 3) return null
      checkFormat(file, db.prepare("SELECT value FROM info WHERE key='format'").get()?.['value'])
      return highWaterOf(countersOf(new Statements(db)))
    },
  })
}

/** Deleted rows are those given out that are not there. */
export function highWaterOf({ lastRid, rowCount }: { readonly lastRid: number; readonly rowCount: number }): HighWater {
  return { first: lastRid, second: lastRid - rowCount }
}
