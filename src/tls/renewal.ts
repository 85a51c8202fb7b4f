import { randomInt, type X509Certificate } from 'node:crypto'
import { StartError } from '../errors/start-error.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { byHand, renewalMeans } from './authority.ts'
import { readTlsFiles } from './files.ts'
import type { Generation } from './generation.ts'
import type { TlsSettings } from './settings.ts'
import { keyPassphrase } from './sources/unlock.ts'

/** How the server certificate of a set of ports is renewed. Times are ISO 8601. */
export type RenewalStatus =
  | {
      readonly kind: 'automatic'
      /** When the next renewal, or the next attempt after a failure, is due. */
      readonly due: string
      /** Failed attempts in a row. */
      readonly failures: number
      readonly lastError: string | null
    }
  /** Nobody here can issue: `why` says what is missing, `remedy` is the command or step. */
  | { readonly kind: 'byHand'; readonly why: string; readonly remedy: string }

/** Part of a certificate's life after which it is renewed, as cert-manager does. */
const RENEW_AT = 2 / 3
/** Servers that share a certificate must not all renew at one moment; earlier, never later than two thirds. */
const JITTER = 0.1
const RETRY_MS_FIRST = 60_000
const RETRY_MS_MAX = 3_600_000

/** When a certificate is to be renewed. @param jitter 0 … 1 */
export function renewalDue(certificate: X509Certificate, jitter: number): number {
  const begin = certificate.validFromDate.getTime()
  const life = certificate.validToDate.getTime() - begin
  return begin + life * RENEW_AT * (1 - JITTER * jitter)
}

interface RenewalTools {
  readonly settings: TlsSettings
  readonly log: Log
  readonly metrics: Metrics
  current(): Generation
  /** The ordinary reload: what was written is read, checked and proven like any other files. */
  reload(): Promise<unknown>
}

/** Renews the server certificate when it is due and the key of its authority is at hand. */
export class Renewal {
  readonly #tools: RenewalTools
  readonly #section: string
  /** Of this process, the same for every look at a certificate. */
  readonly #jitter = randomInt(1_000) / 1_000
  #status: RenewalStatus
  #retryAt: number | null = null
  #failures = 0
  #wasAutomatic = false

  constructor(tools: RenewalTools) {
    this.#tools = tools
    this.#section = tools.settings.section ?? 'tls'
    this.#status = { kind: 'byHand', why: 'not looked at yet', remedy: byHand(tools.settings) }
  }

  get status(): RenewalStatus {
    return this.#status
  }

  /** When the next look should come at the latest, unix milliseconds; null = none is needed for a renewal. */
  get nextLook(): number | null {
    return this.#status.kind === 'automatic' ? Date.parse(this.#status.due) : null
  }

  /** Looks whether a renewal is due, and makes it. Never throws. */
  async look(now: Date): Promise<void> {
    const { settings, log } = this.#tools
    const generation = this.#tools.current()
    const means = await renewalMeans(settings, generation)
    const due = Math.max(renewalDue(generation.leaf, this.#jitter), this.#retryAt ?? 0)
    if (means.kind === 'none') {
      // a key that was there and is gone is missed when it is needed, not before
      if (this.#wasAutomatic && due <= now.getTime()) this.#failed(new Error(means.why), means.remedy, now)
      else if (!this.#wasAutomatic) this.#byHand(means.why, means.remedy)
      return
    }
    if (!this.#wasAutomatic) {
      this.#wasAutomatic = true
      if (means.warning) log.warn('tls material', { warning: means.warning })
      log.info('tls certificate is renewed automatically', { section: this.#section, due: iso(due) })
    }
    if (due > now.getTime()) return this.#automatic(due, null)
    try {
      await this.#renew(means, now)
    } catch (error) {
      this.#failed(error, error instanceof StartError ? error.hint : null, now)
    }
  }

  async #renew(authority: Extract<Awaited<ReturnType<typeof renewalMeans>>, { kind: 'authority' }>, now: Date) {
    const { settings, log, metrics } = this.#tools
    const before = this.#tools.current()
    const raw = await readTlsFiles(settings)
    const passphrase = await keyPassphrase(raw, settings)
    // loaded only now: a server that does not renew does not pay for the certificate toolkit
    const { renewServerPair } = await import('../pki/renew-server.ts')
    const path = raw.files.find((file) => file.role === 'serverPem')?.path ?? settings.files.serverPem
    const renewed = await renewServerPair({
      certificatePath: path,
      keyPath: raw.files.find((file) => file.role === 'serverKey')?.path ?? settings.files.serverKey,
      authority,
      authorityDirectory: authority.directory,
      passphrase: passphrase?.reveal() ?? null,
      isDue: (certificate) => renewalDue(certificate, this.#jitter) <= now.getTime(),
      now,
    })
    this.#retryAt = null
    this.#failures = 0
    if (renewed !== null) {
      metrics.renewals.inc({ section: this.#section, result: 'renewed' })
      const { subject, serial, notAfter } = renewed.current
      log.info('tls certificate renewed', {
        path,
        subject,
        serial,
        notAfter: notAfter.toISOString(),
        previous: renewed.previous.serial,
      })
    }
    await this.#tools.reload()
    const { leaf } = this.#tools.current()
    if (leaf.fingerprint256 === before.leaf.fingerprint256) {
      throw new Error('the new certificate was written and could not be loaded, see the line before')
    }
    this.#automatic(renewalDue(leaf, this.#jitter), null)
  }

  #failed(error: unknown, hint: string | null, now: Date): void {
    const { log, metrics, settings } = this.#tools
    const reason = error instanceof Error ? error.message : String(error)
    const wait = Math.min(RETRY_MS_MAX, RETRY_MS_FIRST * 2 ** this.#failures)
    this.#failures += 1
    this.#retryAt = now.getTime() + wait
    metrics.renewals.inc({ section: this.#section, result: 'failed' })
    const { leaf } = this.#tools.current()
    log.error('tls certificate not renewed, the old one keeps serving', {
      reason,
      hint: hint ?? byHand(settings),
      notAfter: leaf.validToDate.toISOString(),
      failures: this.#failures,
      nextAttempt: iso(this.#retryAt),
    })
    this.#automatic(this.#retryAt, reason)
  }

  #automatic(due: number, lastError: string | null): void {
    this.#status = { kind: 'automatic', due: iso(due), failures: this.#failures, lastError }
    this.#tools.metrics.renewalDue.set({ section: this.#section }, due / 1000)
  }

  /** Said once, and no warning: where others renew (cert-manager), all is well; the expiry ladder warns in time. */
  #byHand(why: string, remedy: string): void {
    const known = this.#status
    this.#status = { kind: 'byHand', why, remedy }
    if (known.kind === 'byHand' && known.why === why) return
    this.#tools.log.info('tls certificate is renewed by hand', {
      section: this.#section,
      why,
      remedy,
      notAfter: this.#tools.current().leaf.validToDate.toISOString(),
    })
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
