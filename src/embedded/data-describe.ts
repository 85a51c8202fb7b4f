import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Catalog } from '../catalog/catalog.ts'
import { EXIT, StartError } from '../errors/start-error.ts'
import { isVectorType } from '../model/fields/table.ts'
import { planIndex } from './index-rules.ts'
import { lockDataDirectory } from './lock.ts'

/** A collection as `redkite data describe` tells it. */
export interface DescribedCollection {
  readonly db: string
  readonly name: string
  readonly rows: number
  /** Of all its files. */
  readonly bytes: number
  readonly indexes: readonly { readonly field: string; readonly type: string; readonly servedBy: string }[]
}

/** @throws StartError for what is no data directory, is in use, or is damaged */
export function describeData(directory: string): readonly DescribedCollection[] {
  if (!existsSync(join(directory, 'catalog.db'))) {
    throw new StartError(EXIT.config, `${directory}: holds no data of Redkite`, 'name its directory with --data')
  }
  using _lock = lockDataDirectory(directory)
  using catalog = Catalog.open(directory)
  return catalog.collections(null).map(({ id, db, schema, indexes }) => {
    const folder = join(directory, 'collections', String(id))
    return {
      db,
      name: schema.name,
      rows: rowsIn(join(folder, 'rows.db')),
      bytes: bytesIn(folder),
      indexes: indexes.map(({ field, params }) => {
        const described = schema.fields.find(({ name }) => name === field)
        if (!described || !isVectorType(described.type)) return { field, type: '', servedBy: 'SQLite' }
        const { indexType, kind, metric, m } = planIndex(described, params)
        const servedBy = kind === 'graph' ? `graph (M ${m}) over sealed rows, exact over growing ones` : 'exact search'
        return { field, type: `${indexType} ${metric}`, servedBy }
      }),
    }
  })
}

function rowsIn(file: string): number {
  using db = new DatabaseSync(file, { readOnly: true })
  return Number(db.prepare('SELECT count(*) AS n FROM rows').get()?.['n'] ?? 0)
}

function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}
