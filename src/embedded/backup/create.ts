import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import type { Catalog } from '../../catalog/catalog.ts'
import type { CollectionEntry } from '../../catalog/entries.ts'
import { CATALOG_FORMAT } from '../../catalog/format.ts'
import { faultText } from '../../errors/error.ts'
import { syncFolder } from '../store/connection.ts'
import { STORE_FORMAT } from '../store/layout.ts'
import { clientError } from '../store/sqlite-error.ts'
import { StoreThread, ThreadError } from '../store/store-thread.ts'
import type { CopyCalls } from './copy-worker.ts'
import { BACKUP_FORMAT, type BackupManifest, MANIFEST, sumOf } from './manifest.ts'

/** Collections may be made or dropped while their files are taken hold of: then once more. */
const ATTEMPTS = 20

/** What is backed up. */
export interface BackupSource {
  readonly dataDirectory: string
  readonly catalog: Catalog
  readonly version: string
  /** Runs the work while no write to a collection is under way. */
  readonly pause: (work: () => Promise<void>) => Promise<void>
  readonly onProgress?: (done: number, all: number, name: string) => void
}

/**
 * Copies catalog and rows as they are at one moment into a new folder: every write acknowledged before, none after.
 * Segments are left out: they are made again. Writes wait only until the files are held. Whatever fails leaves nothing.
 * @throws RedkiteError
 */
export async function createBackup(source: BackupSource, to: string): Promise<BackupManifest> {
  if (!isAbsolute(to)) throw faultText('invalidParameter', `path ${to}: it must be absolute, on the server's machine`)
  const target = resolve(to)
  if (existsSync(target)) throw faultText('invalidParameter', `path ${target}: it exists already; name a new folder`)
  if (!existsSync(dirname(target)))
    throw faultText('invalidParameter', `path ${target}: there is no folder ${dirname(target)}; make it first`)
  const aside = `${target}.unfinished-${process.pid}`
  const thread = new StoreThread<CopyCalls>({ script: '../backup/copy-worker', onCrash: () => {} })
  try {
    mkdirSync(aside, { mode: 0o700 })
    const manifest = await copyAll(source, aside, thread)
    writeDurably(join(aside, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`)
    syncFolder(aside)
    renameSync(aside, target)
    syncFolder(dirname(target))
    return manifest
  } catch (error) {
    rmSync(aside, { recursive: true, force: true })
    throw error instanceof ThreadError ? clientError(error.wire) : error
  } finally {
    await thread.close()
  }
}

async function copyAll(source: BackupSource, aside: string, thread: StoreThread<CopyCalls>): Promise<BackupManifest> {
  const { takenAt, entries } = await hold(source, aside, thread)
  const files: BackupManifest['files'] = [{ path: 'catalog.db', ...(await sumOf(join(aside, 'catalog.db'))) }]
  const collections: BackupManifest['collections'] = []
  for (const entry of entries) {
    source.onProgress?.(collections.length, entries.length, entry.schema.name)
    const path = rowsPath(entry)
    mkdirSync(dirname(join(aside, path)), { recursive: true, mode: 0o700 })
    const { rows, bytes, sha256 } = await thread.call('copy', {
      file: join(source.dataDirectory, path),
      to: join(aside, path),
    })
    files.push({ path, bytes, sha256 })
    collections.push({ db: entry.db, name: entry.schema.name, id: entry.id.toString(), rows })
  }
  const formats = { catalogFormat: CATALOG_FORMAT, storeFormat: STORE_FORMAT }
  return { format: BACKUP_FORMAT, version: source.version, takenAt, ...formats, collections, files }
}

/** Takes hold of every row store and copies the catalog, of one moment. */
async function hold({ catalog, dataDirectory, pause }: BackupSource, aside: string, thread: StoreThread<CopyCalls>) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    let entries: readonly CollectionEntry[] = []
    let same = false
    await pause(async () => {
      entries = catalog.collections(null)
      const files = entries.map((entry) => join(dataDirectory, rowsPath(entry)))
      await thread.call('begin', { file: dataDirectory, files }).catch((error: unknown) => {
        // a collection was dropped meanwhile
        if (sameCollections(entries, catalog.collections(null))) throw error
      })
      same = sameCollections(entries, catalog.collections(null))
      if (!same) return
      catalog.copyTo(join(aside, 'catalog.db'))
      entries = catalog.collections(null)
    })
    if (same) return { takenAt: new Date().toISOString(), entries }
  }
  throw faultText('serviceUnavailable', 'collections are made and dropped all the time; try again: service unavailable')
}

function sameCollections(before: readonly CollectionEntry[], now: readonly CollectionEntry[]): boolean {
  return before.length === now.length && before.every((entry, at) => entry.id === now[at]?.id)
}

function rowsPath(entry: CollectionEntry): string {
  return `collections/${entry.id}/rows.db`
}

function writeDurably(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600, flush: true })
}
