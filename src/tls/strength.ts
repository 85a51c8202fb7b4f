import type { X509Certificate } from 'node:crypto'

const RSA_BITS_MIN = 2048
/** Go's crypto/tls, and so Milvus and its Go clients, refuses larger ones: each handshake would cost too much. */
const RSA_BITS_MAX = 8192
const EC_CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1'])
const KEY_TYPES = new Set(['rsa', 'rsa-pss', 'ec', 'ed25519'])

/**
 * Says why a certificate's key is too weak, or too large, to be served or accepted, or null. The floor is OpenSSL's security level 2
 * (112 bits), stated here because Node versions differ in enforcing it.
 */
export function weakness(certificate: X509Certificate): string | null {
  const key = certificate.publicKey
  const type = key.asymmetricKeyType ?? 'unknown'
  if (!KEY_TYPES.has(type)) return `keys of type ${type} are not supported`
  const bits = key.asymmetricKeyDetails?.modulusLength
  if (bits !== undefined && bits < RSA_BITS_MIN) return `the RSA key has ${bits} bits (at least ${RSA_BITS_MIN} needed)`
  if (bits !== undefined && bits > RSA_BITS_MAX)
    return `the RSA key has ${bits} bits (at most ${RSA_BITS_MAX} are taken)`
  const curve = key.asymmetricKeyDetails?.namedCurve
  if (curve !== undefined && !EC_CURVES.has(curve)) return `the curve ${curve} is not supported`
  return null
}
