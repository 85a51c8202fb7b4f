import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2'
import { explainLinkError, type LinkFault } from '../tls/link-error.ts'
import type { Dialled } from './dial.ts'
import { goawayFault } from './faults.ts'

const PING_TIMEOUT_MS = 10_000
const OPEN = Object.freeze({ endStream: false })
/** Where a peer names no limit, nghttp2's own bookkeeping is the bound. */
const STREAMS_MAX = 10_000

export interface LinkEvents {
  /** The link takes no new calls any more; those under way may finish. */
  retired(link: Link, why: LinkFault): void
  /** A call ended, or the peer allows more of them. */
  freed(link: Link): void
}

/** One connection to the upstream and the calls on it. */
export class Link {
  readonly #session: ClientHttp2Session
  readonly #socket: Dialled['socket']
  readonly #events: LinkEvents
  readonly #keepaliveMs: number
  readonly openedAt = performance.now()
  readonly #timer: NodeJS.Timeout
  #streamsMax = STREAMS_MAX
  #streams = 0
  #isRetired = false
  #hasServed = false
  /** The highest call that the peer said it processes; null = it did not say. */
  #lastProcessed: number | null = null
  #fault: LinkFault = { message: 'the upstream closed the connection', remedy: 'look at its log' }
  #bytesRead = 0
  #pingSentAt: number | null = null

  constructor({ session, socket }: Dialled, keepaliveMs: number, events: LinkEvents) {
    this.#session = session
    this.#socket = socket
    this.#events = events
    this.#keepaliveMs = keepaliveMs
    this.#readSettings()
    session.on('remoteSettings', () => this.#readSettings())
    session.on('error', (error) => {
      this.#fault = explainLinkError(error, '')
    })
    session.on('goaway', (code, lastStreamId, data) => {
      this.#lastProcessed = lastStreamId
      this.#retire(goawayFault(code, data))
    })
    session.on('close', () => {
      clearInterval(this.#timer)
      this.#retire(this.#fault)
      socket.destroy()
    })
    this.#timer = setInterval(() => this.#look(), Math.min(keepaliveMs, PING_TIMEOUT_MS) / 2)
    this.#timer.unref()
  }

  get streams(): number {
    return this.#streams
  }

  get isOpen(): boolean {
    return !this.#isRetired && this.#streams < this.#streamsMax && !this.#session.closed && !this.#session.destroyed
  }

  /** Whether it was of use: a call was answered on it. */
  get hasServed(): boolean {
    return this.#hasServed
  }

  get isRetired(): boolean {
    return this.#isRetired
  }

  /** Whether the connection itself is over. */
  get isLost(): boolean {
    return this.#session.destroyed || this.#socket.destroyed
  }

  /** Why the link ended. */
  get fault(): LinkFault {
    return this.#fault
  }

  /** Whether the peer is known not to have processed a call. */
  isUnprocessed(streamId: number | undefined): boolean {
    return streamId === undefined || (this.#lastProcessed !== null && streamId > this.#lastProcessed)
  }

  /** Sends the headers of a call; the link counts it until `closed`. */
  open(headers: OutgoingHttpHeaders): ClientHttp2Stream {
    const stream = this.#session.request(headers, OPEN)
    this.#streams += 1
    return stream
  }

  /** @param answered whether the peer answered the call */
  closed(answered: boolean): void {
    this.#streams -= 1
    if (answered) this.#hasServed = true
    this.#events.freed(this)
  }

  /** Takes no new calls; ends when those under way have. */
  retire(message: string): void {
    this.#retire({ message, remedy: 'none is needed' })
    if (!this.#session.closed) this.#session.close()
  }

  destroy(): void {
    clearInterval(this.#timer)
    this.#isRetired = true
    this.#session.destroy()
    this.#socket.destroy()
  }

  #retire(fault: LinkFault): void {
    if (this.#isRetired) return
    this.#isRetired = true
    this.#fault = fault
    this.#events.retired(this, fault)
  }

  #readSettings(): void {
    this.#streamsMax = Math.min(this.#session.remoteSettings.maxConcurrentStreams ?? STREAMS_MAX, STREAMS_MAX)
    this.#events.freed(this)
  }

  /** Any byte is a sign of life; silence is asked about. */
  #look(): void {
    const { bytesRead } = this.#socket
    const now = performance.now()
    if (bytesRead !== this.#bytesRead) {
      this.#bytesRead = bytesRead
      this.#pingSentAt = null
      this.#heardAt = now
    } else if (this.#pingSentAt !== null) {
      if (now - this.#pingSentAt < PING_TIMEOUT_MS) return
      this.#fault = { message: 'it does not answer pings', remedy: 'look at the network between the two' }
      this.#session.destroy()
    } else if (now - this.#heardAt >= this.#keepaliveMs && !this.#session.destroyed) {
      this.#pingSentAt = now
      this.#session.ping(() => {})
    }
  }

  #heardAt = performance.now()
}
