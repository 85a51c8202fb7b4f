import { randomBytes } from 'node:crypto'
import { chmod, copyFile, type FileHandle, link, mkdir, open, rename, stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { EXIT, StartError } from '../errors/start-error.ts'
import { DIRECTORY_MODE } from './layout.ts'
import { fileError } from './read.ts'

/** A file to be put in place: its final path, its content and its permission bits. */
export interface PlannedFile {
  readonly path: string
  readonly content: string
  readonly mode: number
}

/** Files written aside and flushed to disk, waiting to be put in place in the order given. */
interface StagedFile extends PlannedFile {
  readonly staged: string
}

/** What happens to files that are there already: see `putFiles`. */
export type PutMode = 'create' | 'keepOld' | 'replace'

/** Suffix of the previous file that a renewal or a forced creation keeps. */
export const BACKUP_SUFFIX = '.old'

/** Makes the directory of a set, readable by its owner only; an existing one keeps its permissions. */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: DIRECTORY_MODE })
  } catch (error) {
    throw fileError('create', path, error)
  }
}

/**
 * Puts files in place all together: every content is written aside and flushed first, so that a full disk changes
 * nothing, then the renames follow one another in the order given, and the directory is flushed. A reader of any one
 * path sees the old or the new file, never a part.
 *
 * With `keepOld`, files that exist are kept beside the new ones as `<name>.old`. With `create` the first file is put
 * in place exclusively: of two processes that create one set, the second fails before it has changed anything.
 */
export async function putFiles(files: readonly PlannedFile[], mode: PutMode): Promise<void> {
  const staged: StagedFile[] = []
  try {
    for (const file of files) staged.push(await stage(file))
    if (mode === 'keepOld') for (const file of files) await backUp(file)
    for (const [index, file] of staged.entries()) await place(file, index === 0 && mode === 'create')
    for (const directory of new Set(files.map((file) => dirname(file.path)))) await flushDirectory(directory)
  } finally {
    await Promise.all(staged.map((file) => unlink(file.staged).catch(ignoreMissing)))
  }
}

/** Who may read the file that is replaced; null = there is none. */
async function presentAccess(path: string): Promise<{ mode: number; uid: number; gid: number } | null> {
  try {
    const { mode, uid, gid } = await stat(path)
    return { mode, uid, gid }
  } catch {
    return null
  }
}

/** Group read: what an owner gives the server's group, so that it need not run as the key's owner. */
const GROUP_READ = 0o040

/**
 * A file that takes the place of another keeps its owner, and its group's right to read: a server that runs as another
 * user than whoever renews must be able to read the new pair too. Nobody gains a right that they did not have.
 */
async function keepAccess(handle: FileHandle, file: PlannedFile): Promise<number> {
  const before = await presentAccess(file.path)
  if (before === null) return file.mode
  const own = await handle.stat()
  if (own.uid === before.uid && own.gid === before.gid) return file.mode | (before.mode & GROUP_READ)
  try {
    await handle.chown(before.uid, before.gid)
  } catch {
    // only root gives files away; the file stays the renewer's, readable by nobody else
    return file.mode
  }
  return file.mode | (before.mode & GROUP_READ)
}

async function stage(file: PlannedFile): Promise<StagedFile> {
  const staged = `${file.path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const handle = await open(staged, 'wx', file.mode)
    try {
      await handle.writeFile(file.content)
      // The process' umask may have taken bits away that a certificate should have.
      await handle.chmod(await keepAccess(handle, file))
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    await unlink(staged).catch(ignoreMissing)
    throw fileError('create', file.path, error)
  }
  return { ...file, staged }
}

async function place(file: StagedFile, exclusive: boolean): Promise<void> {
  try {
    if (exclusive) await link(file.staged, file.path)
    else await rename(file.staged, file.path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') throw alreadyThere([file.path])
    throw fileError('write', file.path, error)
  }
}

/** Keeps the present file as `<name>.old`, itself replaced atomically, with the permissions of the new one. */
async function backUp(file: PlannedFile): Promise<void> {
  const aside = `${file.path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await copyFile(file.path, aside)
    await chmod(aside, file.mode)
    await rename(aside, `${file.path}${BACKUP_SUFFIX}`)
  } catch (error) {
    await unlink(aside).catch(ignoreMissing)
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return
    throw fileError('write', `${file.path}${BACKUP_SUFFIX}`, error)
  }
}

/** Makes the renames themselves durable; Windows cannot open a directory, and needs it not. */
async function flushDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The refusal to overwrite. */
export function alreadyThere(paths: readonly string[]): StartError {
  return new StartError(
    EXIT.cannotCreate,
    `will not overwrite ${paths.join(', ')}`,
    'renew a set with redkite certs renew, choose another directory with --dir, or replace it all with --force',
  )
}

function ignoreMissing(error: unknown): void {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return
  throw error
}
