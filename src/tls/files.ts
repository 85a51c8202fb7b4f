import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { EXIT, type ExitCode } from '../errors/start-error.ts'
import { MaterialFault } from './fault.ts'
import { configKey, type TlsFileRole, type TlsFiles } from './settings.ts'
import type { FileStatus } from './status.ts'

/** A PEM file of a few certificates has some KB; a CA bundle of a whole distribution 250 KB. */
const FILE_BYTES_MAX = 1 << 20

/** One file as read: its bytes and where an operator finds it. */
export interface TlsFile {
  readonly role: TlsFileRole
  /** `tls.serverPemPath`. */
  readonly key: string
  /** Absolute; relative settings resolve against the working directory, as Milvus does. */
  readonly path: string
  readonly text: string
  /** Permission bits. */
  readonly mode: number
  readonly modified: Date
}

export interface TlsFileSet {
  readonly kind: TlsFiles['kind']
  readonly serverPem: TlsFile
  readonly serverKey: TlsFile
  /** Null in one-way mode, where Milvus does not read the CA file either (it may be missing). */
  readonly caPem: TlsFile | null
  /** SHA-256 over all bytes: tells whether anything changed. */
  readonly hash: string
  readonly facts: readonly FileStatus[]
}

/** What Milvus logs before the cause, by file (internal/distributed/proxy/listener_manager.go 118-147). */
export function context(kind: TlsFiles['kind'], role: TlsFileRole): string {
  if (role === 'caPem') return 'failed read ca pem'
  return kind === 'oneWay' ? "proxy can't create creds" : 'proxy cant load x509 key pair'
}

/** Reads the files of a mode. Throws `MaterialFault` naming the first that cannot be read. */
export async function readTlsFiles(files: TlsFiles, section: string): Promise<TlsFileSet> {
  const serverPem = await readOne(files.kind, 'serverPem', files.serverPem, section)
  const serverKey = await readOne(files.kind, 'serverKey', files.serverKey, section)
  const caPem = files.kind === 'mutual' ? await readOne(files.kind, 'caPem', files.caPem, section) : null
  const hash = createHash('sha256')
  for (const file of [serverPem, serverKey, caPem]) {
    if (file) hash.update(`${file.role}:${file.text.length}:`).update(file.text)
  }
  const facts = [serverPem, serverKey, caPem].filter((file) => file !== null).map(factsOf)
  return { kind: files.kind, serverPem, serverKey, caPem, hash: hash.digest('hex'), facts }
}

function factsOf({ role, key, path, text, mode, modified }: TlsFile): FileStatus {
  const sha256 = createHash('sha256').update(text, 'latin1').digest('hex')
  return { role, key, path, sha256, mode: mode.toString(8).padStart(4, '0'), modified: modified.toISOString() }
}

async function readOne(kind: TlsFiles['kind'], role: TlsFileRole, setting: string, section: string): Promise<TlsFile> {
  const key = configKey(section, role)
  const prefix = context(kind, role)
  const refuse = (exit: ExitCode, text: string, hint: string) =>
    new MaterialFault(exit, `${prefix}: ${key}: ${text}`, hint)
  if (setting === '') {
    throw refuse(EXIT.config, 'the path is empty', `set ${key} to a PEM file, or common.security.tlsMode to 0`)
  }
  const path = resolve(setting)
  try {
    const facts = await stat(path)
    if (!facts.isFile()) {
      throw refuse(EXIT.config, `${path} is not a file`, `point ${key} at a PEM file, not at a directory or device`)
    }
    if (facts.size > FILE_BYTES_MAX) {
      throw refuse(EXIT.config, `${path} has ${facts.size} bytes (max ${FILE_BYTES_MAX})`, `point ${key} at a PEM file`)
    }
    return { role, key, path, text: await readFile(path, 'latin1'), mode: facts.mode & 0o7777, modified: facts.mtime }
  } catch (error) {
    if (error instanceof MaterialFault) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'EIO'
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw refuse(
        EXIT.config,
        `open ${path}: no such file or directory`,
        `correct ${key} (relative paths count from ${process.cwd()}), or make a set with: redkite certs create`,
      )
    }
    if (code === 'EACCES' || code === 'EPERM') {
      throw refuse(
        EXIT.noPermission,
        `open ${path}: permission denied`,
        `let the server's user (uid ${process.getuid?.() ?? 'unknown'}) read ${path}`,
      )
    }
    throw refuse(EXIT.io, `open ${path}: ${code}`, `make ${path} readable`)
  }
}
