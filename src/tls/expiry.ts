import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { RenewalStatus } from './renewal.ts'
import type { CertificateStatus } from './status.ts'

const DAY_MS = 86_400_000

/** Days before the end at which somebody is told. */
const RUNGS_DAYS = [90, 30, 7, 1] as const

/** From this rung on it is said every day; before it, once. */
const DAILY_FROM_DAYS = 7

/** The rung of an expired certificate. */
const EXPIRED = 0

/**
 * The rung of the ladder on which a certificate stands, in days; 0 = expired, null = not on it yet. Only rungs within
 * the last third of its life count, where it should have been renewed: a certificate of 90 days first speaks at 30 (90
 * would be its first day), one of 10 days at 1, and one too short for any of them when a third is left.
 */
export function rungOf(notBefore: Date, notAfter: Date, now: Date): number | null {
  const left = notAfter.getTime() - now.getTime()
  if (left <= 0) return EXPIRED
  const third = (notAfter.getTime() - notBefore.getTime()) / 3
  const days = RUNGS_DAYS.filter((rung) => rung * DAY_MS <= third)
  const rungs = days.length > 0 ? days : [third / DAY_MS]
  return rungs.findLast((rung) => left <= rung * DAY_MS) ?? null
}

/** Tells of certificates that end: one line for each file, element and rung, and never two for one within a day. */
export class ExpiryLadder {
  readonly #log: Log
  readonly #told = new Map<string, { readonly rung: number; readonly at: number }>()

  constructor(log: Log) {
    this.#log = log
  }

  /** @param renewal how the server's own certificate is renewed, for the remedy */
  look(certificates: readonly CertificateStatus[], now: Date, renewal: RenewalStatus): void {
    for (const certificate of certificates) {
      const rung = rungOf(new Date(certificate.notBefore), new Date(certificate.notAfter), now)
      const id = `${certificate.path}:${certificate.role}:${certificate.index}:${certificate.fingerprint256}`
      if (rung === null || !this.#isNews(id, rung, now.getTime())) continue
      this.#told.set(id, { rung, at: now.getTime() })
      this.#tell(certificate, rung, remedyFor(certificate, renewal))
    }
  }

  #isNews(id: string, rung: number, now: number): boolean {
    const told = this.#told.get(id)
    if (told === undefined || rung < told.rung) return true
    return rung <= DAILY_FROM_DAYS && now - told.at >= DAY_MS
  }

  #tell(certificate: CertificateStatus, rung: number, remedy: string): void {
    const { role, path, index, subject, notAfter, daysLeft } = certificate
    const fields = { role, path, element: index, subject, daysLeft, notAfter, remedy }
    if (rung === EXPIRED) this.#log.error('tls certificate has expired', fields)
    else if (rung <= 1) this.#log.error('tls certificate is about to expire', fields)
    else this.#log.warn('tls certificate expires soon', fields)
  }
}

function remedyFor({ role, index, path }: CertificateStatus, renewal: RenewalStatus): string {
  if (role === 'ca' || index > 0) {
    return `put the next CA certificate into ${path} beside this one before it ends, and into every client; redkite certs create makes one`
  }
  if (renewal.kind === 'byHand') return renewal.remedy
  return renewal.lastError === null
    ? `none needed, it is renewed automatically at ${renewal.due}`
    : `automatic renewal fails: ${renewal.lastError}`
}

type Labels = { readonly role: string; readonly path: string; readonly subject: string; readonly element: string }

/** `redkite_tls_certificate_not_after_seconds` of one set of ports: what another set shows is left alone. */
export class ExpiryGauge {
  readonly #metrics: Metrics
  readonly #prefix: string
  #shown: readonly Labels[] = []

  /** @param section `tls`, or `internaltls`, whose roles are `internalServer` and `internalCa` */
  constructor(metrics: Metrics, section: string) {
    this.#metrics = metrics
    this.#prefix = section === 'tls' ? '' : 'internal'
  }

  show(certificates: readonly CertificateStatus[]): void {
    for (const labels of this.#shown) this.#metrics.notAfter.remove(labels)
    this.#shown = certificates.map(({ role, path, subject, index }) => ({
      role: this.#prefix === '' ? role : `internal${role === 'server' ? 'Server' : 'Ca'}`,
      path,
      subject,
      element: String(index),
    }))
    for (const [at, labels] of this.#shown.entries()) {
      const end = Date.parse(certificates[at]?.notAfter ?? '')
      this.#metrics.notAfter.set(labels, end / 1000)
    }
  }
}
