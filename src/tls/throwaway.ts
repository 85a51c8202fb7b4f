import {
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  type X509Certificate,
} from 'node:crypto'
import { readDer } from './sources/der.ts'

/** A client pair for one proof handshake; it lives in memory, for an hour at most. */
export interface ThrowawayPair {
  readonly cert: string
  readonly key: string
}

/** Who signs a throwaway certificate; without one it signs itself, and nobody trusts it. */
export interface ThrowawayIssuer {
  readonly certificate: X509Certificate
  readonly key: KeyObject
}

const HOUR_MS = 3_600_000

/** AlgorithmIdentifier by key type (RFC 5758 3.2, RFC 4055 5, RFC 8410 3); RSA names its NULL parameters. */
const ALGORITHMS: Readonly<Record<string, { readonly der: string; readonly digest: string | null }>> = {
  ec: { der: '300a06082a8648ce3d040302', digest: 'sha256' },
  rsa: { der: '300d06092a864886f70d01010b0500', digest: 'sha256' },
  ed25519: { der: '300506032b6570', digest: null },
}

/**
 * Makes a client certificate for a proof: the smallest X.509 that OpenSSL takes (version 1, no extensions, so every
 * usage), by hand, because loading the certificate toolkit would cost more than the whole proof may take.
 * Null where the issuer's key is of a kind that is not signed with here.
 */
export function throwawayPair(issuer: ThrowawayIssuer | null, now: Date): ThrowawayPair | null {
  const own = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const signer = issuer?.key ?? own.privateKey
  const algorithm = ALGORITHMS[signer.asymmetricKeyType ?? '']
  if (algorithm === undefined) return null
  const name = commonName('redkite proof')
  const id = Buffer.from(algorithm.der, 'hex')
  const signed = tagged(
    0x30,
    tagged(0x02, Buffer.concat([Buffer.of(0x40), randomBytes(15)])),
    id,
    issuer === null ? name : subjectOf(issuer.certificate),
    tagged(0x30, time(now.getTime() - HOUR_MS), time(now.getTime() + HOUR_MS)),
    name,
    createPublicKey(own.privateKey).export({ type: 'spki', format: 'der' }),
  )
  const signature = sign(algorithm.digest, signed, signer)
  const der = tagged(0x30, signed, id, tagged(0x03, Buffer.of(0), signature))
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const size = content.length
  if (size < 0x80) return Buffer.concat([Buffer.of(tag, size), content])
  if (size < 0x100) return Buffer.concat([Buffer.of(tag, 0x81, size), content])
  return Buffer.concat([Buffer.of(tag, 0x82, size >> 8, size & 0xff), content])
}

function commonName(text: string): Buffer {
  const attribute = tagged(0x30, Buffer.from('0603550403', 'hex'), tagged(0x0c, Buffer.from(text)))
  return tagged(0x30, tagged(0x31, attribute))
}

/** GeneralizedTime, whatever the year. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-T:]|\..*$/g, '')
  return tagged(0x18, Buffer.from(`${digits}Z`))
}

/** The bytes of the subject: an issuer name must be the same to the byte. It follows the validity (RFC 5280 4.1). */
function subjectOf(certificate: X509Certificate): Buffer {
  const fields = readDer(certificate.raw).children[0]?.children ?? []
  const subject = fields[fields[0]?.tag === 0x80 ? 5 : 4]
  if (subject === undefined) throw new Error('a parsed certificate has a subject')
  return subject.whole
}
