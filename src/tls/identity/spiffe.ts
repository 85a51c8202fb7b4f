/** Whether a URI means to be a SPIFFE id, rightly spelled or not. */
export function isSpiffe(uri: string): boolean {
  return /^spiffe:/i.test(uri)
}

/** SPIFFE-ID 2.1: lower-case letters, digits, dots, dashes and underscores. */
const TRUST_DOMAIN = /^[a-z0-9._-]{1,255}$/
/** SPIFFE-ID 2.2. */
const SEGMENT = /^[A-Za-z0-9._-]+$/
/** SPIFFE-ID 2.3. */
const BYTES_MAX = 2_048

/**
 * What is wrong with the URIs of a certificate that names a SPIFFE id; null = nothing. Sources: the SPIFFE-ID and
 * X509-SVID standards: exactly one URI, a lower-case trust domain without user or port, a path of plain segments, no
 * query, no fragment.
 */
export function spiffeFault(uris: readonly string[]): string | null {
  const [uri = '', second] = uris
  if (second !== undefined) return `${uris.length} URIs, a SPIFFE certificate has exactly one`
  if (!uri.startsWith('spiffe://')) return 'the scheme is not spiffe:// in lower case'
  if (Buffer.byteLength(uri) > BYTES_MAX) return `a SPIFFE id longer than ${BYTES_MAX} bytes`
  if (/[?#]/.test(uri)) return 'a SPIFFE id with a query or a fragment'
  const [domain = '', ...segments] = uri.slice('spiffe://'.length).split('/')
  if (/[@:]/.test(domain)) return 'a SPIFFE trust domain with a user or a port'
  if (!TRUST_DOMAIN.test(domain)) return 'a SPIFFE trust domain that is not lower-case letters, digits, . - _'
  const bad = segments.find((segment) => segment === '.' || segment === '..' || !SEGMENT.test(segment))
  if (bad === undefined) return null
  return bad === '' ? 'a SPIFFE path with an empty segment' : 'a SPIFFE path with a segment that is not plain'
}
