import { type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { EXIT, StartError } from '../errors/start-error.ts'
import type { Authority } from './issue.ts'
import { parsePrivateKey } from './keys.ts'
import type { CertificateSummary, SetFiles } from './model.ts'
import { canonicalAddress } from './names.ts'

/** One block of a PEM file: its label, and the whole block with its armour. */
export interface PemBlock {
  readonly label: string
  readonly text: string
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g

/** The PEM blocks of a text in order; text around them is allowed (RFC 7468 5.2), as OpenSSL's tools write it. */
export function pemBlocks(text: string): readonly PemBlock[] {
  return [...text.matchAll(BLOCK)].map((match) => ({ label: match[1] ?? '', text: match[0] }))
}

/** Reads a file whole, or null when it does not exist. @throws StartError (noPermission, io) for any other failure. */
export async function readIfPresent(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ENOENT') return null
    throw fileError('read', path, error)
  }
}

/** Turns a failed file operation into the error that ends a command, with an exit code by its cause. */
export function fileError(verb: 'read' | 'write' | 'create', path: string, cause: unknown): StartError {
  const code = errorCode(cause) ?? 'unknown error'
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    const remedy = `give this user the right to ${verb} it, or choose another directory with --dir`
    return new StartError(EXIT.noPermission, `cannot ${verb} ${path}: permission denied (${code})`, remedy, { cause })
  }
  if (verb === 'read') {
    return new StartError(EXIT.io, `cannot read ${path}: ${code}`, 'give the path of a readable file', { cause })
  }
  const exit = code === 'ENOSPC' || code === 'EIO' ? EXIT.io : EXIT.cannotCreate
  const remedy = code === 'ENOSPC' ? 'make room on the disk and try again' : 'choose another directory with --dir'
  return new StartError(exit, `cannot ${verb} ${path}: ${code}`, remedy, { cause })
}

/**
 * The certificates of a PEM text, leaf first. Every block must parse: OpenSSL silently skips a broken one and all
 * after it, which is how trust anchors get lost.
 * @throws StartError (config) that names the file, the block and the remedy.
 */
export function parseCertificates(pem: string, path: string): readonly [X509Certificate, ...X509Certificate[]] {
  const blocks = pemBlocks(pem)
  const certificates: X509Certificate[] = []
  for (const [index, block] of blocks.entries()) {
    if (!/^(X509 |TRUSTED )?CERTIFICATE$/.test(block.label)) continue
    try {
      certificates.push(new X509Certificate(block.text))
    } catch (cause) {
      throw new StartError(
        EXIT.config,
        `${path}: block ${index + 1} (${block.label}) is not a readable certificate`,
        'the file is damaged or cut short; copy it again, or renew it with redkite certs renew',
        { cause },
      )
    }
  }
  const [first, ...rest] = certificates
  // A block without its END line is no block at all: neither OpenSSL nor the loop above would miss it.
  const begun = pem.match(/-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/g)?.length ?? 0
  if (begun > certificates.length) {
    throw new StartError(
      EXIT.config,
      `${path}: a certificate is cut short (${begun} BEGIN lines, ${certificates.length} whole blocks)`,
      'copy the file again, or renew it with redkite certs renew',
    )
  }
  if (first !== undefined) return [first, ...rest]
  const found = blocks.some((block) => block.label.endsWith('PRIVATE KEY'))
    ? 'holds a private key, not a certificate'
    : 'holds no certificate'
  throw new StartError(
    EXIT.config,
    `${path}: the file ${found}`,
    'a certificate file begins with -----BEGIN CERTIFICATE-----; check that key and certificate are not swapped',
  )
}

/** The facts of a certificate for callers that show or compare it. */
export function summarize(certificate: X509Certificate): CertificateSummary {
  return {
    subject: distinguishedText(certificate.subject),
    names: alternativeNames(certificate.subjectAltName),
    serial: certificate.serialNumber,
    notBefore: certificate.validFromDate,
    notAfter: certificate.validToDate,
    fingerprint256: certificate.fingerprint256,
  }
}

/** `node:crypto`'s line-wise distinguished name on one line: `C=DE, O=Example, CN=localhost`; empty when there is none. */
export function distinguishedText(lines: string | undefined): string {
  return (lines ?? '').split('\n').join(', ')
}

/**
 * The values in `node:crypto`'s text form of subject alternative names. Only for showing and comparing: a value with a
 * comma is quoted there as a JSON string, and no decision about identity may rest on this text.
 */
export function alternativeNames(text: string | undefined): readonly string[] {
  const entries = (text ?? '').match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? []
  return entries.map((entry) => canonicalAddress(entry.trim().replace(/^(DNS|IP Address|email|URI):/, '')))
}

/**
 * Reads the authority of a set, ready to issue.
 * @throws StartError (config) when a file is missing or broken, key and certificate do not belong together, the
 * certificate is no authority, or it has ended by `now`.
 */
export async function readAuthority(files: SetFiles, now: Date): Promise<Authority> {
  const [keyPem, pem] = await Promise.all([readIfPresent(files.caKey), readIfPresent(files.ca)])
  const missing = [keyPem === null ? files.caKey : null, pem === null ? files.ca : null].filter((path) => path !== null)
  if (keyPem === null || pem === null) {
    throw new StartError(
      EXIT.config,
      `cannot issue certificates: ${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing`,
      'run this where the certificate authority is kept, or make a new set with redkite certs create',
    )
  }
  const [certificate] = parseCertificates(pem, files.ca)
  const key = parsePrivateKey(keyPem, files.caKey)
  checkAuthority(files, certificate, key, now)
  return { certificate, key }
}

function checkAuthority(files: SetFiles, certificate: X509Certificate, key: KeyObject, now: Date): void {
  const remedy = 'make a new set with redkite certs create --force, and give the new ca.pem to every client'
  if (!certificate.checkPrivateKey(key)) {
    throw new StartError(
      EXIT.config,
      `${files.caKey} is not the key of ${files.ca}`,
      'restore the pair that belongs together',
    )
  }
  if (!certificate.ca) {
    throw new StartError(EXIT.config, `${files.ca}: the certificate is not a certificate authority (CA:FALSE)`, remedy)
  }
  if (certificate.validToDate <= now) {
    const end = certificate.validToDate.toISOString()
    throw new StartError(EXIT.config, `${files.ca}: the certificate authority expired (notAfter ${end})`, remedy)
  }
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
