import type { KeyObject, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { type CertificateFacts, chainTo } from './facts.ts'
import { type Finding, failure, good, warning } from './findings.ts'
import type { Role } from './model.ts'
import { dateInWords, lifeInWords, spanInWords } from './words.ts'

const DAY_MS = 86_400_000

/** Apple's clients refuse server certificates that live longer, whoever issued them. */
const LIFE_DAYS_MAX = 825

/** A certificate of the set with its facts, ready to be judged. */
export interface LoadedCertificate {
  readonly certificate: X509Certificate
  readonly facts: CertificateFacts
}

/** One pair as it was read: `leaf` and `helpers` are the certificate file's, `key` is null if it could not be read. */
export interface LoadedPair {
  readonly role: Role
  readonly certificateFile: string
  readonly keyFile: string
  readonly leaf: LoadedCertificate
  readonly helpers: readonly X509Certificate[]
  readonly key: KeyObject | null
  /** The command that issues this pair anew. */
  readonly renew: string
}

/** Key and certificate belong together. */
export function checkPair(pair: LoadedPair): readonly Finding[] {
  if (pair.key === null) return []
  return pair.leaf.certificate.checkPrivateKey(pair.key)
    ? [good(pair.certificateFile, `${pair.keyFile} is its key`)]
    : [failure(pair.certificateFile, `${pair.keyFile} is not its key: the pair is mismatched`, pair.renew)]
}

/** The leaf leads to an anchor of `ca.pem`; the serving file carries that anchor; the two do not share a subject. */
export function checkChain(pair: LoadedPair, anchors: readonly X509Certificate[]): readonly Finding[] {
  const { leaf, helpers, certificateFile: file } = pair
  const chain = chainTo(leaf.certificate, helpers, anchors)
  if (chain.length === 0) {
    const text = `was not issued by ca.pem (its issuer is ${leaf.facts.issuer})`
    return [failure(file, text, `put the authority that issued it into ca.pem, or issue it anew: ${pair.renew}`)]
  }
  const findings = [
    good(file, `issued by ca.pem${chain.length > 2 ? ` through ${chain.length - 2} intermediate` : ''}`),
  ]
  if (pair.role === 'server' && !helpers.some((helper) => anchors.some((anchor) => anchor.raw.equals(helper.raw)))) {
    const text =
      'does not carry its authority: as a trust anchor it works in pymilvus and curl, but not in Node or Python ssl'
    findings.push(warning(file, text, `append ca.pem to it, or ${pair.renew}; or give clients ca.pem`))
  }
  if (chain.at(-1)?.subject === leaf.certificate.subject && chain.length > 1) {
    const text = "has the same subject as its authority, as the Milvus documentation's gen.sh makes it"
    findings.push(warning(file, text, 'make a set with an authority of its own name: redkite certs create'))
  }
  return findings
}

/** The purpose of a leaf: extended key usage, key usage, and that it is no authority. */
export function checkPurpose(pair: LoadedPair): readonly Finding[] {
  const { facts } = pair.leaf
  const findings = [checkExtendedKeyUsage(pair)]
  if (facts.keyUsage !== null && !facts.keyUsage.includes('digitalSignature')) {
    const text = `keyUsage is ${facts.keyUsage.join(', ')}: TLS 1.3 needs digitalSignature`
    findings.push(failure(pair.certificateFile, text, pair.renew))
  }
  if (facts.authority && !facts.selfSigned) {
    findings.push(failure(pair.certificateFile, 'is itself a certificate authority (CA:TRUE)', pair.renew))
  }
  if (!facts.strong) {
    const text = `is too weak (${facts.publicKey}, ${facts.signature}): OpenSSL 3 refuses it`
    findings.push(failure(pair.certificateFile, text, `${pair.renew} --key ec`))
  }
  return findings
}

function checkExtendedKeyUsage(pair: LoadedPair): Finding {
  const usages = pair.leaf.facts.extendedKeyUsage
  const { certificateFile: file, role, renew } = pair
  const wanted = role === 'server' ? 'serverAuth' : 'clientAuth'
  if (usages === null) return good(file, 'has no extendedKeyUsage, so every purpose is allowed')
  if (usages.includes(wanted)) return good(file, `extendedKeyUsage allows ${wanted}`)
  if (role === 'client' && usages.includes('serverAuth')) {
    const text =
      "extendedKeyUsage is serverAuth only, as the Milvus documentation's gen.sh makes it: mutual mode (tlsMode 2) refuses it as a client, here and in Milvus"
    return failure(file, text, `${renew}; by hand, sign it with extendedKeyUsage = clientAuth`)
  }
  return failure(file, `extendedKeyUsage is ${usages.join(', ')}: a ${role} needs ${wanted}`, renew)
}

/** The names that a server is dialled by; `wanted` are those that the caller asks about. */
export function checkNames(pair: LoadedPair, wanted: readonly string[]): readonly Finding[] {
  const { facts, certificate } = pair.leaf
  const file = pair.certificateFile
  if (facts.names.length === 0) {
    const text =
      'has no subject alternative name: clients refuse it whatever name they dial, the common name counts no more'
    return [failure(file, text, `${pair.renew} --server-name NAME`)]
  }
  const names = (name: string): boolean =>
    (isIP(name) === 0 ? certificate.checkHost(name, { subject: 'never' }) : certificate.checkIP(name)) !== undefined
  const findings = [good(file, `names ${facts.names.join(' ')}`)]
  for (const name of wanted) {
    if (names(name)) findings.push(good(file, `clients may dial ${name}`))
    else
      findings.push(failure(file, `does not name ${name}: clients that dial it refuse the server`, addName(pair, name)))
  }
  if (names('localhost') && !names('127.0.0.1') && !wanted.includes('127.0.0.1')) {
    const text = 'names localhost but not 127.0.0.1: clients that dial the address need server_name'
    findings.push(warning(file, text, addName(pair, '127.0.0.1')))
  }
  return findings
}

function addName(pair: LoadedPair, name: string): string {
  return pair.renew.replace('certs renew', `certs renew ${name}`)
}

/** Dates of a certificate. `renewBelow` is the part of its life under which a renewal is due; `fix` the remedy. */
export function checkDates(
  file: string,
  facts: CertificateFacts,
  now: Date,
  renewBelow: number,
  fix: string,
): readonly Finding[] {
  const left = facts.notAfter.getTime() - now.getTime()
  const life = facts.notAfter.getTime() - facts.notBefore.getTime()
  const words = lifeInWords(facts, now)
  const end = `notAfter ${dateInWords(facts.notAfter)}`
  if (left <= 0) return [failure(file, `${words} (${end})`, fix)]
  if (facts.notBefore > now) {
    const begin = `notBefore ${dateInWords(facts.notBefore)}`
    return [failure(file, `${words} (${begin})`, `set this machine's clock; if it is right: ${fix}`)]
  }
  if (left < life * renewBelow) return [warning(file, `ends in ${spanInWords(left)} (${end})`, fix)]
  return [good(file, `${words} (${end})`)]
}

/** A leaf that lives too long for some clients, or longer than its issuer. */
export function checkLife(pair: LoadedPair, ca: LoadedCertificate | null): readonly Finding[] {
  const { notBefore, notAfter } = pair.leaf.facts
  const days = Math.round((notAfter.getTime() - notBefore.getTime()) / DAY_MS)
  const findings: Finding[] = []
  if (pair.role === 'server' && days > LIFE_DAYS_MAX) {
    const text = `lives ${days} days in all: Apple's clients refuse server certificates of more than ${LIFE_DAYS_MAX}`
    findings.push(warning(pair.certificateFile, text, pair.renew))
  }
  if (ca !== null && notAfter > ca.facts.notAfter) {
    const text = `outlives its authority, which ends at ${dateInWords(ca.facts.notAfter)}`
    findings.push(warning(pair.certificateFile, text, 'make a new set before then: redkite certs create'))
  }
  return findings
}

/** The authority: CA:TRUE, the right to sign certificates, strength, and its key where that is present. */
export function checkAuthority(file: string, ca: LoadedCertificate, key: KeyObject | null): readonly Finding[] {
  const { facts, certificate } = ca
  const anew = 'make a new set with redkite certs create, and give its ca.pem to every client'
  const findings: Finding[] = []
  if (!facts.authority) {
    findings.push(
      failure(file, 'is not a certificate authority (CA:FALSE): OpenSSL and Node take it for no anchor', anew),
    )
  } else if (facts.keyUsage === null) {
    const text =
      "has no keyUsage, as the Milvus documentation's gen.sh makes it: strict verifiers (Python 3.13) refuse it"
    findings.push(warning(file, text, anew))
  } else if (!facts.keyUsage.includes('keyCertSign')) {
    findings.push(failure(file, `keyUsage is ${facts.keyUsage.join(', ')}: an authority needs keyCertSign`, anew))
  } else {
    findings.push(good(file, `certificate authority ${facts.subject}, sha256 ${facts.fingerprint256}`))
  }
  if (!facts.strong) findings.push(failure(file, `is too weak (${facts.publicKey}, ${facts.signature})`, anew))
  if (key !== null) {
    findings.push(
      certificate.checkPrivateKey(key)
        ? good(file, 'ca.key is its key, so pairs can be renewed here')
        : failure(file, 'ca.key is not its key', 'restore the ca.key and ca.pem that belong together'),
    )
  }
  return findings
}
