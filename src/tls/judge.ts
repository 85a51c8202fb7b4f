import { createHash, type X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { CLIENT_AUTH, SERVER_AUTH } from '../pki/purposes.ts'
import { notAllowed } from './allowed-peers.ts'
import { oneLine } from './check.ts'
import type { Generation } from './generation.ts'
import { NO_CERTIFICATE } from './handshake-error.ts'
import { isIssuedBy } from './issued-by.ts'
import type { RefusalReason } from './refusal.ts'
import type { TlsSettings } from './settings.ts'
import { weakness } from './strength.ts'

const SERVER_AUTH_ADMITTED =
  'client certificate allows serverAuth only; admitted by redkite.tls.acceptServerAuthClients'

/** The verified client certificate, as `ConnectionFacts` carries it. */
export interface ClientIdentity {
  /** Distinguished names on one line, control characters escaped. */
  readonly subject: string
  readonly issuer: string
  readonly serial: string
  /** SHA-256 of the certificate, hexadecimal with colons. */
  readonly fingerprint256: string
  /** SHA-256 of its public key info (SPKI), lower-case hexadecimal. */
  readonly spki256: string
  /** Unix milliseconds. */
  readonly notAfter: number
  /** The user that the identity rules map it to; null = to nobody. */
  readonly user: string | null
}

/** When the client certificate of an admitted connection expires, and when its last third begins; unix milliseconds. */
export function clientLife(socket: TLSSocket): { readonly notAfter: number; readonly lastThirdFrom: number } {
  const leaf = socket.getPeerX509Certificate()
  const notAfter = leaf?.validToDate.getTime() ?? 0
  const notBefore = leaf?.validFromDate.getTime() ?? notAfter
  return { notAfter, lastThirdFrom: notAfter - (notAfter - notBefore) / 3 }
}

export type Verdict =
  | { readonly kind: 'admitted'; readonly client: ClientIdentity | null; readonly warning: string | null }
  | {
      readonly kind: 'refused'
      readonly reason: RefusalReason
      readonly message: string
      readonly remedy: string
      /** Empty when the client sent no certificate. */
      readonly certificate: { readonly subject: string; readonly issuer: string; readonly serial: string } | null
    }

/** What a port admits, besides what OpenSSL verified. */
export type Policy = Pick<TlsSettings, 'acceptServerAuthClients' | 'revocation' | 'identity' | 'allowedPeers'>

/**
 * Decides on a connection whose handshake is done, before a byte of it is read. In one-way mode nothing is asked of
 * the client. In mutual mode OpenSSL must have verified the certificate (`authorized`), and dates are looked at again
 * in case the session was resumed. `authorizationError` never admits anybody: it is only the *last* error, and
 * INVALID_PURPOSE hides an untrusted chain; the reason told to the operator is found by looking at the certificate.
 */
export function judge(socket: TLSSocket, generation: Generation, policy: Policy, now: Date): Verdict {
  if (generation.kind === 'oneWay') return { kind: 'admitted', client: null, warning: null }
  const leaf = socket.getPeerX509Certificate()
  if (!leaf) return { kind: 'refused', ...NO_CERTIFICATE, certificate: null }
  const identity = identify(leaf)
  // OpenSSL's own limits leave out keys that are too large.
  const inOrder = socket.authorized === true && inDate(leaf, now) && weakness(leaf) === null
  if (inOrder || (policy.acceptServerAuthClients && isServerAuthOnlyOfAnchor(leaf, generation, now))) {
    // Asked only here: a stranger's certificate may carry the serial number of a revoked one.
    const revoked = policy.revocation?.refusal(leaf, generation.anchors, now)
    if (revoked) return { kind: 'refused', ...revoked, certificate: named(identity) }
    const stranger = notAllowed(leaf, policy.allowedPeers ?? [])
    if (stranger) return { kind: 'refused', ...stranger, certificate: named(identity) }
    if (!inOrder) return { kind: 'admitted', client: identity, warning: SERVER_AUTH_ADMITTED }
    return { kind: 'admitted', client: { ...identity, user: policy.identity?.userOf(leaf) ?? null }, warning: null }
  }
  return {
    kind: 'refused',
    ...explain(leaf, generation, socket, now),
    certificate: named(identity),
  }
}

/**
 * Whether an open connection, admitted while `trust` (fingerprints of anchors) held, may stay under a later generation:
 * when no anchor was removed, or an anchor that is left issued its certificate directly. Where a client-sent
 * intermediate stands in between, which Node does not show on TLS 1.3, the answer is no: the client is sent away,
 * connects again and is verified in full.
 */
export function isStillTrusted(socket: TLSSocket, trust: ReadonlySet<string>, generation: Generation): boolean {
  if (trust.isSubsetOf(generation.anchorIds)) return true
  const leaf = socket.getPeerX509Certificate()
  return leaf !== undefined && isDirect(leaf, generation)
}

function named({ subject, issuer, serial }: ClientIdentity) {
  return { subject, issuer, serial }
}

function identify(leaf: X509Certificate): ClientIdentity {
  return {
    subject: oneLine(leaf.subject),
    issuer: oneLine(leaf.issuer),
    serial: leaf.serialNumber,
    fingerprint256: leaf.fingerprint256,
    spki256: createHash('sha256')
      .update(leaf.publicKey.export({ type: 'spki', format: 'der' }))
      .digest('hex'),
    notAfter: leaf.validToDate.getTime(),
    user: null,
  }
}

function inDate(certificate: X509Certificate, now: Date): boolean {
  return certificate.validFromDate <= now && now <= certificate.validToDate
}

/** Why a certificate is refused, and what to do about it. */
export interface Explanation {
  readonly reason: RefusalReason
  readonly message: string
  readonly remedy: string
}

const RENEW = 'make a new one: redkite certs renew --client'

/**
 * Why OpenSSL refused: all that is wrong with the certificate, the worst first. OpenSSL names only its last finding,
 * so authority, dates and usage are looked at here.
 */
function explain(leaf: X509Certificate, generation: Generation, socket: TLSSocket, now: Date): Explanation {
  const weak = weakness(leaf)
  const authority = isDirect(leaf, generation) ? null : unknownAuthority(leaf, generation)
  const dates = explainDates(leaf, now)
  const usage = explainUsage(leaf)
  // A date fault that OpenSSL names itself comes first: the issuer may be an intermediate that the client did send.
  const isDateFault = /EXPIRED|NOT_YET_VALID/.test(String(socket.authorizationError))
  const order = isDateFault ? [dates, authority, usage] : [authority, dates, usage]
  const found = [
    weak ? { reason: 'weakKey' as const, message: `client certificate: ${weak}`, remedy: RENEW } : null,
    ...order,
  ]
  const faults = found.filter((fault) => fault !== null)
  const [first] = faults
  if (first) return { ...first, message: faults.map((fault) => fault.message).join('; also: ') }
  return {
    reason: 'unverified',
    message: `client certificate could not be verified: ${inWords(socket.authorizationError)}`,
    remedy: 'see redkite certs verify; each certificate of the chain must be in date and a CA',
  }
}

/** Node calls by one word all that it has no name for. */
function inWords(error: unknown): string {
  const hint = 'most often a SHA-1 signature, or a critical extension that OpenSSL does not know'
  return String(error) === 'UNSPECIFIED' ? `UNSPECIFIED (${hint})` : String(error)
}

function unknownAuthority(leaf: X509Certificate, generation: Generation): Explanation {
  const trusted = generation.anchors.map((anchor) => oneLine(anchor.subject)).join(' | ')
  return {
    reason: 'unknownAuthority',
    message: `x509: certificate signed by unknown authority (issuer ${oneLine(leaf.issuer)}; the CA file trusts ${trusted})`,
    remedy:
      'let a CA of the CA file issue the client certificate, send its intermediates too, or add its CA to the file',
  }
}

function explainDates(leaf: X509Certificate, now: Date): Explanation | null {
  const at = now.toISOString()
  if (leaf.validToDate < now) {
    const message = `x509: certificate has expired: current time ${at} is after ${leaf.validToDate.toISOString()}`
    return { reason: 'expired', message, remedy: RENEW }
  }
  if (leaf.validFromDate > now) {
    const message = `x509: certificate is not yet valid: current time ${at} is before ${leaf.validFromDate.toISOString()}`
    return { reason: 'notYetValid', message, remedy: 'check the clocks of client, server and CA' }
  }
  return null
}

function explainUsage(leaf: X509Certificate): Explanation | null {
  const usages = leaf.keyUsage ?? []
  if (usages.length === 0 || usages.includes(CLIENT_AUTH)) return null
  const allows = usages.includes(SERVER_AUTH) ? 'allows serverAuth only' : `allows ${usages.join(' ')} only`
  return {
    reason: 'invalidPurpose',
    message: `x509: certificate specifies an incompatible key usage: it ${allows}, clientAuth is needed`,
    remedy: "the Milvus documentation's gen.sh makes such; run redkite certs renew --client",
  }
}

/** Whether the leaf is an anchor, or an anchor signed it. Alone never what admits anybody. */
function isDirect(leaf: X509Certificate, generation: Generation): boolean {
  return generation.anchorIds.has(leaf.fingerprint256) || generation.anchors.some((anchor) => isIssuedBy(leaf, anchor))
}

/**
 * The complete own path check behind `acceptServerAuthClients`, kept narrow on purpose: a leaf (not a CA) that an
 * anchor of the CA file, itself a CA and in date, signed directly, in date, of good strength, whose only fault is that
 * its usage names serverAuth. No intermediates: then no path length or name constraint can be missed.
 */
function isServerAuthOnlyOfAnchor(leaf: X509Certificate, generation: Generation, now: Date): boolean {
  const usages = leaf.keyUsage ?? []
  if (leaf.ca || !usages.includes(SERVER_AUTH) || !inDate(leaf, now) || weakness(leaf)) return false
  return generation.anchors.some((anchor) => anchor.ca && inDate(anchor, now) && isIssuedBy(leaf, anchor))
}
