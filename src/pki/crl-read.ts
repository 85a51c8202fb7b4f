import {
  constants,
  createHash,
  type KeyObject,
  type VerifyKeyObjectInput,
  verify,
  type X509Certificate,
} from 'node:crypto'
import { type CrlReason, derInteger, readCrlEntries, readExtension, reasonName } from './crl-entries.ts'
import { DER_TAG, type DerElement, derChildren, derElement, derWrap, expectTag } from './der.ts'
import { type X509Library, x509 } from './library.ts'

/** A revocation list as read; whether its issuer signed it is asked of `isSignedBy`. */
export interface Crl {
  /** `CN=root`, for people. */
  readonly issuer: string
  /** The issuer's distinguished name, DER. */
  readonly issuerDer: Buffer
  /** Upper-case hexadecimal; null when the extension is absent. */
  readonly authorityKeyId: string | null
  /** CRL number (RFC 5280 5.2.3); null when the extension is absent. */
  readonly number: bigint | null
  readonly thisUpdate: Date
  /** Null when absent, which RFC 5280 5.1.2.5 forbids: such a list is never current. */
  readonly nextUpdate: Date | null
  /** How many certificates it lists. */
  readonly size: number
  /** Why its word may not be used although it reads: a delta list, a critical extension that is not known here. */
  readonly unusable: string | null
  /** SHA-256 of its signature: tells lists apart without hashing megabytes. */
  readonly id: string
  /** Looks a certificate up; `serial` is upper-case hexadecimal without leading zeros. */
  find(serial: string): CrlEntry | null
  /** Its entries by serial number, DER. */
  entries(): Iterable<readonly [serial: string, der: Buffer]>
  /** Whether this key signed the list. A list of megabytes takes milliseconds: `verifySignature` is off the thread. */
  isSignedBy(key: KeyObject): boolean
  verifySignature(key: KeyObject): Promise<boolean>
}

/** What a list says of one certificate. */
export interface CrlEntry {
  readonly since: Date
  readonly reason: CrlReason
}

/** What of a certificate decides whether it may issue a list. */
export interface CrlIssuer {
  readonly subjectDer: Buffer
  /** Upper-case hexadecimal; null when the extension is absent. */
  readonly subjectKeyId: string | null
  /** No keyUsage at all, or one that names cRLSign (RFC 5280 6.3.3 f). */
  readonly maySignCrls: boolean
}

const NUMBER = '551d14'
const DELTA = '551d1b'
const DISTRIBUTION_POINT = '551d1c'
const AUTHORITY_KEY = '551d23'
/** Freshest CRL, issuer alternative name, authority information access: say nothing of which certificates are meant. */
const HARMLESS = new Set([NUMBER, AUTHORITY_KEY, '551d2e', '551d12', '2b06010505070101'])

/** Reads one list, DER. @throws RangeError when it is none */
export async function readCrl(bytes: Buffer): Promise<Crl> {
  const whole = expectTag(derElement(bytes, 0, bytes.length), DER_TAG.sequence, 'a CertificateList')
  if (whole.end !== bytes.length) throw new RangeError('bytes follow the list')
  const [tbs, algorithm, signature] = derChildren(bytes, whole)
  const signed = expectTag(tbs, DER_TAG.sequence, 'tbsCertList')
  const outer = expectTag(algorithm, DER_TAG.sequence, 'signatureAlgorithm')
  const bits = expectTag(signature, DER_TAG.bitString, 'signatureValue')
  const { entriesAt, extensionsAt, innerAlgorithm, issuerAt } = fieldsOf(bytes, signed)
  const library = await x509()
  const head = headerOf(library, bytes, signed, bytes.subarray(outer.start, bits.end), entriesAt)
  const entries = entriesAt === null ? null : await readCrlEntries(bytes, entriesAt)
  const extensions = extensionsOf(bytes, extensionsAt)
  const scheme = schemeOf(head)
  const unusable =
    extensions.unusable ??
    (entries?.unknownCritical
      ? `an entry has a critical extension that is not known (${entries.unknownCritical})`
      : null)
  const entryAt = (at: number) => bytes.subarray(at, derElement(bytes, at, bytes.length).end)
  const offsets = entries?.offsets ?? new Map<string, number>()
  const input =
    scheme === null || !sameBytes(bytes, innerAlgorithm, outer)
      ? null
      : { scheme, data: bytes.subarray(signed.start, signed.end), signature: bytes.subarray(bits.body + 1, bits.end) }
  return {
    issuer: head.issuer,
    issuerDer: bytes.subarray(issuerAt.start, issuerAt.end),
    authorityKeyId: head.getExtension(library.AuthorityKeyIdentifierExtension)?.keyId?.toUpperCase() ?? null,
    number: extensions.number,
    thisUpdate: head.thisUpdate,
    nextUpdate: head.nextUpdate ?? null,
    size: offsets.size,
    unusable: input === null ? 'its signature algorithm is not accepted' : unusable,
    id: createHash('sha256').update(bytes.subarray(bits.start, bits.end)).digest('hex'),
    find(serial) {
      const at = offsets.get(serial)
      if (at === undefined) return null
      const entry = new library.X509CrlEntry(entryAt(at))
      return { since: entry.revocationDate, reason: reasonName(entry.reason) }
    },
    entries: () => offsets.entries().map(([serial, at]) => [serial, entryAt(at)] as const),
    isSignedBy: (key) => input !== null && isSigned(input, key),
    verifySignature: async (key) => input !== null && verifyAside(input, key),
  }
}

/** What decides whether `certificate` may issue lists. Call `x509()` once before: this reads without waiting. */
export function crlIssuer(library: X509Library, certificate: X509Certificate): CrlIssuer {
  const parsed = new library.X509Certificate(certificate.raw)
  const usages = parsed.getExtension(library.KeyUsagesExtension)?.usages
  return {
    subjectDer: Buffer.from(parsed.subjectName.toArrayBuffer()),
    subjectKeyId: parsed.getExtension(library.SubjectKeyIdentifierExtension)?.keyId.toUpperCase() ?? null,
    maySignCrls: usages === undefined || (usages & library.KeyUsageFlags.cRLSign) !== 0,
  }
}

/** TBSCertList (RFC 5280 5.1.2): version?, signature, issuer, thisUpdate, nextUpdate?, revokedCertificates?, [0]? */
function fieldsOf(bytes: Buffer, tbs: DerElement) {
  const fields = derChildren(bytes, tbs)
  if (fields[0]?.tag === DER_TAG.integer) fields.shift()
  const innerAlgorithm = expectTag(fields.shift(), DER_TAG.sequence, 'signature')
  const issuerAt = expectTag(fields.shift(), DER_TAG.sequence, 'issuer')
  const rest = fields.filter(({ tag }) => tag !== DER_TAG.utcTime && tag !== DER_TAG.generalizedTime)
  const entriesAt = rest[0]?.tag === DER_TAG.sequence ? rest[0] : null
  const extensionsAt = rest.find(({ tag }) => tag === DER_TAG.context0) ?? null
  return { innerAlgorithm, issuerAt, entriesAt, extensionsAt }
}

/** The list without its entries, for the library, which is slow with those and right with all else. */
function headerOf(library: X509Library, bytes: Buffer, tbs: DerElement, tail: Buffer, entries: DerElement | null) {
  const kept =
    entries === null
      ? [bytes.subarray(tbs.body, tbs.end)]
      : [bytes.subarray(tbs.body, entries.start), bytes.subarray(entries.end, tbs.end)]
  const head = derWrap(DER_TAG.sequence, Buffer.concat(kept))
  try {
    return new library.X509Crl(derWrap(DER_TAG.sequence, Buffer.concat([head, tail])))
  } catch (cause) {
    throw new RangeError(`not a revocation list: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

function extensionsOf(bytes: Buffer, at: DerElement | null): { number: bigint | null; unusable: string | null } {
  let number: bigint | null = null
  let unusable: string | null = null
  if (at === null) return { number, unusable }
  const list = expectTag(derElement(bytes, at.body, at.end), DER_TAG.sequence, 'crlExtensions')
  for (const element of derChildren(bytes, list)) {
    const { oid, isCritical, value } = readExtension(bytes, element)
    if (oid === NUMBER) {
      number = derInteger(bytes, expectTag(derElement(bytes, value.body, value.end), DER_TAG.integer, 'cRLNumber'))
    } else if (oid === DELTA) unusable ??= 'it is a delta list; give the complete one'
    else if (oid === DISTRIBUTION_POINT && isCritical)
      unusable ??= 'it covers a part of the certificates only (issuing distribution point)'
    else if (isCritical && !HARMLESS.has(oid)) unusable ??= `it has a critical extension that is not known (${oid})`
  }
  return { number, unusable }
}

interface Scheme {
  readonly key: 'rsa' | 'rsa-pss' | 'ec' | 'ed25519'
  readonly hash: string | null
  readonly saltLength: number | null
}

interface SignatureInput {
  readonly scheme: Scheme
  readonly data: Buffer
  readonly signature: Buffer
}

/** SHA-1 and MD5 are refused: a list that can be forged revokes and frees whom a stranger likes. */
const HASHES: Readonly<Record<string, string>> = { 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' }

function schemeOf(crl: InstanceType<X509Library['X509Crl']>): Scheme | null {
  const algorithm: object = crl.signatureAlgorithm
  const name = textOf(algorithm, 'name')
  const named: unknown = Reflect.get(algorithm, 'hash')
  const hash = typeof named === 'object' && named !== null ? (HASHES[textOf(named, 'name')] ?? null) : null
  if (name === 'Ed25519') return { key: 'ed25519', hash: null, saltLength: null }
  if (hash === null) return null
  if (name === 'RSASSA-PKCS1-v1_5') return { key: 'rsa', hash, saltLength: null }
  if (name === 'ECDSA') return { key: 'ec', hash, saltLength: null }
  if (name === 'RSA-PSS') return { key: 'rsa-pss', hash, saltLength: Number(Reflect.get(algorithm, 'saltLength')) }
  return null
}

function textOf(value: object, name: string): string {
  const found: unknown = Reflect.get(value, name)
  return typeof found === 'string' ? found : ''
}

/** What `verify` of node:crypto takes for a key, or null where the key is of another kind than the signature. */
function verifyingKey({ key: wanted, saltLength }: Scheme, key: KeyObject): VerifyKeyObjectInput | null {
  const type = key.asymmetricKeyType
  if (saltLength === null) return type === wanted ? { key, dsaEncoding: 'der' } : null
  if (type !== 'rsa' && type !== 'rsa-pss') return null
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }
}

function isSigned({ scheme, data, signature }: SignatureInput, key: KeyObject): boolean {
  const input = verifyingKey(scheme, key)
  try {
    return input !== null && verify(scheme.hash, data, input, signature)
  } catch {
    return false
  }
}

function verifyAside({ scheme, data, signature }: SignatureInput, key: KeyObject): Promise<boolean> {
  const input = verifyingKey(scheme, key)
  if (input === null) return Promise.resolve(false)
  return new Promise((resolve) => {
    verify(scheme.hash ?? undefined, data, input, signature, (error, isGood) => resolve(error === null && isGood))
  })
}

function sameBytes(bytes: Buffer, one: DerElement, other: DerElement): boolean {
  return bytes.subarray(one.start, one.end).equals(bytes.subarray(other.start, other.end))
}
