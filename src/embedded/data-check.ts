/** `redkite data check`: reads every file of a stopped server and changes none. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fromText } from '../catalog/codec.ts'
import type { CollectionEntry } from '../catalog/entries.ts'
import { differingFile, readMarker } from '../engine/segment-files.ts'
import { EXIT, StartError } from '../errors/start-error.ts'
import { isVectorType } from '../model/fields/table.ts'
import { guardDatabase } from '../sqlite/guard.ts'
import { lockDataDirectory } from './lock.ts'
import { guardRows } from './store/guard-rows.ts'

/** `damage` is lost truth; `derived` will be made again by itself. */
export interface DataFinding {
  readonly level: 'damage' | 'derived'
  readonly file: string
  readonly what: string
  readonly remedy: string
}

export interface DataReport {
  readonly sound: boolean
  readonly files: number
  readonly collections: number
  readonly rows: number
  readonly findings: readonly DataFinding[]
}

const RESTORE = 'restore a backup into an empty directory: redkite backup restore FOLDER --data DIR'
const REBUILT = 'nothing to do: it is made again at the next start'

/** @throws StartError 78 where it is no data directory, 75 where a server has it */
export async function checkData(directory: string, onFile: (path: string) => void): Promise<DataReport> {
  const catalog = join(directory, 'catalog.db')
  if (!existsSync(directory) || !(existsSync(catalog) || existsSync(join(directory, 'collections')))) {
    throw new StartError(EXIT.config, `${directory}: holds no data of Redkite`, 'name its directory with --data')
  }
  using _lock = lockDataDirectory(directory)
  const findings: DataFinding[] = []
  let [files, rows] = [1, 0]
  onFile(catalog)
  const entries = checkDatabase(catalog, findings, () => looked(catalog), collectionsIn) ?? []
  for (const entry of entries) {
    const folder = join(directory, 'collections', String(entry.id))
    const file = join(folder, 'rows.db')
    onFile(file)
    files++
    const open = () => guardRows(file, true)
    rows += checkDatabase(file, findings, open, (db) => checkRows(db, file, entry, findings)) ?? 0
    for (const segment of segmentsIn(join(folder, 'index'))) {
      onFile(segment)
      files++
      const what = await segmentWrong(segment)
      if (what !== null) findings.push({ level: 'derived', file: segment, what, remedy: REBUILT })
    }
  }
  const sound = findings.every(({ level }) => level === 'derived')
  return { sound, files, collections: entries.length, rows, findings }
}

function looked(file: string) {
  const highWater = (db: DatabaseSync) => {
    const value = db.prepare("SELECT value FROM info WHERE key = 'changes'").get()?.['value']
    return value === undefined ? null : { first: Number(value), second: 0 }
  }
  return guardDatabase(file, { mustExist: true, highWater, pageBytes: 4096, bytesMax: Number.POSITIVE_INFINITY })
}

/** Pages and mark first, then SQLite's own check, then what the file means; null where it cannot be read. */
function checkDatabase<T>(
  file: string,
  findings: DataFinding[],
  open: () => { readonly remarks: readonly string[]; [Symbol.dispose](): void },
  work: (db: DatabaseSync) => T,
): T | null {
  const damage = (what: string, remedy = RESTORE) => findings.push({ level: 'damage', file, what, remedy })
  try {
    const guard = open()
    for (const remark of guard.remarks) {
      const [path = file, what = remark] = remark.split(/: (.*)/s)
      findings.push({ level: 'derived', file: path, what, remedy: REBUILT })
    }
    guard[Symbol.dispose]()
  } catch (error) {
    damage(error instanceof Error ? error.message.replace(`${file}: `, '') : String(error))
  }
  if (!existsSync(file) || statSync(file).size === 0) return null
  try {
    using db = new DatabaseSync(file, { readOnly: true })
    for (const row of db.prepare('PRAGMA integrity_check(5)').all()) {
      if (row['integrity_check'] !== 'ok') damage(`SQLite: ${row['integrity_check']}`)
    }
    return work(db)
  } catch (error) {
    damage(error instanceof Error ? error.message : String(error))
    return null
  }
}

function collectionsIn(db: DatabaseSync): CollectionEntry[] {
  return db
    .prepare('SELECT entry FROM collections')
    .all()
    .map((row) => fromText<CollectionEntry>(String(row['entry'])))
}

/** Rows, their vectors and partitions, and the deleted rows, against each other; the live rows. */
function checkRows(db: DatabaseSync, file: string, entry: CollectionEntry, findings: DataFinding[]): number {
  const count = (sql: string) => Number(db.prepare(`SELECT count(*) AS n FROM ${sql}`).get()?.['n'] ?? 0)
  const wrong = (n: number, what: string) => {
    if (n > 0) findings.push({ level: 'damage', file, what: `${n} ${what}`, remedy: RESTORE })
  }
  wrong(count('rows JOIN dead USING (rid)'), 'deleted rows are still there')
  const numbers = entry.partitions.map(({ number }) => number).join(',')
  wrong(count(`rows WHERE part NOT IN (${numbers})`), 'rows belong to no partition of the collection')
  for (const field of entry.schema.fields.filter(({ type }) => isVectorType(type))) {
    const table = `vec_${field.id}`
    wrong(count(`${table} WHERE rid NOT IN (SELECT rid FROM rows)`), `vectors of ${field.name} have no row`)
    if (field.nullable) continue
    wrong(count(`rows WHERE rid NOT IN (SELECT rid FROM ${table})`), `rows have no vector ${field.name}`)
  }
  return count('rows')
}

function segmentsIn(index: string): string[] {
  if (!existsSync(index)) return []
  return readdirSync(index, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory() && /^segment-\d+$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
}

async function segmentWrong(directory: string): Promise<string | null> {
  const marker = await readMarker(directory)
  if (marker === null) return 'the build was not finished, or its marker is damaged'
  return differingFile(directory, marker.files)
}
