import type { DatabaseSync } from 'node:sqlite'
import { type HighWater, MarkWriter } from '../../sqlite/high-water.ts'
import { PageSums } from '../../sqlite/page-sums.ts'
import { Applier } from './apply.ts'
import { openWriter } from './connection.ts'
import type { Applied, Change } from './contract.ts'
import { guardRows, highWaterOf } from './guard-rows.ts'
import type { FieldRef } from './layout.ts'
import { isStorageFailure } from './sqlite-error.ts'

export type Outcome =
  | { readonly ok: true; readonly applied: Applied; readonly rowCount: number }
  | { readonly ok: false; readonly error: unknown }

/** Pages of 16 KiB in the log above which it is copied into the file, and the size that is left of it afterwards. */
const CHECKPOINT_PAGES = 1024
const LOG_LIMIT_BYTES = 64 << 20

/** The writing side of one collection: a group of changes is one transaction, a change that fails undoes itself alone. */
export class GroupCommit {
  readonly file: string
  readonly #db: DatabaseSync
  readonly #applier: Applier

  readonly #sums: PageSums
  readonly #mark: MarkWriter
  /** What an operator should know although nothing is lost. */
  readonly remarks: readonly string[]

  /** @throws StartError naming a damaged file; Error of SQLite or the file system */
  constructor(file: string, fields: readonly FieldRef[], mustExist: boolean) {
    this.file = file
    using guard = guardRows(file, mustExist)
    using opened = new DisposableStack()
    this.remarks = guard.remarks
    this.#db = opened.adopt(openWriter(file, fields), (db) => db.close())
    this.#db.exec(`PRAGMA journal_size_limit=${LOG_LIMIT_BYTES}`)
    this.#applier = new Applier(this.#db, fields)
    this.#sums = opened.use(new PageSums(file))
    this.#sums.record(guard.unknown)
    this.#mark = opened.use(new MarkWriter(file, this.#highWater()))
    opened.move()
  }

  #highWater(): HighWater {
    return highWaterOf({ lastRid: this.lastRid, rowCount: this.rowCount })
  }

  get rowCount(): number {
    return this.#applier.rowCount
  }
  get lastRid(): number {
    return this.#applier.nextRid - 1
  }

  /**
   * Resolves every change of the group, in order, after the fsync. Where the storage itself fails (a full disk), the
   * changes are tried again one by one: what still fits is stored, the others are answered with the error.
   */
  commit(changes: readonly Change[]): readonly Outcome[] {
    try {
      return this.#transaction(changes)
    } catch (error) {
      this.#undo()
      const [first] = changes
      if (changes.length === 1 || !first) return changes.map(() => ({ ok: false, error }))
      return changes.flatMap((change) => this.commit([change]))
    }
  }

  #transaction(changes: readonly Change[]): readonly Outcome[] {
    this.#db.exec('BEGIN IMMEDIATE')
    const outcomes = changes.map((change) => this.#apply(change))
    this.#db.exec('COMMIT')
    this.#mark.write(this.#highWater())
    return outcomes
  }

  #apply(change: Change): Outcome {
    const { nextRid, rowCount } = this.#applier
    this.#db.exec('SAVEPOINT change')
    try {
      const applied = this.#applier.apply(change)
      this.#db.exec('RELEASE change')
      return { ok: true, applied, rowCount: this.#applier.rowCount }
    } catch (error) {
      // SQLite may have rolled the whole transaction back already (full disk, I/O error).
      if (!this.#db.isTransaction || isStorageFailure(error)) throw error
      this.#db.exec('ROLLBACK TO change; RELEASE change')
      this.#applier.nextRid = nextRid
      this.#applier.rowCount = rowCount
      return { ok: false, error }
    }
  }

  #undo(): void {
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
    this.#applier.refresh()
  }

  /** Pages in the log that are not in the file yet. */
  logPages(): number {
    const row = this.#db.prepare('PRAGMA wal_checkpoint(NOOP)').get()
    return Number(row?.['log'] ?? 0) - Number(row?.['checkpointed'] ?? 0)
  }

  /** Copies the log into the file when it has grown; never waits for readers. Call it after the acknowledgement. */
  checkpointIfGrown(): void {
    if (this.logPages() >= CHECKPOINT_PAGES) this.#checkpoint()
  }

  /** For quiet times: empties the log, so that the next start has nothing to recover, and gives the page cache back. */
  settle(): void {
    if (this.logPages() > 0) this.#checkpoint()
    this.#db.exec('PRAGMA shrink_memory')
  }

  #checkpoint(): void {
    this.#sums.checkpoint(this.#db)
  }

  /** SQLite copies the log into the file when the last connection closes: the sums come first. */
  close(): void {
    try {
      this.#sums.beforeCheckpoint(this.#db)
    } finally {
      this.#db.close()
      this.#mark[Symbol.dispose]()
      this.#sums[Symbol.dispose]()
    }
  }
}
