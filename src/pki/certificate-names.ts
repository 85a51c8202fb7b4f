import type { X509Certificate } from '@peculiar/x509'
import { type X509Library, x509 } from './library.ts'

/** The names in a certificate, as its DER has them: nothing is trimmed, joined or made printable. */
export interface CertificateNames {
  /** Subject alternative names (RFC 5280 4.2.1.6) by kind, in the certificate's order. */
  readonly uris: readonly string[]
  readonly emails: readonly string[]
  readonly dnsNames: readonly string[]
  /** Alternative names of other kinds (IP addresses, directory names ...): counted, never read. */
  readonly otherNames: number
  /** Every CN of the subject, in its order; more than one is no fault of the encoding. */
  readonly commonNames: readonly string[]
  /** All attribute values of the subject. */
  readonly subjectValues: readonly string[]
  /** The subject as RFC 4514 text, the last RDN first: `CN=ops,O=Example`. */
  readonly distinguishedName: string
}

/** Reads the names of one certificate. @throws Error when the DER holds no readable certificate */
export type NameReader = (der: Uint8Array) => CertificateNames

/**
 * Loads what reads names, so that reading itself need not wait: a handshake is judged at once. Only who has identity
 * rules pays for it (about 130 ms at the start).
 */
export async function loadNameReader(): Promise<NameReader> {
  const library = await x509()
  return (der) => readNames(library, new library.X509Certificate(new Uint8Array(der)))
}

function readNames(library: X509Library, certificate: X509Certificate): CertificateNames {
  const found = certificate.extensions.filter(({ type }) => type === SUBJECT_ALTERNATIVE_NAME)
  if (found.length > 1) throw new Error('it has two subjectAltName extensions')
  const names = certificate.getExtension(library.SubjectAlternativeNameExtension)?.names.items ?? []
  const of = (type: string) => names.filter((name) => name.type === type).map((name) => name.value)
  const [uris, emails, dnsNames] = [of('url'), of('email'), of('dns')]
  const subject = certificate.subjectName.toJSON()
  const attributes = subject.flatMap((rdn) => Object.entries(rdn))
  return {
    uris,
    emails,
    dnsNames,
    otherNames: names.length - uris.length - emails.length - dnsNames.length,
    commonNames: attributes.filter(([type]) => type === 'CN').flatMap(([, values]) => values),
    subjectValues: attributes.flatMap(([, values]) => values),
    distinguishedName: subject.toReversed().map(relativeText).join(','),
  }
}

/** RFC 5280 4.2.1.6. */
const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17'

/** The library's short names that RFC 4514 section 3 does not have, and two of its that the library does not know. */
const TYPES: Readonly<Record<string, string>> = {
  E: '1.2.840.113549.1.9.1',
  G: '2.5.4.42',
  I: '2.5.4.43',
  SN: '2.5.4.4',
  T: '2.5.4.12',
  '2.5.4.9': 'STREET',
  '0.9.2342.19200300.100.1.1': 'UID',
}

function relativeText(rdn: Readonly<Record<string, readonly string[]>>): string {
  const parts = Object.entries(rdn).flatMap(([type, values]) =>
    values.map((value) => `${TYPES[type] ?? type}=${escaped(value)}`),
  )
  return parts.join('+')
}

/** RFC 4514 2.4. A semicolon is written in hexadecimal, since it separates rules in the environment. */
function escaped(value: string): string {
  return value
    .replace(/[\\",+<>]/g, '\\$&')
    .replaceAll(';', '\\3B')
    .replaceAll('\0', '\\00')
    .replace(/^[ #]/, '\\$&')
    .replace(/ $/, (space, at: number) => (at === 0 ? space : '\\ '))
}
