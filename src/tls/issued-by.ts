import type { X509Certificate } from 'node:crypto'

/** Whether `issuer` signed the certificate: names and the signature itself, a name alone proves nothing. Never throws. */
export function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
  } catch {
    return false
  }
}
