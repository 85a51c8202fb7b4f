import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { oneLine } from './check.ts'
import type { Generation } from './generation.ts'
import { NO_CERTIFICATE } from './handshake-error.ts'
import type { RefusalReason } from './refusal.ts'
import { weakness } from './strength.ts'

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'

/** The verified client certificate, as `ConnectionFacts` carries it. */
export interface ClientIdentity {
  readonly subject: string
  readonly serial: string
  readonly fingerprint256: string
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

export interface Policy {
  readonly acceptServerAuthClients: boolean
}

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
  if (socket.authorized === true && inDate(leaf, now)) {
    return { kind: 'admitted', client: identity, warning: null }
  }
  if (policy.acceptServerAuthClients && isServerAuthOnlyOfAnchor(leaf, generation, now)) {
    const warning = 'client certificate allows serverAuth only; admitted by redkite.tls.acceptServerAuthClients'
    return { kind: 'admitted', client: identity, warning }
  }
  return {
    kind: 'refused',
    ...explain(leaf, generation, socket, now),
    certificate: { ...identity, issuer: oneLine(leaf.issuer) },
  }
}

function identify(leaf: X509Certificate): ClientIdentity {
  return { subject: oneLine(leaf.subject), serial: leaf.serialNumber, fingerprint256: leaf.fingerprint256 }
}

function inDate(certificate: X509Certificate, now: Date): boolean {
  return certificate.validFromDate <= now && now <= certificate.validToDate
}

/** Why OpenSSL refused, in the order in which an operator should mend it: authority first, then dates, then usage. */
function explain(
  leaf: X509Certificate,
  generation: Generation,
  socket: TLSSocket,
  now: Date,
): { reason: RefusalReason; message: string; remedy: string } {
  const renew = 'make a new one: redkite certs renew --client'
  const weak = weakness(leaf)
  if (weak) return { reason: 'weakKey', message: `client certificate: ${weak}`, remedy: renew }
  if (!reachesAnchor(leaf, generation, socket)) {
    const trusted = generation.anchors.map((anchor) => oneLine(anchor.subject)).join(' | ')
    return {
      reason: 'unknownAuthority',
      message: `x509: certificate signed by unknown authority (issuer ${oneLine(leaf.issuer)}; the CA file trusts ${trusted})`,
      remedy:
        'let a CA of the CA file issue the client certificate, send its intermediates too, or add its CA to the file',
    }
  }
  if (leaf.validToDate < now) {
    return {
      reason: 'expired',
      message: `x509: certificate has expired: current time ${now.toISOString()} is after ${leaf.validToDate.toISOString()}`,
      remedy: renew,
    }
  }
  if (leaf.validFromDate > now) {
    return {
      reason: 'notYetValid',
      message: `x509: certificate is not yet valid: current time ${now.toISOString()} is before ${leaf.validFromDate.toISOString()}`,
      remedy: 'check the clocks of client, server and CA',
    }
  }
  const usages = leaf.keyUsage ?? []
  if (usages.length > 0 && !usages.includes(CLIENT_AUTH)) {
    const allows = usages.includes(SERVER_AUTH) ? 'allows serverAuth only' : `allows ${usages.join(' ')} only`
    return {
      reason: 'invalidPurpose',
      message: `x509: certificate specifies an incompatible key usage: it ${allows}, clientAuth is needed`,
      remedy: "the Milvus documentation's gen.sh makes such; run redkite certs renew --client",
    }
  }
  return {
    reason: 'unverified',
    message: `client certificate could not be verified: ${String(socket.authorizationError)}`,
    remedy: 'see redkite certs verify; each certificate of the chain must be in date and a CA',
  }
}

/** Whether the leaf is an anchor or its issuers, as the client sent them, lead to one. For the explanation only. */
function reachesAnchor(leaf: X509Certificate, generation: Generation, socket: TLSSocket): boolean {
  const sent = sentChain(socket, leaf)
  return sent.some((certificate) =>
    generation.anchors.some(
      (anchor) => anchor.fingerprint256 === certificate.fingerprint256 || isIssuedBy(certificate, anchor),
    ),
  )
}

/** The leaf and the issuers that really signed each other, at most ten. */
function sentChain(socket: TLSSocket, leaf: X509Certificate): X509Certificate[] {
  const chain = [leaf]
  let next: X509Certificate | undefined = socket.getPeerX509Certificate()?.issuerCertificate
  while (next && chain.length < 10) {
    const last = chain.at(-1)
    if (!last || !isIssuedBy(last, next) || next.fingerprint256 === last.fingerprint256) break
    chain.push(next)
    next = next.issuerCertificate
  }
  return chain
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
  } catch {
    return false
  }
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
