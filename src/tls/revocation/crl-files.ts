import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Crl, readCrl } from '../../pki/crl-read.ts'
import { pemBlocks } from '../pem.ts'

/** A list of a million certificates has about 40 MB. */
const FILE_BYTES_MAX = 128 << 20
const FILES_MAX = 1_000
/** In a directory: `ca.crl`, `ca.pem`, and the hashed names of OpenSSL (`0d188d89.r0`). */
const NAMES = /\.(crl|pem|der|r\d+)$/i

/** A file, or a block of it, that is no list; `path` tells which. */
export interface CrlFault {
  readonly path: string
  readonly message: string
}

/** The files of a path with their sizes and times in one text: it changes when one of them does. */
export async function crlFiles(path: string): Promise<{ readonly files: readonly string[]; readonly times: string }> {
  const facts = await stat(path)
  const files = facts.isDirectory()
    ? (await readdir(path)).filter((name) => !name.startsWith('.') && NAMES.test(name)).map((name) => join(path, name))
    : [path]
  if (files.length > FILES_MAX) throw new Error(`${path} holds ${files.length} files (max ${FILES_MAX})`)
  const times: string[] = []
  for (const file of files.sort()) {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true })
    times.push(`${file}:${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`)
  }
  return { files, times: times.join('\n') }
}

/** Reads every list of the files; what is none becomes a fault. Never throws. */
export async function readCrlFiles(
  files: readonly string[],
): Promise<{ readonly lists: readonly Crl[]; readonly faults: readonly CrlFault[] }> {
  const lists: Crl[] = []
  const faults: CrlFault[] = []
  for (const path of files) {
    try {
      const { size } = await stat(path)
      if (size > FILE_BYTES_MAX) throw new Error(`the file has ${size} bytes (max ${FILE_BYTES_MAX})`)
      for (const der of derBlocks(await readFile(path), files.length > 1 && path.endsWith('.pem'))) {
        lists.push(await readCrl(der))
      }
    } catch (error) {
      faults.push({ path, message: error instanceof Error ? error.message : String(error) })
    }
  }
  return { lists, faults }
}

/**
 * The lists of a file, DER. PEM blocks of other kinds are passed over, as `cat ca.pem ca.crl` makes them.
 * @param mayHaveNone a file of certificates among those of a directory is no fault
 */
function derBlocks(content: Buffer, mayHaveNone: boolean): readonly Buffer[] {
  if (content[0] === 0x30) return [content]
  const { blocks, unfinished } = pemBlocks(content.toString('latin1'))
  if (unfinished) throw new Error('a PEM block has no end')
  const lists = blocks.filter(({ label }) => label === 'X509 CRL' || label === 'CRL')
  if (lists.length === 0 && !mayHaveNone) throw new Error('no revocation list in the file (PEM block X509 CRL, or DER)')
  return lists.map(({ text }) => Buffer.from(text.replace(/-----[^-]+-----/g, ''), 'base64'))
}
