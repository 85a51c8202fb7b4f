import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { type RecentRefusal, RecentRefusals } from './recent-refusals.ts'

/** Why a connection was refused: the metric's `reason` label. Bounded by this list. */
export const REFUSAL_REASONS = [
  'noClientCertificate',
  'invalidPurpose',
  'unknownAuthority',
  'expired',
  'notYetValid',
  'weakKey',
  'revoked',
  'revocationUnknown',
  'peerNotAllowed',
  'unverified',
  'versionTooLow',
  'noSharedCipher',
  'classicalGroup',
  'noApplicationProtocol',
  'noAlpnForGrpc',
  'plaintextHttp',
  'plaintextHttp2',
  'tlsOnPlaintextPort',
  'notTls',
  'clientRejectsCertificate',
  'handshakeTimeout',
  'peekTimeout',
  'closedEarly',
  'connectionLimit',
  'peerLimit',
  'handshakeLimit',
  'handshakePeerLimit',
  'handshakeRate',
  'malformed',
] as const

export type RefusalReason = (typeof REFUSAL_REASONS)[number]

export interface Refusal {
  readonly reason: RefusalReason
  /** What was seen, in Go's or OpenSSL's words where Milvus prints them. */
  readonly message: string
  readonly remedy: string
  /** `address:port`. */
  readonly peer: string
  /** The server name that the client asked for, when known. */
  readonly sni?: string | undefined
  /** TLS version, where one was agreed. */
  readonly protocol?: string | undefined
  readonly certificate?: { readonly subject: string; readonly issuer: string; readonly serial: string } | null
}

/** Refusals kept back while the start-up self-test runs. */
export interface HeldRefusals {
  /** Why the connection from this local port was refused; null = it was not, so far. */
  reasonFor(peerPort: number): RefusalReason | null
  /** Logs and counts what was kept back, except connections from these ports: the probes were no attackers. */
  release(probes: ReadonlySet<number>): void
}

const HELD_MAX = 10_000
const REPEAT_WINDOW_MS = 60_000
const CAUSES_MAX = 1_000

interface Cause {
  since: number
  repeats: number
  refusal: Refusal
}

/**
 * Logs each refused connection once per cause (listener, reason, peer address, certificate) and counts all of them.
 * Repeats within a minute are summed up in one line at its end, so that a client in a retry loop or a scanner cannot
 * fill the disk. The memory for causes is bounded: beyond 1,000 they share one per reason.
 */
export class RefusalLog implements Disposable {
  readonly #listener: string
  readonly #log: Log
  readonly #metrics: Metrics
  readonly #causes = new Map<string, Cause>()
  readonly #recent = new RecentRefusals()
  #held: Refusal[] | null = null
  readonly #timer: NodeJS.Timeout
  readonly #onCause: (refusal: Refusal, listener: string) => void

  /** @param onCause told of each cause when it is logged: not of its repeats */
  constructor(
    listener: string,
    log: Log,
    metrics: Metrics,
    onCause: (refusal: Refusal, listener: string) => void = () => {},
  ) {
    this.#onCause = onCause
    this.#listener = listener
    this.#log = log.at('tls/refusal.ts')
    this.#metrics = metrics
    this.#timer = setInterval(() => this.#sumUp(Date.now()), REPEAT_WINDOW_MS / 4)
    this.#timer.unref()
  }

  /** The last 50 causes, newest first. */
  get recent(): readonly RecentRefusal[] {
    return this.#recent.list()
  }

  /** From here on refusals are kept back until they are released. */
  hold(): HeldRefusals {
    const held: Refusal[] = []
    this.#held = held
    return {
      reasonFor: (peerPort) => held.find(({ peer }) => portOf(peer) === peerPort)?.reason ?? null,
      release: (probes) => {
        this.#held = null
        for (const refusal of held) if (!probes.has(portOf(refusal.peer))) this.refused(refusal)
      },
    }
  }

  refused(refusal: Refusal): void {
    if (this.#held !== null && this.#held.length < HELD_MAX) {
      this.#held.push(refusal)
      return
    }
    this.#remember(refusal)
    this.#metrics.handshakes.inc({
      listener: this.#listener,
      result: 'refused',
      reason: refusal.reason,
      protocol: refusal.protocol ?? '',
    })
    const cause = this.#cause(refusal)
    const known = this.#causes.get(cause)
    if (known) {
      known.repeats += 1
      known.refusal = refusal
      return
    }
    this.#causes.set(cause, { since: Date.now(), repeats: 0, refusal })
    this.#onCause(refusal, this.#listener)
    const { reason, message, remedy, peer, sni, protocol } = refusal
    const certificate = refusal.certificate ? clipped(refusal.certificate) : null
    const fields = { listener: this.#listener, peer, reason, cause: clip(message), remedy, ...(sni ? { sni } : {}) }
    const more = { ...(protocol ? { protocol } : {}), ...(certificate ? { certificate } : {}) }
    // A client that goes away is no fault of anybody; it is counted, and seen at level debug.
    if (reason === 'closedEarly') this.#log.debug('connection refused', { ...fields, ...more })
    else this.#log.warn('connection refused', { ...fields, ...more })
  }

  #remember(refusal: Refusal): void {
    const certificate = refusal.certificate ? clipped(refusal.certificate) : null
    this.#recent.add(causeOf(refusal), { ...refusal, message: clip(refusal.message), certificate })
  }

  admitted(protocol: string): void {
    this.#metrics.handshakes.inc({ listener: this.#listener, result: 'accepted', reason: '', protocol })
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#sumUp(Number.POSITIVE_INFINITY)
  }

  #cause(refusal: Refusal): string {
    const cause = causeOf(refusal)
    return this.#causes.has(cause) || this.#causes.size < CAUSES_MAX ? cause : refusal.reason
  }

  #sumUp(now: number): void {
    for (const [key, cause] of this.#causes) {
      if (now - cause.since < REPEAT_WINDOW_MS) continue
      this.#causes.delete(key)
      if (cause.repeats === 0 || cause.refusal.reason === 'closedEarly') continue
      const { reason, message, remedy, peer } = cause.refusal
      const repeats = cause.repeats
      this.#log.warn('connections refused again', {
        listener: this.#listener,
        reason,
        repeats,
        peer,
        cause: message,
        remedy,
      })
    }
  }
}

function portOf(peer: string): number {
  return Number(peer.slice(peer.lastIndexOf(':') + 1))
}

/** What makes two refusals the same: reason, address, certificate. */
function causeOf({ reason, peer, certificate }: Refusal): string {
  const address = peer.slice(0, peer.lastIndexOf(':'))
  return `${reason}|${address}|${clip(certificate?.serial ?? '')}|${clip(certificate?.issuer ?? '')}`
}

/** Names in a certificate may be of any length; a stranger decides them. */
function clip(text: string): string {
  return text.length <= 512 ? text : `${text.slice(0, 512)}…`
}

function clipped(certificate: NonNullable<Refusal['certificate']>): NonNullable<Refusal['certificate']> {
  return { subject: clip(certificate.subject), issuer: clip(certificate.issuer), serial: clip(certificate.serial) }
}
