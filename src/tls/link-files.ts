import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { EXIT } from '../errors/start-error.ts'
import { MaterialFault } from './fault.ts'

/** One file of a link: where it is and which key named it. */
export interface LinkFileSetting {
  readonly key: string
  readonly path: string
}

/** Files of the client side of a link to another server. */
export interface LinkFiles {
  readonly caPem: LinkFileSetting
  /** The pair that is shown to the other side; null = none. */
  readonly client: { readonly pem: LinkFileSetting; readonly key: LinkFileSetting } | null
}

export interface LinkFile extends LinkFileSetting {
  readonly text: string
  /** Permission bits. */
  readonly mode: number
}

export interface LinkFileSet {
  readonly caPem: LinkFile
  readonly client: { readonly pem: LinkFile; readonly key: LinkFile } | null
  /** SHA-256 over all bytes: tells whether anything changed. */
  readonly hash: string
}

const FILE_BYTES_MAX = 1 << 20

/** Reads the files of a link. Throws `MaterialFault` naming the first that cannot be read. */
export async function readLinkFiles(files: LinkFiles): Promise<LinkFileSet> {
  const caPem = await readOne(files.caPem)
  const client = files.client && { pem: await readOne(files.client.pem), key: await readOne(files.client.key) }
  const hash = createHash('sha256')
  for (const file of [caPem, client?.pem, client?.key]) {
    if (file) hash.update(`${file.key}:${file.text.length}:`).update(file.text)
  }
  return { caPem, client, hash: hash.digest('hex') }
}

async function readOne(setting: LinkFileSetting): Promise<LinkFile> {
  const { key } = setting
  const path = resolve(setting.path)
  try {
    const facts = await stat(path)
    if (!facts.isFile() || facts.size > FILE_BYTES_MAX) {
      throw new MaterialFault(EXIT.config, `${key}: ${path} is no PEM file`, `point ${key} at a PEM file`)
    }
    return { key, path, text: await readFile(path, 'latin1'), mode: facts.mode & 0o7777 }
  } catch (error) {
    if (error instanceof MaterialFault) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'EIO'
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new MaterialFault(EXIT.config, `${key}: open ${path}: no such file or directory`, `correct ${key}`)
    }
    if (code === 'EACCES' || code === 'EPERM') {
      const hint = `let the server's user (uid ${process.getuid?.() ?? 'unknown'}) read ${path}`
      throw new MaterialFault(EXIT.noPermission, `${key}: open ${path}: permission denied`, hint)
    }
    throw new MaterialFault(EXIT.io, `${key}: open ${path}: ${code}`, `make ${path} readable`)
  }
}
