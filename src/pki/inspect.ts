import { createHash, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { EXIT, StartError } from '../errors/start-error.ts'
import { type CertificateFacts, certificateFacts, describeKey, signedBy } from './facts.ts'
import { parsePrivateKey } from './keys.ts'
import { fileError, parseCertificates, pemBlocks } from './read.ts'
import { parseSerialFile } from './serial.ts'

/** One thing found in a file. `publicKey256` is the SHA-256 of the SubjectPublicKeyInfo: equal in a key and its certificate. */
export type InspectedEntry =
  | {
      readonly kind: 'certificate'
      readonly role: string
      readonly facts: CertificateFacts
      readonly publicKey256: string
      /** Position (from 1) of the certificate in the file that signed this one; null when it is not in the file. */
      readonly signedBy: number | null
    }
  | { readonly kind: 'privateKey'; readonly format: string; readonly key: string; readonly publicKey256: string }
  | { readonly kind: 'encryptedKey'; readonly format: string }
  | { readonly kind: 'serial'; readonly serial: string }
  | { readonly kind: 'other'; readonly label: string }

/** What a file holds, in its order. */
export interface Inspection {
  readonly path: string
  readonly entries: readonly InspectedEntry[]
}

/**
 * Reads a PEM or DER file and tells what is in it. Private keys are described by kind and size, never shown.
 * @throws StartError: io or noPermission when the file cannot be read, config when it holds nothing that is known here.
 */
export async function inspectFile(path: string): Promise<Inspection> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw fileError('read', path, error)
  })
  const text = bytes.toString('latin1')
  const blocks = pemBlocks(text).filter((block) => !/ PARAMETERS$/.test(block.label))
  if (blocks.length === 0) return { path, entries: [await inspectBare(bytes, text, path)] }
  const certificates = blocks.some((block) => isCertificate(block.label)) ? parseCertificates(text, path) : []
  const entries: InspectedEntry[] = []
  let position = 0
  for (const block of blocks) {
    const certificate = isCertificate(block.label) ? certificates[position++] : undefined
    if (certificate !== undefined) entries.push(await describeCertificate(certificate, certificates))
    else if (/PRIVATE KEY$/.test(block.label)) entries.push(describePrivateKey(block.label, block.text, path))
    else entries.push({ kind: 'other', label: block.label })
  }
  return { path, entries }
}

/** A file without PEM armour: a DER certificate, or the serial of a `ca.srl`. */
async function inspectBare(bytes: Buffer, text: string, path: string): Promise<InspectedEntry> {
  const serial = parseSerialFile(text)
  if (serial !== null) return { kind: 'serial', serial }
  const certificate = parseDer(bytes)
  if (certificate !== null) return describeCertificate(certificate, [certificate])
  throw new StartError(
    EXIT.config,
    `${path}: holds neither PEM nor a DER certificate`,
    bytes.length === 0 ? 'the file is empty' : 'give a file that begins with -----BEGIN ...-----, or a DER certificate',
  )
}

function parseDer(bytes: Buffer): X509Certificate | null {
  try {
    return new X509Certificate(bytes)
  } catch {
    // Not a certificate: the caller says what the file should have been.
    return null
  }
}

async function describeCertificate(
  certificate: X509Certificate,
  all: readonly X509Certificate[],
): Promise<InspectedEntry> {
  const facts = await certificateFacts(certificate)
  const issuer = all.findIndex((candidate) => signedBy(certificate, candidate))
  return {
    kind: 'certificate',
    role: roleInWords(facts),
    facts,
    publicKey256: publicKeyFingerprint(certificate.publicKey),
    signedBy: issuer === -1 ? null : issuer + 1,
  }
}

/** What a certificate can be used for, in words. */
export function roleInWords(facts: CertificateFacts): string {
  if (facts.authority) return facts.selfSigned ? 'certificate authority (root)' : 'certificate authority (intermediate)'
  const usages = facts.extendedKeyUsage
  if (usages === null) return 'certificate for server and client (no extendedKeyUsage)'
  const server = usages.includes('serverAuth')
  const client = usages.includes('clientAuth')
  if (server && client) return 'server and client certificate'
  if (server) return 'server certificate'
  return client ? 'client certificate' : `certificate for ${usages.join(', ')}`
}

const FORMATS: Readonly<Record<string, string>> = {
  'PRIVATE KEY': 'PKCS#8',
  'RSA PRIVATE KEY': 'PKCS#1',
  'EC PRIVATE KEY': 'SEC1',
}

function describePrivateKey(label: string, text: string, path: string): InspectedEntry {
  const format = FORMATS[label] ?? label
  if (label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    return { kind: 'encryptedKey', format: label === 'ENCRYPTED PRIVATE KEY' ? 'PKCS#8' : format }
  }
  const key = parsePrivateKey(text, path)
  return { kind: 'privateKey', format, key: describeKey(key), publicKey256: publicKeyFingerprint(createPublicKey(key)) }
}

function publicKeyFingerprint(key: KeyObject): string {
  const digest = createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .toUpperCase()
  return digest.replace(/(..)(?=.)/g, '$1:')
}

function isCertificate(label: string): boolean {
  return /^(X509 |TRUSTED )?CERTIFICATE$/.test(label)
}
