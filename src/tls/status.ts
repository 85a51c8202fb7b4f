import type { X509Certificate } from 'node:crypto'
import { oneLine } from './check.ts'
import type { Generation } from './generation.ts'
import type { ReloadTrigger } from './material.ts'
import type { RenewalStatus } from './renewal.ts'
import type { TlsFileRole } from './settings.ts'

/** One file that a generation was made of. Times are ISO 8601. */
export interface FileStatus {
  readonly role: TlsFileRole
  /** The config key that names it. */
  readonly key: string
  /** Absolute. */
  readonly path: string
  /** Of its bytes, lower-case hexadecimal. */
  readonly sha256: string
  /** Octal permission bits, `0600`. */
  readonly mode: string
  readonly modified: string
}

/** One certificate in use. `index` counts in its file, the leaf of a chain is 0. Times are ISO 8601. */
export interface CertificateStatus {
  readonly role: 'server' | 'ca'
  readonly path: string
  readonly index: number
  readonly subject: string
  readonly issuer: string
  /** Upper-case hexadecimal. */
  readonly serial: string
  /** `DNS:localhost, IP Address:127.0.0.1`; null = none. */
  readonly subjectAltName: string | null
  /** Extended key usages, as OIDs; empty = the certificate does not restrict them. */
  readonly extendedKeyUsage: readonly string[]
  /** `ec prime256v1`, `rsa 2048`, `ed25519`. */
  readonly keyType: string
  readonly fingerprint256: string
  readonly notBefore: string
  readonly notAfter: string
  readonly daysLeft: number
  /** 1 when it begins, 0 when it ends, negative after. */
  readonly lifeLeft: number
}

/** One activation, newest first in `history`. */
export interface HistoryEntry {
  readonly generation: number
  readonly loadedAt: string
  readonly trigger: ReloadTrigger | 'start'
  /** The generation whose material it brought back; null = the material came from the files. */
  readonly rolledBackTo: number | null
  readonly subject: string
  readonly serial: string
  readonly notAfter: string
  /** Still in memory: `rollback` can get to it. */
  readonly kept: boolean
}

/** Why the last attempt to load was refused; the generation in use stayed. */
export interface RefusalStatus {
  readonly trigger: ReloadTrigger
  readonly reason: string
  readonly hint: string
  readonly at: string
}

/** Everything an operator may see of the material of a set of ports; plain data, nothing secret. */
export interface MaterialStatus {
  /** `tls` or `internaltls`. */
  readonly section: string
  readonly mode: Generation['kind']
  readonly source: 'files' | 'directory' | 'pkcs12'
  readonly generation: number
  readonly loadedAt: string
  readonly trigger: ReloadTrigger | 'start'
  /** After a rollback: the files' content is not loaded until it changes or somebody asks for a reload. */
  readonly held: { readonly since: string; readonly rolledBackTo: number } | null
  readonly files: readonly FileStatus[]
  readonly certificates: readonly CertificateStatus[]
  readonly warnings: readonly string[]
  readonly lastRefusal: RefusalStatus | null
  readonly renewal: RenewalStatus
  readonly history: readonly HistoryEntry[]
}

/** The certificates of a generation: the served chain, leaf first, then the trust anchors. */
export function certificatesOf(generation: Generation, now: Date): readonly CertificateStatus[] {
  const { chain, anchors, files } = generation
  // a PKCS#12 bundle is one file for all
  const path = (role: TlsFileRole) => (files.find((file) => file.role === role) ?? files[0])?.path ?? ''
  return [
    ...chain.map((certificate, index) => describe('server', path('serverPem'), index, certificate, now)),
    ...anchors.map((certificate, index) => describe('ca', path('caPem'), index, certificate, now)),
  ]
}

function describe(
  role: 'server' | 'ca',
  path: string,
  index: number,
  certificate: X509Certificate,
  now: Date,
): CertificateStatus {
  const begin = certificate.validFromDate.getTime()
  const end = certificate.validToDate.getTime()
  return {
    role,
    path,
    index,
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    serial: certificate.serialNumber,
    subjectAltName: certificate.subjectAltName ?? null,
    extendedKeyUsage: certificate.keyUsage ?? [],
    keyType: keyType(certificate),
    fingerprint256: certificate.fingerprint256,
    notBefore: certificate.validFromDate.toISOString(),
    notAfter: certificate.validToDate.toISOString(),
    daysLeft: Math.floor((end - now.getTime()) / 86_400_000),
    lifeLeft: Math.round(((end - now.getTime()) / Math.max(1, end - begin)) * 1000) / 1000,
  }
}

/** An anchor may hold a key that this OpenSSL does not know: it is described, never a reason to fail. */
function keyType(certificate: X509Certificate): string {
  try {
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = certificate.publicKey
    const size = details?.namedCurve ?? details?.modulusLength
    return size === undefined ? `${type}` : `${type} ${size}`
  } catch {
    return 'unknown'
  }
}
