import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite'
import { type Guard, guardDatabase } from './guard.ts'
import { type HighWater, MarkWriter } from './high-water.ts'
import { framesInLog, PageSums } from './page-sums.ts'

/** Pages in the log above which they are copied into the file. */
const CHECKPOINT_PAGES = 256
const PAGE_BYTES = 4096

/** The statements of a database that are used here. */
interface Statement {
  get(...params: SQLInputValue[]): Record<string, SQLOutputValue> | undefined
  all(...params: SQLInputValue[]): Record<string, SQLOutputValue>[]
  run(...params: SQLInputValue[]): void
}

/** How a guarded database is opened. */
export interface GuardedOptions {
  /** It was there before: a missing file is damage. */
  readonly mustExist: boolean
  /** Told what `info` says of the format, before anything else is looked at; may throw. */
  readonly checkFormat: (format: string | null) => void
}

/**
 * A small database (a table `info(key, value)` must be part of it) whose damage is found when it is opened: changes are
 * counted in `info`, noted in its mark after each commit, and its pages have sums. For the catalog.
 */
export class GuardedDatabase implements Disposable {
  readonly #db: DatabaseSync
  readonly #sums: PageSums
  readonly #mark: MarkWriter
  readonly #guard: Guard
  /** What an operator should know although nothing is lost. */
  readonly remarks: readonly string[]

  /** @throws StartError naming the file, Error of SQLite */
  constructor(path: string, schema: string, { mustExist, checkFormat }: GuardedOptions) {
    const highWater = (db: DatabaseSync) => {
      checkFormat(infoOf(db, 'format'))
      return countedChanges(db)
    }
    using opened = new DisposableStack()
    const bytesMax = Number.POSITIVE_INFINITY
    const guard = opened.use(guardDatabase(path, { mustExist, highWater, pageBytes: PAGE_BYTES, bytesMax }))
    this.remarks = guard.remarks
    this.#db = opened.adopt(new DatabaseSync(path), (db) => db.close())
    const settings = 'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000'
    this.#db.exec(`${settings}; PRAGMA wal_autocheckpoint=0`)
    this.#db.exec(schema)
    this.#count()
    this.#sums = opened.use(new PageSums(path))
    this.#sums.record(guard.unknown)
    this.#mark = opened.use(new MarkWriter(path, countedChanges(this.#db) ?? { first: 0, second: 0 }))
    this.#guard = guard
    opened.move()
  }

  get isTransaction(): boolean {
    return this.#db.isTransaction
  }

  exec(sql: string): void {
    this.#db.exec(sql)
    this.#changed()
  }

  /** All of `work` is committed, or nothing of it. @throws what `work` throws, Error of SQLite */
  transaction(work: () => void): void {
    this.exec('BEGIN IMMEDIATE')
    try {
      work()
      this.exec('COMMIT')
    } catch (thrown) {
      this.exec('ROLLBACK')
      throw thrown
    }
  }

  prepare(sql: string): Statement {
    const statement = this.#db.prepare(sql)
    return {
      get: (...params: SQLInputValue[]) => statement.get(...params),
      all: (...params: SQLInputValue[]) => statement.all(...params),
      run: (...params: SQLInputValue[]) => {
        statement.run(...params)
        this.#changed()
      },
    }
  }

  /** Triggers of this connection, so that no change is forgotten; the file knows none. */
  #count(): void {
    this.#db.exec("INSERT OR IGNORE INTO info(key, value) VALUES ('changes', '0')")
    const tables = this.#db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
    for (const { name } of tables) {
      const condition = (row: string) => (name === 'info' ? `WHEN ${row}.key <> 'changes'` : '')
      for (const [event, row] of [
        ['INSERT', 'NEW'],
        ['UPDATE', 'NEW'],
        ['DELETE', 'OLD'],
      ] as const) {
        this.#db.exec(
          `CREATE TEMP TRIGGER counted_${name}_${event} AFTER ${event} ON main.${name} ${condition(row)} BEGIN
             UPDATE info SET value = CAST(value + 1 AS TEXT) WHERE key = 'changes'; END`,
        )
      }
    }
  }

  #changed(): void {
    if (this.#db.isTransaction) return
    this.#mark.write(countedChanges(this.#db) ?? { first: 0, second: 0 })
    if (framesInLog(this.#db) >= CHECKPOINT_PAGES) this.#checkpoint()
  }

  #checkpoint(): void {
    try {
      this.#sums.checkpoint(this.#db)
    } catch {
      // Nothing is lost: the changes are durable in the log.
    }
  }

  /** Copies the database as it is now into a new file. @throws Error of SQLite, also where the file exists */
  copyTo(file: string): void {
    this.#db.prepare('VACUUM INTO ?').run(file)
  }

  /** The last connection empties the log into the file. */
  [Symbol.dispose](): void {
    if (!this.#db.isOpen) return
    this.#checkpoint()
    this.#guard[Symbol.dispose]()
    this.#db.close()
    this.#mark[Symbol.dispose]()
    this.#sums[Symbol.dispose]()
  }
}

function infoOf(db: DatabaseSync, key: string): string | null {
  const has = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'info'").get() !== undefined
  const value = has ? db.prepare('SELECT value FROM info WHERE key = ?').get(key)?.['value'] : undefined
  return typeof value === 'string' ? value : null
}

/** Null where nothing was counted yet: a new file, or one of a version that did not count. */
function countedChanges(db: DatabaseSync): HighWater | null {
  const value = infoOf(db, 'changes')
  return value === null ? null : { first: Number(value), second: 0 }
}
