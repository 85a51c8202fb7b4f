import { createHash, type X509Certificate } from 'node:crypto'
import { oneLine } from '../check.ts'
import { canonicalSerial } from './serial.ts'

/** One certificate, or key, that is refused. */
export interface DenyEntry {
  /** `serial`: as its authority numbered it; `spki`: its public key; `sha256`: the very bytes of the certificate. */
  readonly kind: 'serial' | 'spki' | 'sha256'
  /** Hexadecimal: canonical serial number in upper case, digests in lower case. */
  readonly value: string
  /** Distinguished name as the log prints it; null: whoever issued it. Only with `serial`. */
  readonly issuer: string | null
  readonly reason: string
}

/** A line that is no entry. `line` counts from 1. */
export interface DenyFault {
  readonly line: number
  readonly text: string
  readonly message: string
}

/** How an entry is written, for hints. */
export const DENY_FORMS = 'serial:HEX [issuer:DN], spki:SHA256 or sha256:FINGERPRINT, then # and a reason'

/** Serial numbers have up to 20 octets (RFC 5280 4.1.2.2); a few more are let through, as OpenSSL does. */
const SERIAL = /^-?[0-9A-F]{1,64}$/
const DIGEST = /^[0-9a-f]{64}$/

/** Reads a deny list. Never throws: every line is an entry, a fault, a comment or blank. */
export function parseDenyList(text: string): {
  readonly entries: readonly DenyEntry[]
  readonly faults: readonly DenyFault[]
} {
  const entries: DenyEntry[] = []
  const faults: DenyFault[] = []
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const parsed = parseLine(line)
    if (typeof parsed === 'string') faults.push({ line: index + 1, text: line.slice(0, 200), message: parsed })
    else entries.push(parsed)
  }
  return { entries, faults }
}

/** The entry of a line, or what is wrong with it. */
function parseLine(line: string): DenyEntry | string {
  const cut = /\s#/.exec(line)
  const body = (cut === null ? line : line.slice(0, cut.index)).trim()
  const reason = cut === null ? '' : line.slice(cut.index + 2).trim()
  const { kind = '', value = '', rest = '' } = /^(?<kind>\w+):(?<value>\S+)(?<rest>.*)$/.exec(body)?.groups ?? {}
  const issuer = /^\s+issuer:\s*(.+)$/.exec(rest)?.[1] ?? null
  if (rest !== '' && issuer === null) return `unexpected text after the entry: ${rest.trim().slice(0, 80)}`
  switch (kind.toLowerCase()) {
    case 'serial': {
      const serial = canonicalSerial(value)
      if (!SERIAL.test(serial)) return 'the serial number is not hexadecimal'
      return { kind: 'serial', value: serial, issuer: issuer === null ? null : plainHash(issuer), reason }
    }
    case 'spki':
    case 'sha256': {
      const digest = value.replaceAll(':', '').toLowerCase()
      if (!DIGEST.test(digest)) return `a SHA-256 has 64 hexadecimal digits, this has ${digest.length}`
      if (issuer !== null) return 'issuer: goes with serial: only; a digest names one certificate or key'
      return { kind: kind.toLowerCase() === 'spki' ? 'spki' : 'sha256', value: digest, issuer: null, reason }
    }
    default:
      return 'not an entry'
  }
}

/** An entry as a line of the file. */
export function formatDenyEntry({ kind, value, issuer, reason }: DenyEntry): string {
  const scope = issuer === null ? '' : ` issuer:${issuer.replaceAll(' #', ' \\#')}`
  return `${kind}:${value}${scope}${reason === '' ? '' : ` # ${reason}`}`
}

/** A name that holds ` #` is written with ` \#`, since ` #` begins the reason. */
function plainHash(issuer: string): string {
  return issuer.replaceAll(' \\#', ' #').trim()
}

/** What makes two entries the same. */
export function denyKey({ kind, value, issuer }: Pick<DenyEntry, 'kind' | 'value' | 'issuer'>): string {
  return `${kind}:${value} ${issuer ?? ''}`
}

/** Entries ready to be looked up; frozen. */
export class DenyList {
  readonly entries: ReadonlyMap<string, DenyEntry>
  readonly #bySerial = new Map<string, DenyEntry[]>()
  readonly #hasKeys: boolean

  constructor(entries: Iterable<DenyEntry>) {
    this.entries = new Map([...entries].map((entry) => [denyKey(entry), entry]))
    for (const entry of this.entries.values()) {
      if (entry.kind !== 'serial') continue
      const same = this.#bySerial.get(entry.value)
      if (same) same.push(entry)
      else this.#bySerial.set(entry.value, [entry])
    }
    this.#hasKeys = [...this.entries.values()].some((entry) => entry.kind === 'spki')
  }

  get size(): number {
    return this.entries.size
  }

  /** The entry that denies a certificate; null = none. */
  find(certificate: X509Certificate): DenyEntry | null {
    if (this.size === 0) return null
    const serials = this.#bySerial.get(canonicalSerial(certificate.serialNumber))
    const bySerial = serials?.find(({ issuer }) => issuer === null || issuer === oneLine(certificate.issuer))
    if (bySerial) return bySerial
    const digest = certificate.fingerprint256.replaceAll(':', '').toLowerCase()
    const byDigest = this.entries.get(denyKey({ kind: 'sha256', value: digest, issuer: null }))
    if (byDigest || !this.#hasKeys) return byDigest ?? null
    const value = spki256(certificate)
    return this.entries.get(denyKey({ kind: 'spki', value, issuer: null })) ?? null
  }
}

/** SHA-256 of a certificate's public key info, lower-case hexadecimal. */
export function spki256(certificate: X509Certificate): string {
  const der = certificate.publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(der).digest('hex')
}
