import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { checkPurpose, type LoadedPair } from '../pki/checks.ts'
import { RENEW_BELOW } from '../pki/ensure.ts'
import { type CertificateFacts, certificateFacts, chainTo, signedBy } from '../pki/facts.ts'
import { alternativeNames, distinguishedText } from '../pki/read.ts'
import { counted, dateInWords, spanInWords } from '../pki/words.ts'
import { type Cause, type Check, fail, ok, warn } from './check.ts'
import type { DialFault } from './dial.ts'

/** Under this part of its life a certificate is as good as expired: whoever renews it must have been asleep. */
const FAIL_BELOW = 1 / 10
const DAY_MS = 86_400_000
const RENEW = 'redkite certs renew --server'

/** What verification said, and under what. */
export interface Verification {
  /** Null: verified in full. */
  readonly fault: DialFault | null
  /** True where it was verified only because a certificate of the CA file that is no authority counts as an anchor. */
  readonly partial: boolean
}

export interface Expected {
  /** The name or address that the client checks. */
  readonly name: string
  /** Null: the system's authorities. */
  readonly anchors: readonly X509Certificate[] | null
  readonly now: Date
}

/** What is right and wrong with a server's certificates, one line for each question a client asks of them. */
export async function checkServerCertificates(
  chain: readonly [X509Certificate, ...X509Certificate[]],
  expected: Expected,
  verification: Verification,
): Promise<readonly Check[]> {
  const [leaf, ...helpers] = chain
  const facts = await certificateFacts(leaf)
  const pair: LoadedPair = {
    role: 'server',
    certificateFile: 'server certificate',
    keyFile: '',
    leaf: { certificate: leaf, facts },
    helpers,
    key: null,
    renew: RENEW,
  }
  const purposes = checkPurpose(pair).map((finding): Check => {
    if (finding.level !== 'fail') return ok('server usage', finding.text)
    const cause: Cause = /too weak/.test(finding.text) ? 'weak' : 'purpose'
    return fail('server usage', finding.text, finding.fix ?? RENEW, cause)
  })
  return [
    checkChain(leaf, helpers, expected, verification),
    checkName(leaf, expected.name),
    checkExpiry(facts, expected.now),
    ...purposes,
  ]
}

function checkChain(
  leaf: X509Certificate,
  helpers: readonly X509Certificate[],
  { anchors, now }: Expected,
  { fault, partial }: Verification,
): Check {
  const what = 'server chain'
  if (partial) {
    const detail =
      'the CA file holds the server certificate itself: that works in pymilvus, Go and curl, but not in Node or Python ssl'
    return warn(what, detail, 'give clients ca.pem, the authority that issued it, instead of server.pem', 'leafAsRoot')
  }
  const path = anchors === null ? [] : chainTo(leaf, helpers, anchors)
  const sent = counted(helpers.length + 1, 'certificate')
  const verified = fault === null || fault.code === 'ERR_TLS_CERT_ALTNAME_INVALID'
  if (verified) {
    const end = path.at(-1)
    const issuer = end === undefined || end === leaf ? distinguishedText(leaf.issuer) : distinguishedText(end.subject)
    return ok(what, `leads to ${issuer}; ${sent} sent`)
  }
  const issuer = path.slice(1).find((one) => one.validToDate <= now || one.validFromDate > now)
  if (issuer !== undefined) {
    const detail = `its authority ${distinguishedText(issuer.subject)} is out of date (notAfter ${dateInWords(issuer.validToDate)})`
    return fail(what, detail, 'make a new set: redkite certs create, and give its ca.pem to every client', 'expired')
  }
  // What is wrong then is a date or a purpose, told by the lines below; the signatures are good.
  if (path.length > 1) return ok(what, `signed by ${distinguishedText(path[1]?.subject)} of the CA file; ${sent} sent`)
  return untrusted(leaf, helpers, anchors, fault)
}

/** No way from the leaf to an anchor: which of the three sides is to be mended. */
function untrusted(
  leaf: X509Certificate,
  helpers: readonly X509Certificate[],
  anchors: readonly X509Certificate[] | null,
  { code }: DialFault,
): Check {
  const what = 'server chain'
  const issuer = distinguishedText(leaf.issuer)
  if (anchors === null) {
    const detail = `issued by ${issuer}, which is no public authority (${code})`
    return fail(what, detail, 'give the authority that issued it: --ca ca.pem', 'wrongCa')
  }
  const top = helpers.at(-1) ?? leaf
  const holds = anchors.map((anchor) => distinguishedText(anchor.subject)).join(' | ') || 'nothing'
  const isAlone = helpers.length === 0 && anchors.every((anchor) => anchor.subject !== leaf.issuer)
  if (isAlone && looksIntermediate(leaf.issuer, anchors)) {
    const detail = `the server sends its certificate alone, and not the intermediate ${issuer} that issued it`
    return fail(what, detail, 'append the intermediate to the file of tls.serverPemPath', 'incompleteChain')
  }
  const same = anchors.some((anchor) => anchor.subject === top.issuer && !signedBy(top, anchor))
  const detail = same
    ? `issued by another authority of the same name ${distinguishedText(top.issuer)}: its key is not the one in the CA file`
    : `issued by ${distinguishedText(top.issuer)}, while the CA file holds ${holds}`
  return fail(what, detail, 'give the ca.pem that was made together with the server certificate', 'wrongCa')
}

/** Whether an issuer's name looks like that of an authority below an anchor. A guess, to choose the likelier remedy. */
function looksIntermediate(issuer: string, anchors: readonly X509Certificate[]): boolean {
  const organization = /^O=.+$/m.exec(issuer)?.[0]
  if (/intermediate|sub(ordinate)?[ -]?ca/i.test(issuer)) return true
  return organization !== undefined && anchors.some(({ subject }) => subject.split('\n').includes(organization))
}

/** The name that is dialled, by subject alternative names alone: the common name does not count (RFC 9525). */
export function checkName(leaf: X509Certificate, name: string): Check {
  const what = 'server name'
  const names = alternativeNames(leaf.subjectAltName)
  const isAddress = isIP(name) !== 0
  if ((isAddress ? leaf.checkIP(name) : leaf.checkHost(name, { subject: 'never' })) !== undefined) {
    return ok(what, `${name} is named by the certificate`)
  }
  const add = `${RENEW} ${name}`
  if (names.length === 0) {
    const detail = 'the certificate has no subject alternative name: clients refuse it whatever they dial'
    return fail(what, detail, `${RENEW} --server-name ${name}`, 'noNames')
  }
  const [known] = names.filter((one) => isIP(one) === 0 && !one.startsWith('*'))
  if (isAddress) {
    const detail = `the address ${name} is not in the certificate, which names ${names.join(' ')}`
    const dial =
      known === undefined
        ? ''
        : `dial ${known}, or check that name (--server-name ${known}; pymilvus: server_name); or `
    return fail(what, detail, `${dial}${add}`, 'addressAsName')
  }
  const detail = `${name} is not in the certificate, which names ${names.join(' ')}`
  const dial = known === undefined ? '' : `dial ${known}, or check that name (--server-name ${known}); or `
  return fail(what, detail, `${dial}${add}`, 'nameMismatch')
}

/** How much of its life is left: a share, because a certificate of a day and one of ten years are renewed alike. */
export function checkExpiry(facts: CertificateFacts, now: Date, what = 'server expiry', renew = RENEW): Check {
  const left = facts.notAfter.getTime() - now.getTime()
  const life = facts.notAfter.getTime() - facts.notBefore.getTime()
  const until = `notAfter ${dateInWords(facts.notAfter)}`
  if (left <= 0) return fail(what, `expired ${spanInWords(left)} ago (${until})`, renew, 'expired')
  const ahead = facts.notBefore.getTime() - now.getTime()
  if (ahead > 0) {
    const detail = `not valid for another ${spanInWords(ahead)} (notBefore ${dateInWords(facts.notBefore)})`
    return fail(what, detail, `set the clocks of both machines right; if they are: ${renew}`, 'notYetValid')
  }
  const share = left / life
  const days = Math.round(life / DAY_MS)
  const words = `${spanInWords(left)} left of ${days > 0 ? counted(days, 'day') : spanInWords(life)} (${Math.round(share * 100)} %; ${until})`
  if (share < FAIL_BELOW) return fail(what, words, renew, 'expiresSoon')
  return share < RENEW_BELOW ? warn(what, words, renew, 'expiresSoon') : ok(what, words)
}
