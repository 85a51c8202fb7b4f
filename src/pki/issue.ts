import { createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto'
import { keyToPem, newPrivateKey, publicKeyDer, signingKey } from './keys.ts'
import { type X509Library, x509 } from './library.ts'
import type { IssuedPair, KeyKind, Role, SubjectFields } from './model.ts'
import type { AlternativeName } from './names.ts'
import { randomSerial } from './serial.ts'
import { authorityName, distinguishedName } from './subject.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/**
 * Certificates begin this long before they are made, so that a peer whose clock is behind accepts them at once; a
 * short-lived one no more than a tenth of its life.
 */
const BACKDATE_MS = 5 * MINUTE_MS

/** Ten years less the backdating: long enough to outlive every leaf, short enough to be replaced by someone. */
export const AUTHORITY_DAYS = 3650

/** What `issueAuthority` needs. `now` is the clock; the result begins five minutes before it. */
export interface AuthorityRequest {
  readonly subject: SubjectFields
  readonly key: KeyKind
  readonly now: Date
}

/** What `issueLeaf` needs besides the issuer. `subject` is a set of fields, or the DER of a name to take over. */
export interface LeafRequest {
  readonly role: Role
  /** For both roles: a process of ours that serves and connects (internal TLS). */
  readonly isPeer?: boolean
  readonly subject: { readonly fields: SubjectFields; readonly commonName: string } | { readonly der: ArrayBuffer }
  readonly names: readonly AlternativeName[]
  readonly key: KeyKind
  readonly days: number
  readonly now: Date
}

/** What the pair is for, by the names of RFC 5280 4.2.1.12. */
function purposesOf({ role, isPeer }: LeafRequest): readonly ('serverAuth' | 'clientAuth')[] {
  if (isPeer) return ['serverAuth', 'clientAuth']
  return role === 'server' ? ['serverAuth'] : ['clientAuth']
}

/** A certificate authority that can issue: its certificate and its private key. */
export interface Authority {
  readonly certificate: X509Certificate
  readonly key: KeyObject
}

/** A pair that was just issued, with its serial number for `ca.srl`. */
export interface IssuedLeaf extends IssuedPair {
  readonly serial: string
}

/**
 * Makes a self-signed certificate authority: CA:TRUE with path length 0 (it signs leaves, never other authorities),
 * keyCertSign and cRLSign, both critical, key identifiers, ten years, and a subject that no leaf shares.
 * Such a certificate passes `openssl verify -x509_strict` (RFC 5280 4.2.1).
 */
export async function issueAuthority(request: AuthorityRequest): Promise<IssuedPair> {
  const library = await x509()
  const key = await newPrivateKey(request.key)
  const serial = randomSerial()
  const organization = request.subject.organization
  const name = new library.Name(distinguishedName(request.subject, authorityName(organization, serial.slice(0, 8))))
  const keyId = await library.SubjectKeyIdentifierExtension.create(publicKeyDer(key))
  const signing = signingKey(key)
  const certificate = await library.X509CertificateGenerator.create({
    serialNumber: serial,
    subject: name,
    issuer: name,
    ...validity(request.now, AUTHORITY_DAYS),
    publicKey: publicKeyDer(key),
    signingKey: signing.key,
    signingAlgorithm: signing.algorithm,
    extensions: [
      new library.BasicConstraintsExtension(true, 0, true),
      new library.KeyUsagesExtension(library.KeyUsageFlags.keyCertSign | library.KeyUsageFlags.cRLSign, true),
      keyId,
      new library.AuthorityKeyIdentifierExtension(keyId.keyId),
    ],
  })
  return { keyPem: keyToPem(key), certificatePem: pemOf(certificate) }
}

/**
 * Issues a leaf under `authority` with a new key and a new random serial. Server certificates carry serverAuth, client
 * certificates clientAuth, never both: a stolen server key must not log in as a client. It ends when its issuer does
 * if `days` would take it further.
 */
export async function issueLeaf(authority: Authority, request: LeafRequest): Promise<IssuedLeaf> {
  const library = await x509()
  const key = await newPrivateKey(request.key)
  const serial = randomSerial()
  const issuer = new library.X509Certificate(authority.certificate.raw)
  const signing = signingKey(authority.key)
  const certificate = await library.X509CertificateGenerator.create({
    serialNumber: serial,
    subject: subjectName(library, request),
    issuer: issuer.subjectName,
    ...validity(request.now, request.days, issuer.notAfter),
    publicKey: publicKeyDer(key),
    signingKey: signing.key,
    signingAlgorithm: signing.algorithm,
    extensions: [
      new library.BasicConstraintsExtension(false, undefined, true),
      new library.KeyUsagesExtension(leafUsages(library, request.key), true),
      new library.ExtendedKeyUsageExtension(purposesOf(request).map((purpose) => library.ExtendedKeyUsage[purpose])),
      ...alternativeNames(library, request.names),
      await library.SubjectKeyIdentifierExtension.create(publicKeyDer(key)),
      await authorityKeyId(library, authority),
    ],
  })
  return { keyPem: keyToPem(key), certificatePem: pemOf(certificate), serial }
}

function subjectName(library: X509Library, request: LeafRequest): InstanceType<X509Library['Name']> {
  const { subject } = request
  return new library.Name('der' in subject ? subject.der : distinguishedName(subject.fields, subject.commonName))
}

/** RSA keys also decipher the pre-master secret in old TLS 1.2 suites; ECDSA keys only sign. */
function leafUsages(library: X509Library, key: KeyKind): number {
  const { digitalSignature, keyEncipherment } = library.KeyUsageFlags
  return key === 'rsa' ? digitalSignature | keyEncipherment : digitalSignature
}

function alternativeNames(library: X509Library, names: readonly AlternativeName[]) {
  return names.length === 0 ? [] : [new library.SubjectAlternativeNameExtension(names.map((name) => ({ ...name })))]
}

/** The issuer's own key identifier where it has one: an authority made elsewhere may not use the SHA-1 of its key. */
export async function authorityKeyId(library: X509Library, authority: Authority) {
  const issuer = new library.X509Certificate(authority.certificate.raw)
  const own = issuer.getExtension(library.SubjectKeyIdentifierExtension)
  if (own !== null) return new library.AuthorityKeyIdentifierExtension(own.keyId)
  return library.AuthorityKeyIdentifierExtension.create(
    createPublicKey(authority.key).export({ type: 'spki', format: 'der' }),
  )
}

/** Certificate times have whole seconds (RFC 5280 4.1.2.5). */
function validity(now: Date, days: number, notAfterMax?: Date): { notBefore: Date; notAfter: Date } {
  const life = days * DAY_MS
  const start = Math.floor((now.getTime() - Math.min(BACKDATE_MS, life / 10)) / 1000) * 1000
  const end = start + life
  const last = notAfterMax === undefined ? end : Math.min(end, notAfterMax.getTime())
  return { notBefore: new Date(start), notAfter: new Date(last) }
}

function pemOf(certificate: { toString(format: 'pem'): string }): string {
  return `${certificate.toString('pem').trimEnd()}\n`
}
