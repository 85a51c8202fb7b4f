import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { EXIT } from '../errors/start-error.ts'
import { MaterialFault } from './fault.ts'
import { remedy } from './files.ts'
import { isEncrypted, isPrivateKey, pemBlocks } from './pem.ts'
import { readSmallFile, UnreadableFile } from './read-file.ts'
import type { PassphraseSource } from './settings.ts'
import { type PassphraseFile, readPassphraseFile } from './sources/passphrase.ts'
import { decryptKey, origin, passphraseFor } from './sources/unlock.ts'

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
  /** What unlocks its key, where that is encrypted. */
  readonly passphrase?: PassphraseSource | null
}

export interface LinkFile extends LinkFileSetting {
  readonly text: string
  /** Permission bits, owner and group. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

export interface LinkFileSet {
  readonly caPem: LinkFile
  readonly client: { readonly pem: LinkFile; readonly key: LinkFile } | null
  readonly passphrase: PassphraseFile | null
  /** SHA-256 over all bytes, the passphrase file's too: tells whether anything changed. */
  readonly hash: string
}

/** Keys of a link's passphrase are those of internal TLS. */
const SECTION = 'internaltls'

/** Reads the files of a link. Throws `MaterialFault` naming the first that cannot be read. */
export async function readLinkFiles(files: LinkFiles): Promise<LinkFileSet> {
  const caPem = await readOne(files.caPem)
  const client = files.client && { pem: await readOne(files.client.pem), key: await readOne(files.client.key) }
  const hash = createHash('sha256')
  for (const file of [caPem, client?.pem, client?.key]) {
    if (file) hash.update(`${file.key}:${file.text.length}:`).update(file.text)
  }
  const source = files.passphrase ?? null
  const passphrase = client && (await readPassphraseFile({ passphrase: source, section: SECTION }))
  if (passphrase) hash.update('passphrase:').update(passphrase.passphrase.reveal())
  return { caPem, client, passphrase, hash: hash.digest('hex') }
}

/** The same with the key decrypted, where it is encrypted and a passphrase is configured. Throws `MaterialFault`. */
export async function unlockLink(set: LinkFileSet, files: LinkFiles): Promise<LinkFileSet> {
  const { client } = set
  const source = files.passphrase ?? null
  const block = client && pemBlocks(client.key.text).blocks.find(isPrivateKey)
  if (!client || !block || !isEncrypted(block) || source === null) return set
  const settings = { passphrase: source, section: SECTION }
  const passphrase = await passphraseFor(set, settings)
  if (passphrase === null) return set
  const { key, path } = client.key
  const refuse = (text: string, hint: string) => new MaterialFault(EXIT.config, `${key}: ${path}: ${text}`, hint)
  const text = decryptKey(block.text, passphrase, path, origin(set, settings), refuse)
  return { ...set, client: { ...client, key: { ...client.key, text } } }
}

async function readOne(setting: LinkFileSetting): Promise<LinkFile> {
  const { key } = setting
  const path = resolve(setting.path)
  try {
    const { bytes, mode, uid, gid } = await readSmallFile(path)
    return { key, path, text: bytes.toString('latin1'), mode, uid, gid }
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error
    throw new MaterialFault(error.exitCode, `${key}: ${error.message}`, remedy(error, key, path))
  }
}
