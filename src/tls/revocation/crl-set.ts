import type { X509Certificate } from 'node:crypto'
import { type Crl, type CrlIssuer, crlIssuer } from '../../pki/crl-read.ts'
import { type X509Library, x509 } from '../../pki/library.ts'

/** What came of a newly read list. */
export interface Taken {
  readonly list: Crl
  /** Null: it counts from now on. */
  readonly refused: string | null
}

interface Checked {
  readonly issuer: X509Certificate
  readonly isSigned: boolean
}

const ISSUERS_MAX = 1_000
/** Lists of one issuer's name that nobody is known to have signed: of an authority that is not in the CA file. */
const RIVALS_MAX = 8

/**
 * The revocation lists that count. A list leaves only for a newer one of the same issuer that every key accepts that
 * accepted the old one: a file that vanishes, an older number or a bad signature takes nothing away.
 */
export class CrlSet {
  readonly #library: X509Library
  #lists: readonly Crl[] = []
  /** Whether an authority signed a list: by list, then by fingerprint. */
  readonly #signers = new WeakMap<Crl, Map<string, Checked>>()
  readonly #issuers = new Map<string, CrlIssuer>()

  private constructor(library: X509Library) {
    this.#library = library
  }

  static async open(): Promise<CrlSet> {
    return new CrlSet(await x509())
  }

  get lists(): readonly Crl[] {
    return this.#lists
  }

  /** Takes newly read lists in. Signatures of large ones are checked off the main thread, before they count. */
  async take(read: readonly Crl[]): Promise<readonly Taken[]> {
    const taken: Taken[] = []
    let kept = [...this.#lists]
    for (const list of read) {
      if (kept.some(({ id }) => id === list.id)) continue
      const rivals = kept.filter((other) => isSameIssuer(other, list))
      for (const rival of rivals) await this.#checkAside(list, rival)
      const refused = this.#refuse(list, rivals)
      taken.push({ list, refused })
      if (refused !== null) continue
      const excess = rivals.length >= RIVALS_MAX ? rivals.find((rival) => !this.#isVouched(rival)) : undefined
      kept = kept.filter((other) => other !== excess && !(rivals.includes(other) && this.#coversSigners(list, other)))
      kept.push(list)
    }
    this.#lists = kept
    return taken
  }

  /** The newest list that an authority signed; null = none. */
  newestOf(authority: X509Certificate): Crl | null {
    let newest: Crl | null = null
    for (const list of this.#lists) {
      if (!this.#isIssuedBy(list, authority)) continue
      if (newest === null || isOlder(newest, list)) newest = list
    }
    return newest
  }

  #refuse(list: Crl, rivals: readonly Crl[]): string | null {
    if (list.unusable !== null) return list.unusable
    const newer = rivals.find((rival) => isOlder(list, rival) && this.#coversSigners(list, rival))
    if (newer === undefined) return null
    return `it is older than the list in use (number ${list.number ?? 'none'} of ${list.thisUpdate.toISOString()}, in use ${newer.number ?? 'none'} of ${newer.thisUpdate.toISOString()})`
  }

  async #checkAside(list: Crl, rival: Crl): Promise<void> {
    for (const [fingerprint, { issuer }] of this.#checkedOf(rival)) {
      const known = this.#checkedOf(list)
      if (known.has(fingerprint)) continue
      known.set(fingerprint, { issuer, isSigned: await list.verifySignature(issuer.publicKey) })
    }
  }

  /** Whether an authority that was asked signed it. */
  #isVouched(list: Crl): boolean {
    return [...this.#checkedOf(list).values()].some(({ isSigned }) => isSigned)
  }

  /** Whether `other` has an authority, and each that signed it signed `list` as well. */
  #coversSigners(list: Crl, other: Crl): boolean {
    const known = this.#checkedOf(list)
    if (!this.#isVouched(other)) return false
    return [...this.#checkedOf(other)].every(([id, { isSigned }]) => !isSigned || known.get(id)?.isSigned === true)
  }

  #isIssuedBy(list: Crl, authority: X509Certificate): boolean {
    const issuer = this.#issuerOf(authority)
    if (!issuer.maySignCrls || !list.issuerDer.equals(issuer.subjectDer)) return false
    const { authorityKeyId } = list
    if (authorityKeyId !== null && issuer.subjectKeyId !== null && authorityKeyId !== issuer.subjectKeyId) return false
    const known = this.#checkedOf(list)
    const seen = known.get(authority.fingerprint256)
    if (seen) return seen.isSigned
    const isSigned = list.isSignedBy(authority.publicKey)
    known.set(authority.fingerprint256, { issuer: authority, isSigned })
    return isSigned
  }

  #issuerOf(authority: X509Certificate): CrlIssuer {
    const known = this.#issuers.get(authority.fingerprint256)
    if (known) return known
    if (this.#issuers.size >= ISSUERS_MAX) this.#issuers.clear()
    const read = crlIssuer(this.#library, authority)
    this.#issuers.set(authority.fingerprint256, read)
    return read
  }

  #checkedOf(list: Crl): Map<string, Checked> {
    const known = this.#signers.get(list) ?? new Map<string, Checked>()
    this.#signers.set(list, known)
    return known
  }
}

/** Whether a list is current: begun, and its next issue not yet due. */
export function isCurrent(list: Crl, now: Date): boolean {
  return list.thisUpdate <= now && list.nextUpdate !== null && now <= list.nextUpdate
}

function isSameIssuer(one: Crl, other: Crl): boolean {
  if (!one.issuerDer.equals(other.issuerDer)) return false
  return one.authorityKeyId === null || other.authorityKeyId === null || one.authorityKeyId === other.authorityKeyId
}

/** By CRL number where both have one (RFC 5280 5.2.3), and by date. */
function isOlder(list: Crl, than: Crl): boolean {
  if (list.number !== null && than.number !== null && list.number !== than.number) return list.number < than.number
  return list.thisUpdate < than.thisUpdate
}
