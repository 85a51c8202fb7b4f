/** Revocation lists of every good and bad kind, made at test start; independent of src/pki, as `certificates.ts` is. */
import * as x509 from '@peculiar/x509'
import type { Made } from './certificates.ts'

const DAY_MS = 86_400_000

export interface CrlWish {
  readonly by: Made
  /** Certificates on the list, with the reason code of RFC 5280 5.3.1 (default 1, keyCompromise). */
  readonly revoked?: readonly (Made | { readonly made: Made; readonly reason: x509.X509CrlReason })[]
  /** Up to 127; null leaves the extension out. */
  readonly number?: number | null
  /** Days from now; default yesterday to 30 days on. */
  readonly fromDays?: number
  readonly toDays?: number
  /** Another key than that of `by` signs. */
  readonly signedBy?: Made
  /** More extensions: OID, critical, and the DER of the value in hexadecimal. */
  readonly extensions?: readonly (readonly [oid: string, critical: boolean, value: string])[]
}

/** A list of an authority with an EC key, in PEM with OpenSSL's label and in DER. */
export async function makeCrl(wish: CrlWish): Promise<{ readonly pem: string; readonly der: Buffer }> {
  const { by, number = 1 } = wish
  const signer = wish.signedBy ?? by
  const extensions: x509.Extension[] = [
    await x509.AuthorityKeyIdentifierExtension.create(by.keys.publicKey),
    ...(number === null ? [] : [new x509.Extension('2.5.29.20', false, Buffer.from([0x02, 0x01, number]))]),
    ...(wish.extensions ?? []).map(
      ([oid, critical, value]) => new x509.Extension(oid, critical, Buffer.from(value, 'hex')),
    ),
  ]
  const crl = await x509.X509CrlGenerator.create({
    issuer: by.certificate.subject,
    thisUpdate: new Date(Date.now() + (wish.fromDays ?? -1) * DAY_MS),
    nextUpdate: new Date(Date.now() + (wish.toDays ?? 30) * DAY_MS),
    entries: (wish.revoked ?? []).map((one) => {
      const { made, reason } = 'made' in one ? one : { made: one, reason: x509.X509CrlReason.keyCompromise }
      return { serialNumber: made.certificate.serialNumber, revocationDate: new Date(), reason }
    }),
    extensions,
    signingKey: signer.keys.privateKey,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
  })
  const der = Buffer.from(crl.rawData)
  const body =
    der
      .toString('base64')
      .match(/.{1,64}/g)
      ?.join('\n') ?? ''
  return { der, pem: `-----BEGIN X509 CRL-----\n${body}\n-----END X509 CRL-----\n` }
}
