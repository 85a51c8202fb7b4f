/** Algorithms that certificates are issued with: ECDSA on P-256, or RSA of 2048 bits for old clients. */
export const KEY_KINDS = ['ec', 'rsa'] as const
export type KeyKind = (typeof KEY_KINDS)[number]

/** What a leaf certificate is for; it decides its extended key usage. */
export type Role = 'server' | 'client'

/** Subject attributes besides the common name (RFC 5280 4.1.2.6); an absent one is left out of the subject. */
export interface SubjectFields {
  readonly country?: string
  readonly state?: string
  readonly location?: string
  readonly organization?: string
  readonly unit?: string
}

/** A private key (PKCS#8 PEM) and the certificate for it (PEM, one block). Never printed, never logged. */
export interface IssuedPair {
  readonly keyPem: string
  readonly certificatePem: string
}

/** The facts of one certificate that a caller shows or decides by; no key material. */
export interface CertificateSummary {
  /** RFC 2253-like text, most specific last, e.g. `CN=localhost`. */
  readonly subject: string
  /** Subject alternative names: DNS names, IP addresses, e-mail addresses, URIs, without their type prefix. */
  readonly names: readonly string[]
  /** Upper-case hexadecimal. */
  readonly serial: string
  readonly notBefore: Date
  readonly notAfter: Date
  /** SHA-256 of the DER, upper-case, colons between bytes, as `openssl x509 -fingerprint -sha256` prints it. */
  readonly fingerprint256: string
}

/** Absolute paths of the seven files of a set. */
export interface SetFiles {
  readonly caKey: string
  readonly ca: string
  readonly caSerial: string
  readonly serverKey: string
  readonly server: string
  readonly clientKey: string
  readonly client: string
}

/** A set of certificates on disk: where its files are, and who is in them. `client` is null when the pair is absent. */
export interface CertificateSet {
  readonly directory: string
  readonly files: SetFiles
  readonly ca: CertificateSummary
  readonly server: CertificateSummary
  readonly client: CertificateSummary | null
}
