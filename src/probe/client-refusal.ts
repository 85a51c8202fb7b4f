import type { X509Certificate } from 'node:crypto'
import { chainTo } from '../pki/facts.ts'
import { distinguishedText } from '../pki/read.ts'
import { dateInWords, spanInWords } from '../pki/words.ts'
import { type Cause, type Check, fail } from './check.ts'
import { isCertificateAlert } from './dial.ts'
import type { CallOutcome } from './grpc-call.ts'
import { type ClientPair, renewClient } from './local-files.ts'

/** How a server took a client's certificate, or its absence: known only once it answers, or does not. */
export type Reception =
  | { readonly kind: 'admitted' }
  /** `reason` is the server's own, where it says one (`redkite.tls.explain`). */
  | { readonly kind: 'refused'; readonly code: string; readonly said: string; readonly reason: string | null }

/** What Redkite tells refused clients under `redkite.tls.explain`. */
const EXPLAINED = /client certificate refused \((\w+)\): (.*)/

/** Reasons of which nothing can be seen from here. */
const SAID: Readonly<Record<string, Cause>> = {
  unknownAuthority: 'wrongCa',
  revocationUnknown: 'revoked',
  peerNotAllowed: 'clientRefused',
}

/** Reads a gRPC call's outcome as the answer to the certificate that was, or was not, shown. */
export function receptionOf(outcome: CallOutcome): Reception {
  if (outcome.kind === 'refused') return { kind: 'refused', code: outcome.code, said: outcome.message, reason: null }
  const explained = EXPLAINED.exec(outcome.message) ?? EXPLAINED.exec(outcome.body.toString('utf8'))
  if (explained === null) return { kind: 'admitted' }
  return { kind: 'refused', code: 'EXPLAINED', said: explained[2] ?? '', reason: explained[1] ?? '' }
}

/** Nothing came: that is no refusal, a server that hangs does the same. */
export function isSilent(reception: Reception): boolean {
  return reception.kind === 'refused' && reception.code === 'TIMEOUT'
}

/** A refusal in words. */
export function refusalText({ code, said }: Extract<Reception, { kind: 'refused' }>): string {
  if (code === 'EXPLAINED') return `the server says: ${said}`
  const alert = /ALERT_(\w+)$/.exec(code)?.[1]
  return alert === undefined ? said : `alert ${alert.toLowerCase().replaceAll('_', ' ')}`
}

/** Why a client without certificate was refused. */
export function refusedWithout(refusal: Extract<Reception, { kind: 'refused' }>): Check {
  // TLS 1.2 servers say `handshake failure` then, and for other things too
  const isVague = /HANDSHAKE_FAILURE/.test(refusal.code)
  const sure = !isVague && (refusal.code === 'EXPLAINED' || isCertificateAlert(refusal.code))
  const text = refusalText(refusal)
  const detail = sure
    ? `refused: the server needs a client certificate, none was given (${text})`
    : `the server ends the connection (${text}), as servers do that need a client certificate; none was given`
  return fail(
    'client',
    detail,
    'give one: --cert client.pem --key client.key (pymilvus: client_pem_path, client_key_path)',
    'noCertificate',
  )
}

/**
 * Why a client certificate was refused. Servers say little (a real Milvus: bad certificate, whatever it was), so the
 * certificate is looked at as the server does: dates, usage, issuer.
 */
export function refusedWith(
  refusal: Extract<Reception, { kind: 'refused' }>,
  pair: ClientPair,
  anchors: readonly X509Certificate[] | null,
  now: Date,
): Check {
  const { facts, certificate, helpers, file } = pair
  const renew = renewClient(file)
  const because = (detail: string, fix: string, cause: Cause) =>
    fail('client', `refused: ${detail} (${refusalText(refusal)})`, fix, cause)
  if (/REVOKED/.test(refusal.code) || refusal.reason === 'revoked') {
    return because('the certificate is revoked', `${renew}, and use the new pair`, 'revoked')
  }
  const said = refusal.reason === null ? undefined : SAID[refusal.reason]
  const late = now.getTime() - facts.notAfter.getTime()
  if (late >= 0) {
    const detail = `the certificate expired ${spanInWords(late)} ago (notAfter ${dateInWords(facts.notAfter)})`
    return because(detail, renew, 'expired')
  }
  if (facts.notBefore > now) {
    const detail = `the certificate is not valid before ${dateInWords(facts.notBefore)}`
    return because(detail, `set the clocks of both machines right; if they are: ${renew}`, 'notYetValid')
  }
  const path = anchors === null ? null : chainTo(certificate, helpers, anchors)
  if (path?.length === 0) {
    const held = anchors?.map((anchor) => distinguishedText(anchor.subject)).join(' | ')
    const detail = `the certificate was issued by ${facts.issuer}, while the CA file holds ${held}`
    return because(detail, 'let the CA that the server trusts (tls.caPemPath there) issue it', 'wrongCa')
  }
  const usages = facts.extendedKeyUsage
  if (usages !== null && !usages.includes('clientAuth')) {
    if (!usages.includes('serverAuth')) {
      return because(`the certificate allows ${usages.join(', ')} only, clientAuth needed`, renew, 'purpose')
    }
    const fix = `${renew}  (files made by the Milvus documentation's gen.sh have this fault)`
    return because('the certificate allows serverAuth only, clientAuth needed', fix, 'serverAuthOnly')
  }
  if (!facts.strong)
    return because(`the certificate is too weak (${facts.publicKey}, ${facts.signature})`, renew, 'weak')
  if (facts.authority) return because('the certificate is an authority, not a client', renew, 'purpose')
  if (said === 'clientRefused' || path !== null) {
    const detail =
      'chain, dates and usage are good by the files at hand: the server trusts another CA, or has revoked it'
    return because(detail, 'see the log of the server, which names the reason', said ?? 'clientRefused')
  }
  const text = `issued by ${facts.issuer}: the server does not trust that, or the certificate is revoked there`
  return because(
    text,
    'see the log of the server, which names the reason; tls.caPemPath there must hold the issuer',
    'wrongCa',
  )
}
