import type { X509Certificate } from 'node:crypto'
import { isIssuedBy } from '../issued-by.ts'

const REMEMBERED_MAX = 10_000

/** By the array of anchors, which a generation keeps frozen: paths found under it. */
const remembered = new WeakMap<readonly X509Certificate[], Map<string, readonly X509Certificate[]>>()

/**
 * The authorities above a verified certificate, nearest first: certificates of the CA file that signed it or one
 * another. Empty where a client-sent intermediate signed it (a Node server is shown none of those, in TLS 1.2 nor 1.3),
 * and for an anchor without an issuer. Signatures are checked here: a name alone proves nothing.
 */
export function issuersOf(leaf: X509Certificate, anchors: readonly X509Certificate[]): readonly X509Certificate[] {
  const known = remembered.get(anchors) ?? new Map<string, readonly X509Certificate[]>()
  remembered.set(anchors, known)
  const seen = known.get(leaf.fingerprint256)
  if (seen) return seen
  const path: X509Certificate[] = []
  for (let current: X509Certificate | undefined = leaf; current; ) {
    const lower: X509Certificate = current
    current = anchors.find((issuer) => !isSame(issuer, lower) && isIssuedBy(lower, issuer))
    if (current === undefined || path.some((above) => above === current)) break
    path.push(current)
  }
  if (known.size >= REMEMBERED_MAX) known.clear()
  known.set(leaf.fingerprint256, path)
  return path
}

/** Whether the certificate itself stands in the CA file. */
export function isAnchor(certificate: X509Certificate, anchors: readonly X509Certificate[]): boolean {
  return anchors.some((anchor) => isSame(anchor, certificate))
}

function isSame(one: X509Certificate, other: X509Certificate): boolean {
  return one.fingerprint256 === other.fingerprint256
}
