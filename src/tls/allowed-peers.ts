import type { X509Certificate } from 'node:crypto'
import { oneLine } from './check.ts'
import type { Explanation } from './judge.ts'

/** One entry of Node's text of alternative names; a value with a comma, quote or control character comes quoted. */
const ENTRY = /(?:[^,"]|"(?:[^"\\]|\\.)*")+/g

/**
 * Why a verified certificate may not use a port that names its peers; null = it may. It must carry one of the names as
 * a DNS name or URI of its subject alternative name, exactly; wildcards do not count, nor does the common name.
 */
export function notAllowed(leaf: X509Certificate, allowed: readonly string[]): Explanation | null {
  if (allowed.length === 0) return null
  const carried = (leaf.subjectAltName ?? '').match(ENTRY)?.map((entry) => entry.trim()) ?? []
  const isAllowed = allowed.some((name) =>
    carried.some((entry) => entry === `URI:${name}` || entry.toLowerCase() === `dns:${name.toLowerCase()}`),
  )
  if (isAllowed) return null
  return {
    reason: 'peerNotAllowed',
    message: `certificate of ${oneLine(leaf.subject)} carries none of the names that may connect here (it carries ${leaf.subjectAltName ?? 'none'})`,
    remedy: 'add its DNS name or URI to redkite.internaltls.allowedPeers, or let the peer show another certificate',
  }
}
