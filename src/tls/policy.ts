import { createSecureContext } from 'node:tls'
import { EXIT, StartError } from '../errors/start-error.ts'
import { findGroup, GROUPS, isAvailable } from './groups.ts'
import type { ProtocolPolicy } from './settings.ts'

type Version = ProtocolPolicy['minVersion']

/** The keys `redkite.tls.…` that make a policy, as `Config` carries them. */
export interface PolicySettings {
  /**
   * `intermediate`: as Milvus, which follows Go and its own code by mode: TLS 1.2 and 1.3 in mode 1, TLS 1.3 only in
   * mode 2. `modern`: TLS 1.3 only, in both.
   */
  readonly profile: 'intermediate' | 'modern'
  readonly minVersion: 'profile' | '1.2' | '1.3'
  readonly maxVersion: 'profile' | '1.2' | '1.3'
  /** OpenSSL or IANA names; empty = the profile's. */
  readonly ciphers: readonly string[]
  /** Empty = the profile's. */
  readonly groups: readonly string[]
  /** Post-quantum hybrids: first, only, or never. */
  readonly pq: 'prefer' | 'require' | 'off'
}

/** TLS 1.3 suites of RFC 8446 with a full-length tag. */
const TLS13_CIPHERS = ['TLS_AES_256_GCM_SHA384', 'TLS_AES_128_GCM_SHA256', 'TLS_CHACHA20_POLY1305_SHA256'] as const
/** Not in a profile (no client of ours prefers it), and nothing is wrong with it. */
const TLS13_EXTRA = 'TLS_AES_128_CCM_SHA256'

/** TLS 1.2: Go's secure list without what HTTP/2 forbids (RFC 9113 appendix A), as grpc-go uses. IANA name beside it. */
const TLS12_CIPHERS = {
  'ECDHE-ECDSA-AES128-GCM-SHA256': 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256': 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384': 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384': 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305': 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
  'ECDHE-RSA-CHACHA20-POLY1305': 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
} as const

const CIPHERS: readonly string[] = [...TLS13_CIPHERS, ...Object.keys(TLS12_CIPHERS)]
const ACCEPTED = [...TLS13_CIPHERS, TLS13_EXTRA, ...Object.keys(TLS12_CIPHERS)]

const HYBRID_GROUPS = ['X25519MLKEM768'] as const
const CLASSICAL_GROUPS = ['X25519', 'P-256', 'P-384'] as const

const DEFAULTS: PolicySettings = {
  profile: 'intermediate',
  minVersion: 'profile',
  maxVersion: 'profile',
  ciphers: [],
  groups: [],
  pq: 'prefer',
}

/** The policy where nothing is configured: as Milvus by mode, AEAD with forward secrecy only, hybrid group first. */
export function defaultPolicy(mode: 'oneWay' | 'mutual'): ProtocolPolicy {
  return protocolPolicy(DEFAULTS, mode)
}

/** The policy of links between our own processes: both ends are ours, so TLS 1.3. */
export function internalPolicy(): ProtocolPolicy {
  return protocolPolicy({ ...DEFAULTS, profile: 'modern' }, 'mutual')
}

/**
 * What the ports of a mode speak: the profile, and what explicit keys say instead. Complete, so that no default or flag
 * of Node can lower it. @throws StartError config: an unknown or weak name, or keys that contradict each other
 */
export function protocolPolicy(settings: PolicySettings, mode: 'oneWay' | 'mutual'): ProtocolPolicy {
  const { minVersion, maxVersion } = versions(settings, mode)
  const ciphers = cipherNames(settings.ciphers)
  const only13 = minVersion === 'TLSv1.3'
  const used = ciphers.filter((name) => (isTls13(name) ? maxVersion === 'TLSv1.3' : !only13))
  if (maxVersion === 'TLSv1.3' && !ciphers.some(isTls13)) {
    const example = `add ${TLS13_CIPHERS[0]}, or set redkite.tls.maxVersion to 1.2`
    throw refuse('ciphers', settings.ciphers.join(','), 'has no TLS 1.3 suite, and TLS 1.3 is allowed', example)
  }
  if (!only13 && ciphers.every(isTls13)) {
    const example =
      'add ECDHE-ECDSA-AES128-GCM-SHA256 and ECDHE-RSA-AES128-GCM-SHA256, or set redkite.tls.minVersion to 1.3'
    throw refuse('ciphers', settings.ciphers.join(','), 'has no TLS 1.2 cipher, and TLS 1.2 is allowed', example)
  }
  const policy = { minVersion, maxVersion, ciphers: used, groups: groupNames(settings, maxVersion) }
  return Object.freeze(policy)
}

function versions(settings: PolicySettings, mode: 'oneWay' | 'mutual'): { minVersion: Version; maxVersion: Version } {
  const { profile, pq } = settings
  const lowest = profile === 'modern' || mode === 'mutual' || pq === 'require' ? '1.3' : '1.2'
  const max = settings.maxVersion === 'profile' ? '1.3' : settings.maxVersion
  // With an explicit maximum of 1.2 the profile's minimum of 1.3 would leave nothing: that is asked for by name.
  const min = settings.minVersion === 'profile' ? lowest : settings.minVersion
  if (min > max) {
    const why =
      settings.minVersion === 'profile'
        ? `is below TLS ${lowest}, the least of ${pq === 'require' ? 'redkite.tls.pq require' : `profile ${profile} in tlsMode ${mode === 'mutual' ? 2 : 1}`}`
        : `is below redkite.tls.minVersion ${min}`
    throw refuse(
      'maxVersion',
      max,
      why,
      `raise it to 1.3, leave it out, or set redkite.tls.minVersion to ${max} as well`,
    )
  }
  if (pq === 'require' && min !== '1.3') {
    const why = 'needs TLS 1.3, which alone has hybrid groups, and redkite.tls.minVersion is 1.2'
    throw refuse('pq', pq, why, 'leave redkite.tls.minVersion out, or set redkite.tls.pq to prefer')
  }
  return { minVersion: `TLSv${min}`, maxVersion: `TLSv${max}` }
}

function isTls13(cipher: string): boolean {
  return cipher.startsWith('TLS_')
}

/** OpenSSL's names of what was asked for, in that order. */
function cipherNames(asked: readonly string[]): readonly string[] {
  const names = words(asked)
  if (names.length === 0) return CIPHERS
  return [...new Set(names.map(cipherName))]
}

function cipherName(asked: string): string {
  const wanted = asked.toUpperCase()
  const iana = Object.entries(TLS12_CIPHERS).find(([, name]) => name === wanted)
  const found = iana?.[0] ?? ACCEPTED.find((name) => name === wanted)
  if (found) return found
  const remedy = `choose from ${ACCEPTED.join(', ')}`
  if (!isKnownCipher(wanted)) throw refuse('ciphers', asked, 'is no cipher that OpenSSL knows', remedy)
  if (/^(DHE|EDH)-/.test(wanted)) throw refuse('ciphers', asked, 'needs Diffie-Hellman parameters of its own', remedy)
  const why = 'does not give authenticated encryption with a full tag (AEAD) and forward secrecy'
  throw refuse('ciphers', asked, why, remedy)
}

function isKnownCipher(name: string): boolean {
  try {
    createSecureContext({ ciphers: name })
    return true
  } catch {
    return false
  }
}

function groupNames(settings: PolicySettings, maxVersion: Version): readonly string[] {
  const { pq } = settings
  const asked = words(settings.groups)
  const chosen = asked.length > 0 ? [...new Set(asked.map(groupName))] : profileGroups(pq)
  const hybrid = chosen.filter((name) => findGroup(name)?.isHybrid)
  const classical = chosen.filter((name) => !findGroup(name)?.isHybrid)
  if (pq === 'require') {
    if (hybrid.length > 0) return hybrid
    const why = asked.length > 0 ? `needs a hybrid group, and redkite.tls.groups has none` : NO_HYBRIDS
    const remedy =
      asked.length > 0 ? 'add X25519MLKEM768 to redkite.tls.groups' : 'run on the Node that this package brings'
    throw refuse('pq', pq, why, `${remedy}, or set redkite.tls.pq to prefer`)
  }
  if (pq === 'off' && hybrid.length > 0) {
    const remedy = 'take it out, or set redkite.tls.pq to prefer'
    throw refuse('groups', hybrid.join(','), 'is a hybrid group, and redkite.tls.pq is off', remedy)
  }
  if (maxVersion === 'TLSv1.2' && classical.length === 0) {
    const remedy = 'add X25519 or P-256, or raise redkite.tls.maxVersion to 1.3'
    throw refuse('groups', hybrid.join(','), 'has hybrid groups only, which need TLS 1.3', remedy)
  }
  return [...hybrid, ...classical]
}

const NO_HYBRIDS = `needs a hybrid group, and the OpenSSL of this Node has none (${process.versions['openssl']})`

function profileGroups(pq: PolicySettings['pq']): readonly string[] {
  return pq === 'off' ? CLASSICAL_GROUPS : [...HYBRID_GROUPS.filter(isAvailable), ...CLASSICAL_GROUPS]
}

function groupName(asked: string): string {
  const found = findGroup(asked)
  const remedy = `choose from ${GROUPS.map(({ name }) => name).join(', ')}`
  if (!found) throw refuse('groups', asked, 'is no group that is served', remedy)
  if (isAvailable(found.name)) return found.name
  throw refuse('groups', asked, `is not in the OpenSSL of this Node (${process.versions['openssl']})`, remedy)
}

/** Names are separated by commas, as everywhere in the configuration, or by colons, as OpenSSL writes them. */
function words(list: readonly string[]): readonly string[] {
  return list
    .flatMap((item) => item.split(':'))
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

function refuse(key: keyof PolicySettings, value: string, why: string, remedy: string): StartError {
  return new StartError(EXIT.config, `redkite.tls.${key}: ${value} ${why}`, remedy)
}
