import { type KeyObject, sign, type X509Certificate } from 'node:crypto'
import { dirname, join } from 'node:path'
import { EXIT, StartError } from '../errors/start-error.ts'
import { CRL_REASONS, type CrlReason } from './crl-entries.ts'
import { type Crl, readCrl } from './crl-read.ts'
import { DER_TAG, derChildren, derElement, derWrap, expectTag } from './der.ts'
import type { Authority } from './issue.ts'
import { authorityKeyId } from './issue.ts'
import { signingKey } from './keys.ts'
import { PUBLIC_MODE, setFiles } from './layout.ts'
import { type X509Library, x509 } from './library.ts'
import { withRenewalLock } from './lock.ts'
import { distinguishedText, pemBlocks, readAuthority, readIfPresent } from './read.ts'
import { putFiles } from './write.ts'

/** Name of the revocation list beside the seven files of a set. */
export const CRL_NAME = 'ca.crl'

/** How long a list counts: long enough to be made anew by a weekly job, short enough that a lost one is noticed. */
export const CRL_DAYS_DEFAULT = 7

/** Some 40 MB: more than any server should read. */
const ENTRIES_MAX = 1_000_000

const DAY_MS = 86_400_000
/** Lists begin this long before they are made, as certificates do, for clocks that are behind. */
const BACKDATE_MS = 5 * 60_000

/** A certificate to be listed; `serial` is upper-case hexadecimal without leading zeros. */
export interface Revoked {
  readonly serial: string
  readonly reason: CrlReason
}

export interface CrlRequest {
  readonly directory: string
  /** May be empty: then the list is only made anew. */
  readonly revoked: readonly Revoked[]
  readonly days?: number
  readonly now: Date
}

/** The list as it stands on disk now. */
export interface IssuedCrl {
  readonly path: string
  readonly issuer: string
  readonly number: string
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly entries: number
  /** Serial numbers that are new on the list, and those that stood there already. */
  readonly added: readonly string[]
  readonly already: readonly string[]
}

/**
 * Makes `ca.crl`, or the next one: earlier entries stay, the CRL number increases by one, and it is signed by the
 * authority of the directory. Others that make or renew there wait.
 * @throws StartError: config when the authority or the present list is missing, broken or of somebody else; usage for
 * a wrong number of days
 */
export async function issueCrl(request: CrlRequest): Promise<IssuedCrl> {
  const days = checkCrlDays(request.days ?? CRL_DAYS_DEFAULT)
  const files = setFiles(request.directory)
  const directory = dirname(files.ca)
  const path = join(directory, CRL_NAME)
  const authority = await readAuthority(files, request.now)
  return withRenewalLock(directory, async () => {
    const present = await presentCrl(path, authority.certificate)
    const number = (present?.number ?? 0n) + 1n
    const added = request.revoked.filter(({ serial }) => present?.find(serial) == null)
    const entries = (present?.size ?? 0) + added.length
    if (entries > ENTRIES_MAX) {
      const hint = 'make a new authority with redkite certs create, or refuse by serial number with redkite tls deny'
      throw new StartError(EXIT.config, `${path} would have ${entries} entries (max ${ENTRIES_MAX})`, hint)
    }
    const dates = { thisUpdate: atSecond(request.now, -BACKDATE_MS), nextUpdate: atSecond(request.now, days * DAY_MS) }
    const pem = await signCrl(authority, { present, added, number, ...dates, now: request.now })
    await putFiles([{ path, content: pem, mode: PUBLIC_MODE }], 'replace')
    const already = request.revoked.filter((one) => !added.includes(one)).map(({ serial }) => serial)
    const issuer = distinguishedText(authority.certificate.subject)
    const shown = { path, issuer, number: number.toString(16).toUpperCase(), ...dates, entries }
    return { ...shown, added: added.map(({ serial }) => serial), already }
  })
}

interface Content {
  readonly present: Crl | null
  readonly added: readonly Revoked[]
  readonly number: bigint
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly now: Date
}

/**
 * The library makes the list without entries; they are put in here and the whole is signed anew: it compares each entry
 * with all others, and writes an empty SEQUENCE where an entry has no extensions, which RFC 5280 5.1 forbids.
 */
async function signCrl(authority: Authority, content: Content): Promise<string> {
  const library = await x509()
  const issuer = new library.X509Certificate(authority.certificate.raw)
  const signing = signingKey(authority.key)
  const { thisUpdate, nextUpdate } = content
  const bare = await library.X509CrlGenerator.create({
    issuer: issuer.subjectName,
    thisUpdate,
    nextUpdate,
    extensions: [await authorityKeyId(library, authority), numberExtension(library, content.number)],
    signingKey: signing.key,
    signingAlgorithm: signing.algorithm,
  })
  const kept = [...(content.present?.entries() ?? [])].map(([, der]) => der)
  const added = content.added.map((one) => entryDer(library, one, atSecond(content.now, 0)))
  const der = withEntries(Buffer.from(bare.rawData), [...kept, ...added], authority.key, signing.algorithm.hash)
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN X509 CRL-----\n${lines.join('\n')}\n-----END X509 CRL-----\n`
}

function withEntries(bare: Buffer, entries: readonly Buffer[], key: KeyObject, hash: string): Buffer {
  if (entries.length === 0) return bare
  const [tbs, algorithm] = derChildren(bare, derElement(bare, 0, bare.length))
  const signed = expectTag(tbs, DER_TAG.sequence, 'tbsCertList')
  const extensions = expectTag(derChildren(bare, signed).at(-1), DER_TAG.context0, 'crlExtensions')
  const list = derWrap(DER_TAG.sequence, Buffer.concat(entries))
  const before = bare.subarray(signed.body, extensions.start)
  const newTbs = derWrap(
    DER_TAG.sequence,
    Buffer.concat([before, list, bare.subarray(extensions.start, extensions.end)]),
  )
  const { start, end } = expectTag(algorithm, DER_TAG.sequence, 'signatureAlgorithm')
  const signature = sign(hash, newTbs, { key, dsaEncoding: 'der' })
  const bits = derWrap(DER_TAG.bitString, Buffer.concat([Buffer.from([0]), signature]))
  return derWrap(DER_TAG.sequence, Buffer.concat([newTbs, bare.subarray(start, end), bits]))
}

/** An entry; `unspecified` is said by leaving the reason out (RFC 5280 5.3.1). */
function entryDer(library: X509Library, { serial, reason }: Revoked, since: Date): Buffer {
  const digits = serial.length % 2 === 0 ? serial : `0${serial}`
  const bare = Buffer.from(new library.X509CrlEntry(digits, since, []).rawData)
  const [number, date] = derChildren(bare, derElement(bare, 0, bare.length))
  const head = bare.subarray(number?.start, date?.end)
  if (reason === 'unspecified') return derWrap(DER_TAG.sequence, head)
  const code = new library.Extension('2.5.29.21', false, Buffer.from([DER_TAG.enumerated, 1, CRL_REASONS[reason]]))
  const extensions = derWrap(DER_TAG.sequence, Buffer.from(code.rawData))
  return derWrap(DER_TAG.sequence, Buffer.concat([head, extensions]))
}

/** CRL number, an INTEGER of at most 20 octets (RFC 5280 5.2.3). */
function numberExtension(library: X509Library, number: bigint) {
  let digits = number.toString(16)
  if (digits.length % 2 === 1) digits = `0${digits}`
  if (Number.parseInt(digits.slice(0, 2), 16) >= 0x80) digits = `00${digits}`
  const content = Buffer.from(digits, 'hex')
  return new library.Extension('2.5.29.20', false, Buffer.concat([Buffer.from([0x02, content.length]), content]))
}

async function presentCrl(path: string, authority: X509Certificate): Promise<Crl | null> {
  const pem = await readIfPresent(path)
  if (pem === null) return null
  const aside = 'restore it from a copy; if it is lost, remove it, and revoke what stood on it again'
  const blocks = pemBlocks(pem).filter(({ label }) => label === 'X509 CRL')
  const [block, second] = blocks
  if (!block || second) {
    throw new StartError(EXIT.config, `${path}: the file holds ${blocks.length} revocation lists, not one`, aside)
  }
  try {
    const crl = await readCrl(Buffer.from(block.text.replace(/-----[^-]+-----/g, ''), 'base64'))
    if (crl.isSignedBy(authority.publicKey)) return crl
  } catch (cause) {
    throw new StartError(EXIT.config, `${path}: the revocation list does not parse`, aside, { cause })
  }
  throw new StartError(EXIT.config, `${path}: the revocation list is not of the authority beside it`, aside)
}

function checkCrlDays(days: number): number {
  if (Number.isInteger(days) && days >= 1 && days <= 3650) return days
  const hint = `leave --days out for ${CRL_DAYS_DEFAULT}, and make the list anew before they are over`
  throw new StartError(EXIT.usage, `days ${days} is not a whole number from 1 to 3650`, hint)
}

/** Lists have whole seconds, as certificates have. */
function atSecond(now: Date, shiftMs: number): Date {
  return new Date(Math.floor((now.getTime() + shiftMs) / 1000) * 1000)
}
