import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { EXIT, type ExitCode } from '../errors/start-error.ts'

/** A PEM file of a few certificates has some KB; a CA bundle of a whole distribution 250 KB. */
const FILE_BYTES_MAX = 1 << 20

/** A file as it was when its bytes were read: both come from one open handle. */
export interface ReadFile {
  readonly bytes: Buffer
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly modified: Date
}

/** Why a file cannot be read. `text` says what was seen and begins with the path; `cause` tells remedies apart. */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile'
  readonly exitCode: ExitCode
  readonly kind: 'missing' | 'denied' | 'notFile' | 'tooLarge' | 'badPath' | 'io'

  constructor(kind: UnreadableFile['kind'], exitCode: ExitCode, text: string) {
    super(text)
    this.kind = kind
    this.exitCode = exitCode
  }
}

/**
 * Reads a small regular file. Never hangs and never reads without end: a FIFO or device is opened without waiting and
 * refused, and so is what has more than a megabyte. What is checked is what was opened, so that a link exchanged in
 * between cannot put another file there.
 * @param path absolute
 * @throws UnreadableFile
 */
export async function readSmallFile(path: string): Promise<ReadFile> {
  if (path.includes('\0')) {
    throw new UnreadableFile('badPath', EXIT.config, `${JSON.stringify(path)} contains a NUL character`)
  }
  let handle: FileHandle | null = null
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    const facts = await handle.stat()
    if (!facts.isFile()) throw new UnreadableFile('notFile', EXIT.config, `${path} is not a file but ${kindOf(facts)}`)
    if (facts.size > FILE_BYTES_MAX) throw tooLarge(path, `${facts.size} bytes`)
    const bytes = await readBounded(handle)
    if (bytes.length > FILE_BYTES_MAX) throw tooLarge(path, `more than ${FILE_BYTES_MAX} bytes`)
    return { bytes, mode: facts.mode & 0o7777, uid: facts.uid, gid: facts.gid, modified: facts.mtime }
  } catch (error) {
    throw error instanceof UnreadableFile ? error : await unreadable(path, error)
  } finally {
    await handle?.close()
  }
}

/** Size says little of a file under /proc, or of one that grows: the bytes themselves are counted. */
async function readBounded(handle: FileHandle): Promise<Buffer> {
  const chunks: Buffer[] = []
  let total = 0
  while (total <= FILE_BYTES_MAX) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(65_536), 0, 65_536, total)
    if (bytesRead === 0) break
    chunks.push(buffer.subarray(0, bytesRead))
    total += bytesRead
  }
  return Buffer.concat(chunks)
}

function tooLarge(path: string, size: string): UnreadableFile {
  return new UnreadableFile('tooLarge', EXIT.config, `${path} has ${size} (max ${FILE_BYTES_MAX})`)
}

async function unreadable(path: string, error: unknown): Promise<UnreadableFile> {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'EIO'
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new UnreadableFile('missing', EXIT.config, `open ${path}: no such file or directory`)
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new UnreadableFile('denied', EXIT.noPermission, `open ${path}: permission denied (${await whose(path)})`)
  }
  if (code === 'ELOOP')
    return new UnreadableFile('badPath', EXIT.config, `open ${path}: its links go round in a circle`)
  if (code === 'ENAMETOOLONG') return new UnreadableFile('badPath', EXIT.config, `open ${path}: the name is too long`)
  if (code === 'ENXIO')
    return new UnreadableFile('notFile', EXIT.config, `${path} is not a file but a socket or device`)
  return new UnreadableFile('io', EXIT.io, `open ${path}: ${code}`)
}

/** Whose a file is that may not be read, or the directory above it that may not be entered. */
async function whose(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    const facts = await stat(at).catch(() => null)
    if (facts === null && dirname(at) !== at) continue
    if (facts === null) return 'owner unknown'
    const mode = (facts.mode & 0o7777).toString(8).padStart(4, '0')
    return `${at === path ? '' : `${at}: `}owner uid ${facts.uid}, gid ${facts.gid}, mode ${mode}`
  }
}

function kindOf(facts: { isDirectory(): boolean; isFIFO(): boolean }): string {
  if (facts.isDirectory()) return 'a directory'
  return facts.isFIFO() ? 'a named pipe' : 'a device or socket'
}
