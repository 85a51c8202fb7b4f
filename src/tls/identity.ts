import type { X509Certificate } from 'node:crypto'
import type { Log } from '../observe/log.ts'
import { type CertificateNames, loadNameReader, type NameReader } from '../pki/certificate-names.ts'
import { namesFault } from './identity/names.ts'
import { matchWhole } from './identity/pattern.ts'
import { type IdentityRule, isUserName, type RuleField, userOfMatch } from './identity/rule.ts'
import { isSpiffe, spiffeFault } from './identity/spiffe.ts'

/** Maps a verified client certificate to a user by ordered rules. */
export interface IdentityMap {
  /** Null where no rule matches, or the certificate's names cannot be trusted (duplicates, control characters). */
  userOf(leaf: X509Certificate): string | null
}

/** What the rules say of a certificate. */
export type Mapping =
  | { readonly kind: 'mapped'; readonly user: string; readonly rule: IdentityRule; readonly name: string }
  | { readonly kind: 'unmatched' }
  /** The certificate's names, or what a rule made of them, decide nothing. */
  | { readonly kind: 'refused'; readonly reason: string; readonly rule: IdentityRule | null }

export interface IdentityOptions {
  /** `redkite.identity.rules`. */
  readonly rules: readonly IdentityRule[]
  /** `proxy.maxUsernameLength`. */
  readonly usernameBytesMax: number
  readonly log: Log
}

/** Certificates whose answer is remembered; each is read once, and its refusal logged once. */
const REMEMBERED_MAX = 1_024

/** The map of a server; null without rules, and then nothing is loaded. Reads DER at the handshake, synchronously. */
export async function createIdentityMap(options: IdentityOptions): Promise<IdentityMap | null> {
  if (options.rules.length === 0) return null
  return new RuleMap(options, await loadNameReader())
}

class RuleMap implements IdentityMap {
  readonly #options: IdentityOptions
  readonly #read: NameReader
  readonly #log: Log
  readonly #known = new Map<string, string | null>()

  constructor(options: IdentityOptions, read: NameReader) {
    this.#options = options
    this.#read = read
    this.#log = options.log.at('tls/identity.ts')
  }

  userOf(leaf: X509Certificate): string | null {
    const known = this.#known.get(leaf.fingerprint256)
    if (known !== undefined) return known
    const user = this.#map(leaf)
    const [oldest] = this.#known.keys()
    if (this.#known.size >= REMEMBERED_MAX && oldest !== undefined) this.#known.delete(oldest)
    this.#known.set(leaf.fingerprint256, user)
    return user
  }

  #map(leaf: X509Certificate): string | null {
    const mapping = mapCertificate(this.#read, leaf.raw, this.#options)
    if (mapping.kind === 'mapped') return mapping.user
    if (mapping.kind === 'refused') {
      this.#log.warn('client certificate is mapped to no user', {
        reason: mapping.reason,
        ...(mapping.rule ? { rule: mapping.rule.number } : {}),
        serial: leaf.serialNumber,
        fingerprint: leaf.fingerprint256,
      })
    }
    return null
  }
}

/** Reads a certificate's names and applies the rules: what `userOf` does, with the reason. Never throws. */
export function mapCertificate(
  read: NameReader,
  der: Uint8Array,
  options: Pick<IdentityOptions, 'rules' | 'usernameBytesMax'>,
): Mapping {
  try {
    return mapNames(read(der), options)
  } catch {
    return { kind: 'refused', reason: 'its names cannot be read', rule: null }
  }
}

/** Applies the rules to names: the first rule that matches decides, also where what it says cannot be used. */
export function mapNames(
  names: CertificateNames,
  { rules, usernameBytesMax }: Pick<IdentityOptions, 'rules' | 'usernameBytesMax'>,
): Mapping {
  const fault = namesFault(names)
  if (fault !== null) return { kind: 'refused', reason: fault, rule: null }
  for (const rule of rules) {
    const spiffe = rule.field === 'uri' && names.uris.some(isSpiffe) ? spiffeFault(names.uris) : null
    if (spiffe !== null) return { kind: 'refused', reason: spiffe, rule }
    const matches = valuesOf(names, rule.field).flatMap((name) => {
      const captures = matchWhole(rule.program, name)
      return captures === null ? [] : [{ name, user: userOfMatch(rule, captures) }]
    })
    const [first] = matches
    if (!first) continue
    if (matches.some(({ user }) => user !== first.user)) {
      return { kind: 'refused', reason: 'several of its names are different users by one rule', rule }
    }
    if (first.user === null) return { kind: 'refused', reason: 'only an exact rule may map to root', rule }
    if (!isUserName(first.user, usernameBytesMax)) {
      const reason = `what the rule makes of its name is no user name of at most ${usernameBytesMax} bytes`
      return { kind: 'refused', reason, rule }
    }
    return { kind: 'mapped', user: first.user, rule, name: first.name }
  }
  return { kind: 'unmatched' }
}

function valuesOf(names: CertificateNames, field: RuleField): readonly string[] {
  switch (field) {
    case 'uri':
      return names.uris
    case 'email':
      return names.emails
    case 'dns':
      return names.dnsNames.map((name) => name.toLowerCase())
    case 'cn':
      return names.commonNames
    case 'dn':
      return [names.distinguishedName]
  }
}
