import { createHash } from 'node:crypto'
import { MaterialFault } from './fault.ts'
import { readSmallFile, UnreadableFile } from './read-file.ts'
import type { TlsFileRole, TlsFiles } from './settings.ts'
import { type Located, locate, type Place } from './sources/locate.ts'
import { type PassphraseFile, readPassphraseFile } from './sources/passphrase.ts'
import type { FileStatus } from './status.ts'

/** One file as read: its bytes and where an operator finds it. */
export interface TlsFile {
  readonly role: TlsFileRole
  /** `tls.serverPemPath`. */
  readonly key: string
  /** Absolute; relative settings resolve against the working directory, as Milvus does. */
  readonly path: string
  /** The bytes, one character each (latin1), whatever they are. */
  readonly text: string
  /** Permission bits, owner and group. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly modified: Date
}

/** The files of a source as they stand on disk: maybe encrypted, maybe one bundle. */
export interface RawFiles {
  readonly kind: TlsFiles['kind']
  readonly files: readonly TlsFile[]
  readonly passphrase: PassphraseFile | null
  /** SHA-256 over all bytes, the passphrase file's too: tells whether anything changed. */
  readonly hash: string
  readonly facts: readonly FileStatus[]
}

/** The same as PEM texts of certificate, plain key and CA: what is checked and served. */
export interface TlsFileSet extends Omit<RawFiles, 'files'> {
  readonly serverPem: TlsFile
  readonly serverKey: TlsFile
  /** Null in one-way mode, where Milvus does not read the CA file either (it may be missing). */
  readonly caPem: TlsFile | null
}

/** What Milvus logs before the cause, by file (internal/distributed/proxy/listener_manager.go 118-147). */
export function context(kind: TlsFiles['kind'], role: TlsFileRole): string {
  if (role === 'caPem') return 'failed read ca pem'
  return kind === 'oneWay' ? "proxy can't create creds" : 'proxy cant load x509 key pair'
}

/**
 * Reads the files of a source and nothing more: cheap enough for each look of the watcher.
 * @throws MaterialFault naming the first file that cannot be read
 */
export async function readTlsFiles(settings: Located): Promise<RawFiles> {
  const { kind } = settings.files
  try {
    const places = await locate(settings)
    const files: TlsFile[] = []
    for (const place of places) files.push(await readOne(place))
    const passphrase = await readPassphraseFile(settings)
    return { kind, files, passphrase, hash: hashOf(files, passphrase), facts: files.map(factsOf) }
  } catch (error) {
    if (!(error instanceof MaterialFault) || error.role === null) throw error
    throw new MaterialFault(error.exitCode, `${context(kind, error.role)}: ${error.message}`, error.hint)
  }
}

async function readOne({ role, key, path, at }: Place): Promise<TlsFile> {
  try {
    const { bytes, ...rest } = await readSmallFile(at)
    return { role, key, path, text: bytes.toString('latin1'), ...rest }
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error
    // Where links were followed, the path that the operator wrote says more than the one behind it.
    const text = error.message.replaceAll(at, path)
    throw new MaterialFault(error.exitCode, `${key}: ${text}`, remedy(error, key, path), role)
  }
}

/** What to do about a file that cannot be read. */
export function remedy(problem: UnreadableFile, key: string, path: string): string {
  switch (problem.kind) {
    case 'missing':
      return `correct ${key} (relative paths count from ${process.cwd()}), or make a set with: redkite certs create`
    case 'denied':
      return mayReadHint(path)
    case 'notFile':
      return `point ${key} at a regular file, not at a directory, pipe or device`
    case 'tooLarge':
      return `point ${key} at the file itself: no certificate or key is that large`
    case 'badPath':
      return `correct ${key}`
    case 'io':
      return `make ${path} readable`
  }
}

function hashOf(files: readonly TlsFile[], passphrase: PassphraseFile | null): string {
  const hash = createHash('sha256')
  for (const file of files) hash.update(`${file.role}:${file.text.length}:`).update(file.text, 'latin1')
  if (passphrase) hash.update('passphrase:').update(passphrase.passphrase.reveal())
  return hash.digest('hex')
}

function factsOf({ role, key, path, text, mode, modified }: TlsFile): FileStatus {
  const sha256 = createHash('sha256').update(text, 'latin1').digest('hex')
  return { role, key, path, sha256, mode: octal(mode), modified: modified.toISOString() }
}

/** Permission bits as `chmod` takes them. */
export function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}

/** How to let this process read a file; group 0 is the group of our image. */
function mayReadHint(path: string): string {
  const [uid, gid] = [process.getuid?.(), process.getgid?.()]
  if (uid === undefined) return `let the server's user read ${path}`
  return `let the server's user (uid ${uid}, gid ${gid}) read ${path}: chown ${uid} it, or chgrp ${gid} and chmod 640 it`
}
