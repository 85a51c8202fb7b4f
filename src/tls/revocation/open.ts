import type { X509Certificate } from 'node:crypto'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../../observe/log.ts'
import type { Metrics } from '../../observe/metrics.ts'
import { oneLine } from '../check.ts'
import type { Explanation } from '../judge.ts'
import type { Revocation, RevocationSettings } from '../revocation.ts'
import { CrlWatch } from './crl-watch.ts'
import type { DenyEntry, DenyList } from './deny-list.ts'
import { DenyWatch } from './deny-watch.ts'
import { isAnchor, issuersOf } from './path.ts'

/** With the farewell of live connections (300 ms) it keeps revocation within a second. */
const LOOK_INTERVAL_MS = 200

/**
 * Opens what the settings name and follows it; null when they name nothing.
 * @throws StartError when a file is missing, unreadable or wrong: a server that was told to refuse somebody does not
 * start without knowing whom.
 */
export async function openRevocation(
  settings: RevocationSettings,
  log: Log,
  metrics: Metrics,
): Promise<Revocation | null> {
  if (settings.denyListPath === '' && settings.crlPath === '') return null
  const here = log.at('tls/revocation')
  const deny = settings.denyListPath === '' ? null : new DenyWatch(resolve(settings.denyListPath), here)
  await deny?.start()
  const { crlPath, crlMode: mode } = settings
  const crls = crlPath === '' ? null : await CrlWatch.open({ path: resolve(crlPath), mode, log: here, metrics })
  return new LiveRevocation(deny, crls, metrics)
}

class LiveRevocation implements Revocation {
  readonly #deny: DenyWatch | null
  readonly #crls: CrlWatch | null
  readonly #listeners = new Set<() => void>()
  readonly #stop = new AbortController()
  readonly #looking: Promise<unknown>

  constructor(deny: DenyWatch | null, crls: CrlWatch | null, metrics: Metrics) {
    this.#deny = deny
    this.#crls = crls
    metrics.denyEntries.readFrom(() => (deny === null ? [] : [{ labels: {}, value: deny.list.size }]))
    // Apart, so that a list of megabytes does not keep the deny list waiting.
    this.#looking = Promise.all([
      this.#follow(async (now) => (await deny?.look(now.getTime())) ?? false),
      this.#follow(async (now) => (await crls?.look(now)) ?? false),
    ])
  }

  refusal(leaf: X509Certificate, anchors: readonly X509Certificate[], now: Date): Explanation | null {
    return this.#denial(leaf, anchors) ?? this.#crls?.refusal(leaf, anchors, now) ?? null
  }

  #denial(leaf: X509Certificate, anchors: readonly X509Certificate[]): Explanation | null {
    const list = this.#deny?.list
    if (list === undefined || list.size === 0) return null
    const entry = list.find(leaf)
    if (entry) return denied(leaf, entry)
    // A denied authority denies all that it issued.
    const issuers = issuersOf(leaf, anchors)
    for (const issuer of issuers) {
      const found = list.find(issuer)
      if (found) return denied(issuer, found)
    }
    return issuers.length === 0 ? this.#perhapsDenied(leaf, anchors, list) : null
  }

  /** An intermediate that the client sent hides the authority above it: with a denied one in the CA file, it may be that. */
  #perhapsDenied(leaf: X509Certificate, anchors: readonly X509Certificate[], list: DenyList): Explanation | null {
    if (isAnchor(leaf, anchors) || !anchors.some((anchor) => list.find(anchor))) return null
    return {
      reason: 'revocationUnknown',
      message: `cannot tell which authority issued ${oneLine(leaf.issuer)}, and the deny list holds one of the CA file`,
      remedy: 'put the intermediate into the CA file, or take the denied authority out of it',
    }
  }

  meet(anchors: readonly X509Certificate[]): void {
    this.#crls?.meet(anchors)
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    this.#listeners.clear()
    await this.#looking
  }

  async #follow(look: (now: Date) => Promise<boolean>): Promise<void> {
    const { signal } = this.#stop
    for (;;) {
      try {
        await sleep(LOOK_INTERVAL_MS, undefined, { signal, ref: false })
      } catch {
        return
      }
      if (await look(new Date())) for (const listener of this.#listeners) listener()
    }
  }
}

function denied(certificate: X509Certificate, entry: DenyEntry): Explanation {
  const why = entry.reason === '' ? '' : `: ${entry.reason}`
  return {
    reason: 'revoked',
    message: `certificate is revoked: ${oneLine(certificate.subject)} (serial ${certificate.serialNumber}) is on the deny list${why}`,
    remedy: 'issue the client a new certificate with a new key: redkite certs renew --client',
  }
}
