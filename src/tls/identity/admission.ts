import type { X509Certificate } from 'node:crypto'
import { certificateFacts, chainTo } from '../../pki/facts.ts'

/** Whether a port in mutual mode would admit a certificate, as far as files can tell. */
export interface Admission {
  readonly admitted: boolean
  /** What speaks against it, or for it, a sentence each. */
  readonly reasons: readonly string[]
}

/**
 * Looks at a certificate as OpenSSL and `judge` do at a handshake: chain to the CA file, dates of each certificate in it,
 * purpose, strength. A dry run: the key is not at hand, and what is revoked is the running server's to say.
 */
export async function admissionOf(
  [leaf, ...helpers]: readonly [X509Certificate, ...X509Certificate[]],
  anchors: readonly X509Certificate[],
  policy: { readonly acceptServerAuthClients: boolean },
  now: Date,
): Promise<Admission> {
  const facts = await certificateFacts(leaf)
  const chain = chainTo(leaf, helpers, anchors)
  const against: string[] = []
  if (chain.length === 0) against.push(`no certificate of the CA file leads to it (its issuer is ${facts.issuer})`)
  for (const certificate of chain.length === 0 ? [leaf] : chain) {
    const whose = certificate === leaf ? 'it' : 'a certificate above it'
    if (certificate.validToDate < now) against.push(`${whose} expired on ${certificate.validToDate.toISOString()}`)
    if (certificate.validFromDate > now) {
      against.push(`${whose} is not valid before ${certificate.validFromDate.toISOString()}`)
    }
  }
  const usages = facts.extendedKeyUsage
  const isServerOnly = usages?.includes('serverAuth') === true && !usages.includes('clientAuth')
  if (isServerOnly && policy.acceptServerAuthClients && chain.length === 2) {
    if (against.length === 0)
      return {
        admitted: true,
        reasons: ['serverAuth only: admitted by redkite.tls.acceptServerAuthClients, and never a user'],
      }
  } else if (usages !== null && !usages.includes('clientAuth')) {
    against.push(`it is for ${usages.join(', ')}, clientAuth is needed`)
  }
  if (!facts.strong) against.push(`it is too weak (${facts.publicKey}, ${facts.signature})`)
  if (against.length > 0) return { admitted: false, reasons: against }
  return {
    admitted: true,
    reasons: [
      `issued under ${chain.at(-1) === leaf ? 'itself, which is in the CA file' : (chain.at(-1)?.subject.replaceAll('\n', ', ') ?? '')}`,
    ],
  }
}
