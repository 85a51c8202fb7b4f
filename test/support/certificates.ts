/**
 * Certificates of every good and bad kind, made at test start. Independent of src/pki on purpose: what our own toolkit
 * refuses to make must exist here to be refused.
 */
import 'reflect-metadata'
import { randomBytes, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

x509.cryptoProvider.set(webcrypto)

export type KeyKind = 'ec' | 'rsa' | 'rsa1024' | 'ed25519'

export interface Made {
  /** The certificate's PEM. */
  readonly pem: string
  /** PKCS#8 PEM. */
  readonly key: string
  readonly certificate: x509.X509Certificate
  readonly keys: webcrypto.CryptoKeyPair
}

export interface Wish {
  readonly cn: string
  /** Who signs; null or absent is self-signed. */
  readonly by?: Made | null
  readonly ca?: boolean
  /** Extended key usages; absent or empty means no such extension. */
  readonly usages?: readonly ('serverAuth' | 'clientAuth')[]
  readonly names?: readonly string[]
  /** The subject where it is more than `CN=<cn>`; RDNs in the certificate's order. */
  readonly subject?: x509.JsonName
  /** Alternative names besides `names`. */
  readonly uris?: readonly string[]
  readonly emails?: readonly string[]
  /** Days from now; default yesterday to 30 days on. */
  readonly fromDays?: number
  readonly toDays?: number
  readonly keyKind?: KeyKind
  /** Hexadecimal; default random. */
  readonly serial?: string
  /** Of a CA: how many CAs may stand below it; absent means any number. */
  readonly pathLength?: number
  /** Hash of the signature; default SHA-256. */
  readonly hash?: 'SHA-1' | 'SHA-256'
  /** More extensions: OID, critical, and the DER of the value in hexadecimal. */
  readonly extensions?: readonly (readonly [oid: string, critical: boolean, value: string])[]
  /** A key pair instead of a new one of `keyKind`. */
  readonly keys?: webcrypto.CryptoKeyPair
}

const DAY_MS = 86_400_000

const algorithms = {
  ec: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  rsa: rsa(2048),
  rsa1024: rsa(1024),
  ed25519: { name: 'Ed25519' },
}

function rsa(modulusLength: number) {
  return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength, publicExponent: new Uint8Array([1, 0, 1]) }
}

/** Issues one certificate with a key of its own. */
export async function make(wish: Wish): Promise<Made> {
  const keys =
    wish.keys ??
    ((await webcrypto.subtle.generateKey(algorithms[wish.keyKind ?? 'ec'], true, [
      'sign',
      'verify',
    ])) as webcrypto.CryptoKeyPair)
  const signer = wish.by ?? null
  const extensions: x509.Extension[] = [
    new x509.BasicConstraintsExtension(wish.ca ?? false, wish.pathLength, true),
    await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(signer?.keys.publicKey ?? keys.publicKey),
  ]
  if (wish.ca) {
    extensions.push(new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true))
  }
  if (wish.usages && wish.usages.length > 0) {
    extensions.push(new x509.ExtendedKeyUsageExtension(wish.usages.map((usage) => x509.ExtendedKeyUsage[usage])))
  }
  const names = wish.names ?? ['localhost', '127.0.0.1']
  const alternatives = [
    ...names.map((name) => ({ type: /^[\d.]+$/.test(name) ? ('ip' as const) : ('dns' as const), value: name })),
    ...(wish.uris ?? []).map((value) => ({ type: 'url' as const, value })),
    ...(wish.emails ?? []).map((value) => ({ type: 'email' as const, value })),
  ]
  if (alternatives.length > 0) extensions.push(new x509.SubjectAlternativeNameExtension(alternatives))
  for (const [oid, critical, value] of wish.extensions ?? []) {
    extensions.push(new x509.Extension(oid, critical, Buffer.from(value, 'hex')))
  }
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: wish.serial ?? `00${randomBytes(15).toString('hex')}`,
    subject: wish.subject ?? `CN=${wish.cn}`,
    issuer: signer ? signer.certificate.subject : `CN=${wish.cn}`,
    notBefore: new Date(Date.now() + (wish.fromDays ?? -1) * DAY_MS),
    notAfter: new Date(Date.now() + (wish.toDays ?? 30) * DAY_MS),
    publicKey: keys.publicKey,
    signingKey: signer?.keys.privateKey ?? keys.privateKey,
    signingAlgorithm: {
      ...(signer?.keys.privateKey ?? keys.privateKey).algorithm,
      ...(wish.hash ? { hash: wish.hash } : {}),
    } as x509.X509CertificateCreateParams['signingAlgorithm'],
    extensions,
  } as x509.X509CertificateCreateParams)
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const body = pkcs8.match(/.{1,64}/g)?.join('\n') ?? ''
  return {
    pem: `${certificate.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`,
    certificate,
    keys,
  }
}
