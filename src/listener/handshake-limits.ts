import type { Socket } from 'node:net'
import type { ListenerLimits } from './limits.ts'
import type { Why } from './refusal-texts.ts'

export type HandshakeLimitValues = Pick<
  ListenerLimits,
  'handshakesPendingMax' | 'handshakesPendingPerPeerMax' | 'handshakesPerSecondPerPeer'
>

interface Pending {
  readonly raw: Socket
  readonly address: string
  readonly peer: string
  readonly since: number
}

/** Whoever had less time than this to say hello is not dropped for somebody else. */
const PATIENCE_MS = 250
/** Addresses whose rate is remembered; the ones longest unseen are forgotten first. */
const ADDRESSES_MAX = 10_000
/** A fleet of clients reconnects at once after a restart. */
const BURST_SECONDS = 2

/**
 * The connections of one TLS port that have not finished their handshake, bounded in all and by address, and the rate
 * of new ones by address. Where a bound is reached, the connection that has longest kept us waiting for its ClientHello
 * gives way, so that silent sockets cannot lock out those who speak; where nobody keeps us waiting, the new one is refused.
 */
export class HandshakeLimits {
  readonly #limits: HandshakeLimitValues
  readonly #onDropped: (peer: string, why: Why) => void
  readonly #onCount: (pending: number) => void
  readonly #pending = new Map<Socket, Pending>()
  /** Those whose ClientHello is not complete, the longest first. */
  readonly #silent = new Set<Pending>()
  readonly #perAddress = new Map<string, { count: number; readonly silent: Set<Pending> }>()
  readonly #rates = new Map<string, { tokens: number; at: number }>()

  /**
   * @param onDropped told of a connection that had to give way; its socket is destroyed here
   * @param onCount told the number of pending handshakes whenever it changes
   */
  constructor(
    limits: HandshakeLimitValues,
    onDropped: (peer: string, why: Why) => void,
    onCount: (pending: number) => void,
  ) {
    this.#limits = limits
    this.#onDropped = onDropped
    this.#onCount = onCount
  }

  get size(): number {
    return this.#pending.size
  }

  /** Counts a new connection until it is `settled` or closes; or says why it may not begin. */
  admit(raw: Socket, address: string, peer: string): Why | null {
    const now = Date.now()
    const over = this.#overRate(address, now) ?? this.#overPeer(address, now) ?? this.#overAll(now)
    if (over) return over
    const pending = { raw, address, peer, since: now }
    const peers = this.#perAddress.get(address) ?? { count: 0, silent: new Set<Pending>() }
    peers.count += 1
    peers.silent.add(pending)
    this.#perAddress.set(address, peers)
    this.#pending.set(raw, pending)
    this.#silent.add(pending)
    this.#onCount(this.#pending.size)
    raw.once('close', () => this.settled(raw))
    return null
  }

  /** When the connection was accepted; null once it is settled. */
  since(raw: Socket): number | null {
    return this.#pending.get(raw)?.since ?? null
  }

  /** Its ClientHello is complete: from here on it waits for us too, and is not dropped for others. */
  heard(raw: Socket): void {
    const pending = this.#pending.get(raw)
    if (pending) this.#speaks(pending)
  }

  /** The handshake is over, well or not. */
  settled(raw: Socket): void {
    const pending = this.#pending.get(raw)
    if (!pending) return
    this.#speaks(pending)
    this.#pending.delete(raw)
    const peers = this.#perAddress.get(pending.address)
    if (peers) peers.count -= 1
    if (peers?.count === 0) this.#perAddress.delete(pending.address)
    this.#onCount(this.#pending.size)
  }

  #speaks(pending: Pending): void {
    this.#silent.delete(pending)
    this.#perAddress.get(pending.address)?.silent.delete(pending)
  }

  #overAll(now: number): Why | null {
    const { handshakesPendingMax: max } = this.#limits
    if (this.#pending.size < max) return null
    const message = `this listener has ${max} handshakes in progress, its limit (redkite.limits.handshakesPendingMax)`
    const why: Why = {
      reason: 'handshakeLimit',
      message,
      remedy: 'raise the limit, or find who opens connections without a word',
    }
    return this.#drop(this.#silent, why, now) ? null : why
  }

  #overPeer(address: string, now: number): Why | null {
    const { handshakesPendingPerPeerMax: max } = this.#limits
    const peers = this.#perAddress.get(address)
    if (!peers || peers.count < max) return null
    const message = `${address} has ${max} handshakes in progress, the limit of one address (redkite.limits.handshakesPendingPerPeerMax)`
    const why: Why = {
      reason: 'handshakePeerLimit',
      message,
      remedy: 'raise the limit, or let this client open fewer connections at once',
    }
    return this.#drop(peers.silent, why, now) ? null : why
  }

  #drop(silent: ReadonlySet<Pending>, why: Why, now: number): boolean {
    const [longest] = silent
    if (!longest || now - longest.since < PATIENCE_MS) return false
    this.settled(longest.raw)
    longest.raw.destroy()
    this.#onDropped(longest.peer, why)
    return true
  }

  /** A token bucket for each address. */
  #overRate(address: string, now: number): Why | null {
    const { handshakesPerSecondPerPeer: rate } = this.#limits
    if (rate === 0) return null
    const burst = rate * BURST_SECONDS
    const known = this.#rates.get(address)
    const tokens = known ? Math.min(burst, known.tokens + ((now - known.at) / 1_000) * rate) : burst
    this.#rates.delete(address)
    // A refused attempt costs nothing: who keeps trying gets in at the rate all the same.
    this.#rates.set(address, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now })
    const [oldest] = this.#rates.keys()
    if (this.#rates.size > ADDRESSES_MAX && oldest !== undefined) this.#rates.delete(oldest)
    if (tokens >= 1) return null
    const message = `${address} opens more than ${rate} connections a second (redkite.limits.handshakesPerSecondPerPeer)`
    return { reason: 'handshakeRate', message, remedy: 'let this client keep its connections, or raise the limit' }
  }
}
