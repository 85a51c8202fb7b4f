import type { X509Certificate } from 'node:crypto'
import { EXIT, type ExitCode, StartError } from '../../errors/start-error.ts'
import type { Log } from '../../observe/log.ts'
import type { Metrics } from '../../observe/metrics.ts'
import type { Crl } from '../../pki/crl-read.ts'
import { oneLine } from '../check.ts'
import type { Explanation } from '../judge.ts'
import { crlFiles, readCrlFiles } from './crl-files.ts'
import { CrlSet, isCurrent } from './crl-set.ts'
import { isAnchor, issuersOf } from './path.ts'
import { canonicalSerial } from './serial.ts'

const KEY = 'redkite.tls.crlPath'
/** The share of a list's life that must be left, else the log warns. */
const WARN_BELOW = 0.25

export interface CrlWatchOptions {
  readonly path: string
  readonly mode: 'soft' | 'hard'
  readonly log: Log
  readonly metrics: Metrics
}

/**
 * Revocation lists of a file or directory, followed while it changes, and the verdict by them. A listed certificate is
 * refused in both modes, by an expired list too; that a certificate is *not* listed counts only while the list is
 * current: `hard` refuses otherwise, `soft` admits and says so.
 */
export class CrlWatch {
  readonly #options: CrlWatchOptions
  readonly #set: CrlSet
  #seenTimes = ''
  #doneTimes = ''
  #fault = ''
  /** What the log has said of a list or an issuer, so that it is said once. */
  readonly #said = new Set<string>()

  private constructor(options: CrlWatchOptions, set: CrlSet) {
    this.#options = options
    this.#set = set
    const { metrics } = options
    metrics.crlNextUpdate.readFrom(() =>
      set.lists.flatMap(({ issuer, nextUpdate }) =>
        nextUpdate === null ? [] : [{ labels: { issuer }, value: nextUpdate.getTime() / 1000 }],
      ),
    )
    metrics.crlEntries.readFrom(() => set.lists.map(({ issuer, size }) => ({ labels: { issuer }, value: size })))
  }

  /** The first reading. @throws StartError when the path cannot be read, or holds anything that is no list. */
  static async open(options: CrlWatchOptions): Promise<CrlWatch> {
    const watch = new CrlWatch(options, await CrlSet.open())
    await watch.#start()
    return watch
  }

  async #start(): Promise<void> {
    const { path, log } = this.#options
    const found = await crlFiles(path).catch((cause: unknown) => {
      throw unreadable(path, cause)
    })
    const { lists, faults } = await readCrlFiles(found.files)
    const [fault] = faults
    const hint = 'give lists in PEM (X509 CRL) or DER; redkite certs crl writes one'
    if (fault) throw new StartError(EXIT.config, `${KEY}: ${fault.path}: ${fault.message}`, hint)
    if (lists.length === 0)
      throw new StartError(EXIT.config, `${KEY}: ${path}: there is no revocation list in it`, hint)
    this.#seenTimes = found.times
    this.#doneTimes = found.times
    await this.#take(lists)
    if (this.#set.lists.length === 0) {
      throw new StartError(EXIT.config, `${KEY}: ${path}: none of its revocation lists can be used`, hint)
    }
    log.info('revocation lists loaded', { path, mode: this.#options.mode, lists: this.#set.lists.map(facts) })
  }

  /** Looks at the files again and at the dates; true = the verdict on somebody may have changed. Never throws. */
  async look(now: Date): Promise<boolean> {
    const isRead = await this.#reread()
    return this.#checkDates(now) || isRead
  }

  /** Why a certificate may not be used; null = it may. */
  refusal(leaf: X509Certificate, anchors: readonly X509Certificate[], now: Date): Explanation | null {
    const path = [leaf, ...issuersOf(leaf, anchors)]
    for (const [index, issuer] of path.slice(1).entries()) {
      const certificate = path[index] ?? leaf
      const list = this.#set.newestOf(issuer)
      const entry = list?.find(canonicalSerial(certificate.serialNumber))
      if (list && entry) return listed(certificate, list, entry)
    }
    // An anchor is trusted as it stands (RFC 5280 6.1): only being listed takes it away.
    if (isAnchor(leaf, anchors)) return null
    const issuer = path[1]
    const list = issuer ? this.#set.newestOf(issuer) : null
    return list && isCurrent(list, now) ? null : this.#unknown(leaf, list, now)
  }

  #unknown(leaf: X509Certificate, list: Crl | null, now: Date): Explanation | null {
    const issuer = oneLine(leaf.issuer)
    const message = list
      ? `the revocation list of ${issuer} is not current: ${datesOf(list)}, now ${now.toISOString()}`
      : `there is no revocation list of ${issuer}`
    const remedy = list
      ? `put its next list into ${KEY} (redkite certs crl)`
      : `put its list into ${KEY}, and an intermediate authority into the CA file, whose key must verify the list`
    if (this.#options.mode === 'hard') return { reason: 'revocationUnknown', message, remedy }
    this.#options.metrics.revocationUnknown.inc({ issuer })
    this.#say(`soft ${issuer} ${list?.id ?? ''}`, 'error', 'client admitted although revocation is unknown', {
      cause: message,
      remedy: `${remedy}; redkite.tls.crlMode hard would refuse`,
    })
    return null
  }

  /** Says, once for each, which authority has no list and which list no authority. */
  meet(anchors: readonly X509Certificate[]): void {
    const used = new Set<Crl>()
    for (const anchor of anchors) {
      const list = this.#set.newestOf(anchor)
      if (list) used.add(list)
      else if (anchor.ca) {
        const subject = oneLine(anchor.subject)
        this.#say(`none ${anchor.fingerprint256}`, 'warn', 'no revocation list of a certificate authority', { subject })
      }
    }
    for (const list of this.#set.lists) {
      if (used.has(list)) continue
      const hint = 'no authority of the CA file signed it: it revokes nobody'
      this.#say(`unused ${list.id}`, 'warn', 'revocation list is not used', { ...facts(list), hint })
    }
  }

  async #reread(): Promise<boolean> {
    const { path, log } = this.#options
    try {
      const { files, times } = await crlFiles(path)
      const isQuiet = times === this.#seenTimes
      this.#seenTimes = times
      if (!isQuiet || times === this.#doneTimes) return false
      this.#doneTimes = times
      const { lists, faults } = await readCrlFiles(files)
      for (const { path: file, message } of faults) {
        log.error('revocation list not read, the one in use stays', { path: file, reason: message })
      }
      this.#fault = ''
      return await this.#take(lists)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (reason !== this.#fault) log.error('revocation lists not read, those in use stay', { path, reason })
      this.#fault = reason
      return false
    }
  }

  async #take(lists: readonly Crl[]): Promise<boolean> {
    const { log } = this.#options
    const taken = await this.#set.take(lists)
    for (const { list, refused } of taken) {
      if (refused === null) log.info('revocation list in use', facts(list))
      else log.error('revocation list is not used', { ...facts(list), reason: refused })
    }
    return taken.some(({ refused }) => refused === null)
  }

  /** True when a list has just expired and that refuses its clients. */
  #checkDates(now: Date): boolean {
    let hasExpired = false
    for (const list of this.#set.lists) {
      const { nextUpdate, thisUpdate } = list
      const end = nextUpdate?.getTime() ?? 0
      if (end < now.getTime()) {
        const effect = this.#options.mode === 'hard' ? 'its clients are refused' : 'its clients are admitted unchecked'
        hasExpired =
          this.#say(`expired ${list.id}`, 'error', 'revocation list expired', { ...facts(list), effect }) || hasExpired
      } else if (end - now.getTime() < WARN_BELOW * (end - thisUpdate.getTime())) {
        const hint = 'have the authority issue the next one: redkite certs crl'
        this.#say(`expiring ${list.id}`, 'warn', 'revocation list expires soon', { ...facts(list), hint })
      }
    }
    return hasExpired && this.#options.mode === 'hard'
  }

  /** Logs once for a key; false = it was said before. */
  #say(key: string, level: 'warn' | 'error', message: string, fields: Record<string, unknown>): boolean {
    if (this.#said.has(key)) return false
    // The issuer of an unseen intermediate is the client's text: bounded.
    if (this.#said.size > 1_000) this.#said.clear()
    this.#said.add(key)
    this.#options.log[level](message, fields)
    return true
  }
}

function listed(certificate: X509Certificate, list: Crl, entry: { since: Date; reason: string }): Explanation {
  const name = `${oneLine(certificate.subject)} (serial ${certificate.serialNumber})`
  const hold = entry.reason === 'certificateHold' ? 'on hold' : 'revoked'
  return {
    reason: 'revoked',
    message: `certificate is ${hold} since ${entry.since.toISOString()} by its authority ${list.issuer}: ${name}, ${entry.reason}`,
    remedy: 'issue the client a new certificate with a new key: redkite certs renew --client',
  }
}

function facts({ issuer, number, thisUpdate, nextUpdate, size }: Crl) {
  const until = nextUpdate?.toISOString() ?? 'not stated'
  return { issuer, number: number?.toString() ?? 'none', thisUpdate: thisUpdate.toISOString(), nextUpdate: until, size }
}

function datesOf({ thisUpdate, nextUpdate }: Crl): string {
  return `from ${thisUpdate.toISOString()} until ${nextUpdate?.toISOString() ?? 'nobody knows (no nextUpdate)'}`
}

function unreadable(path: string, cause: unknown): StartError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const exit: ExitCode = code === 'EACCES' || code === 'EPERM' ? EXIT.noPermission : EXIT.config
  const text =
    code === 'ENOENT' ? 'no such file or directory' : code === '' && cause instanceof Error ? cause.message : code
  const hint = 'name a readable file or directory of revocation lists; redkite certs crl writes one'
  return new StartError(exit, `${KEY}: open ${path}: ${text}`, hint, { cause })
}
