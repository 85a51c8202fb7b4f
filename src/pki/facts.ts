import type { KeyObject, X509Certificate } from 'node:crypto'
import { x509 } from './library.ts'
import type { CertificateSummary } from './model.ts'
import { CLIENT_AUTH, SERVER_AUTH } from './purposes.ts'
import { distinguishedText, summarize } from './read.ts'

/** Everything that `inspect` shows and `verify` judges about one certificate. */
export interface CertificateFacts extends CertificateSummary {
  readonly issuer: string
  /** CA:TRUE in basicConstraints. */
  readonly authority: boolean
  /** How many authorities may follow below this one; null when there is no bound, or no authority. */
  readonly pathLength: number | null
  /** Names of RFC 5280 4.2.1.3; null when the extension is absent, which allows every usage. */
  readonly keyUsage: readonly string[] | null
  /** `serverAuth`, `clientAuth` ... or the OID; null when the extension is absent, which allows every purpose. */
  readonly extendedKeyUsage: readonly string[] | null
  /** Signed by its own key. */
  readonly selfSigned: boolean
  /** E.g. `RSA 2048 bits`, `ECDSA P-256`. */
  readonly publicKey: string
  /** False for RSA under 2048 bits and for a signature over MD5 or SHA-1: OpenSSL's security level 2 refuses those. */
  readonly strong: boolean
  readonly signature: string
  /** Upper-case hexadecimal; null when the extension is absent. */
  readonly subjectKeyId: string | null
  readonly authorityKeyId: string | null
}

/** OIDs of RFC 5280 4.2.1.12 by the names in use. */
const PURPOSES: Readonly<Record<string, string>> = {
  [SERVER_AUTH]: 'serverAuth',
  [CLIENT_AUTH]: 'clientAuth',
  '1.3.6.1.5.5.7.3.3': 'codeSigning',
  '1.3.6.1.5.5.7.3.4': 'emailProtection',
  '1.3.6.1.5.5.7.3.8': 'timeStamping',
  '1.3.6.1.5.5.7.3.9': 'OCSPSigning',
  '2.5.29.37.0': 'anyExtendedKeyUsage',
}

const USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const

const CURVE_NAMES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }

/** Reads the facts of a certificate. Extensions come from the DER, since `node:crypto` shows neither key usage nor path length. */
export async function certificateFacts(certificate: X509Certificate): Promise<CertificateFacts> {
  const library = await x509()
  const parsed = new library.X509Certificate(certificate.raw)
  const usages = parsed.getExtension(library.KeyUsagesExtension)?.usages
  const signature = certificate.signatureAlgorithm ?? 'unknown'
  return {
    ...summarize(certificate),
    issuer: distinguishedText(certificate.issuer),
    authority: certificate.ca,
    pathLength: parsed.getExtension(library.BasicConstraintsExtension)?.pathLength ?? null,
    keyUsage: usages === undefined ? null : USAGES.filter((_, bit) => (usages & (1 << bit)) !== 0),
    extendedKeyUsage: certificate.keyUsage?.map((oid) => PURPOSES[oid] ?? oid) ?? null,
    selfSigned: certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey),
    publicKey: describeKey(certificate.publicKey),
    strong: (rsaBits(certificate.publicKey) ?? 2048) >= 2048 && !/md5|sha1/i.test(signature),
    signature,
    subjectKeyId: parsed.getExtension(library.SubjectKeyIdentifierExtension)?.keyId.toUpperCase() ?? null,
    authorityKeyId: parsed.getExtension(library.AuthorityKeyIdentifierExtension)?.keyId?.toUpperCase() ?? null,
  }
}

/** A key's kind and size in words, public or private: `RSA 2048 bits`, `ECDSA P-256`, `ED25519`. Never its value. */
export function describeKey(key: KeyObject): string {
  const bits = rsaBits(key)
  if (bits !== null) return `RSA ${bits} bits`
  const curve = key.asymmetricKeyDetails?.namedCurve
  if (curve !== undefined) return `ECDSA ${CURVE_NAMES[curve] ?? curve}`
  return (key.asymmetricKeyType ?? 'unknown').toUpperCase()
}

function rsaBits(key: KeyObject): number | null {
  return key.asymmetricKeyDetails?.modulusLength ?? null
}

/**
 * The path from `leaf` to an anchor, by signature: through `helpers` (the other certificates of its file) to any of
 * `anchors`. Empty when there is none. An anchor may be any certificate of the CA file, as Milvus has it.
 */
export function chainTo(
  leaf: X509Certificate,
  helpers: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
): readonly X509Certificate[] {
  if (anchors.some((anchor) => anchor.raw.equals(leaf.raw))) return [leaf]
  const chain = [leaf]
  for (let current = leaf; chain.length <= helpers.length + 1; ) {
    const anchor = anchors.find((candidate) => signedBy(current, candidate))
    if (anchor !== undefined) return [...chain, anchor]
    const next = helpers.find((candidate) => !chain.includes(candidate) && signedBy(current, candidate))
    if (next === undefined) return []
    chain.push(next)
    current = next
  }
  return []
}

/** Whether `issuer` is an authority that signed `certificate`: names, key identifiers, CA:TRUE, and the signature itself. */
export function signedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}
