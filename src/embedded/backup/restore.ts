import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { CATALOG_FORMAT } from '../../catalog/format.ts'
import { EXIT, StartError } from '../../errors/start-error.ts'
import { STORE_FORMAT } from '../store/layout.ts'
import { type BackupManifest, readManifest, sumOf } from './manifest.ts'

/** Told what is being looked at or copied. */
export type OnFile = (path: string, at: number, all: number) => void

/**
 * Compares every file with its sum, and lets SQLite check it and count its rows.
 * @throws StartError 78 where it is no backup, 1 naming the first file that is not as it was written
 */
export async function verifyBackup(directory: string, onFile: OnFile = () => {}): Promise<BackupManifest> {
  const manifest = readManifest(directory)
  const bad = (path: string, what: string) =>
    new StartError(EXIT.checkFailed, `${join(directory, path)}: ${what}`, 'use another backup')
  for (const [at, { path, bytes, sha256 }] of manifest.files.entries()) {
    onFile(path, at, manifest.files.length)
    const file = join(directory, path)
    if (!existsSync(file)) throw bad(path, 'the file is missing')
    const found = await sumOf(file)
    if (found.bytes !== bytes) throw bad(path, `it has ${found.bytes} bytes, not ${bytes}`)
    if (found.sha256 !== sha256) throw bad(path, 'its SHA-256 is not the one in the manifest')
    const wrong = openedWrong(file, manifest.collections.find(({ id }) => path === `collections/${id}/rows.db`)?.rows)
    if (wrong !== null) throw bad(path, wrong)
  }
  return manifest
}

function openedWrong(file: string, rows: number | undefined): string | null {
  const db = new DatabaseSync(file, { readOnly: true })
  try {
    const said = db.prepare('PRAGMA integrity_check(1)').get()?.['integrity_check']
    if (said !== 'ok') return `SQLite finds it damaged: ${said}`
    const found = rows === undefined ? undefined : db.prepare('SELECT count(*) AS n FROM rows').get()?.['n']
    return found === rows ? null : `it holds ${found} rows, not ${rows}`
  } finally {
    db.close()
  }
}

/**
 * Puts a verified backup into a directory that is empty or absent, all of it or nothing.
 * @throws StartError 73 where the directory holds something, 78 for a newer format
 */
export async function restoreBackup(
  directory: string,
  data: string,
  onFile: OnFile = () => {},
): Promise<BackupManifest> {
  const target = resolve(data)
  if (existsSync(target) && readdirSync(target).length > 0) {
    const hint = 'name an empty directory with --data, or move this one away'
    throw new StartError(EXIT.cannotCreate, `${target}: it is not empty, nothing was restored`, hint)
  }
  const manifest = await verifyBackup(directory, onFile)
  if (manifest.catalogFormat > CATALOG_FORMAT || manifest.storeFormat > STORE_FORMAT) {
    const message = `${directory}: made by Redkite ${manifest.version}, whose format is newer than this version's`
    throw new StartError(EXIT.config, message, 'restore it with that version')
  }
  const aside = `${target}.unfinished-${process.pid}`
  try {
    for (const { path } of manifest.files) {
      mkdirSync(dirname(join(aside, path)), { recursive: true, mode: 0o700 })
      copyFileSync(join(directory, path), join(aside, path))
    }
    if (existsSync(target)) rmdirSync(target)
    renameSync(aside, target)
  } catch (cause) {
    rmSync(aside, { recursive: true, force: true })
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new StartError(EXIT.io, `nothing was restored: ${why}`, 'see that there is room and permission', { cause })
  }
  return manifest
}
