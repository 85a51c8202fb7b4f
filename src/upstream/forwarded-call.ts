import type { ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2'
import { faultText, type RedkiteError } from '../errors/error.ts'
import type { ForwardHeaders, ForwardSink, ForwardStream } from '../service.ts'
import { httpAnswer, lostUnder, resetBy, unreachable } from './faults.ts'
import { grpcTimeout } from './headers.ts'
import type { Link } from './link.ts'
import type { Pool, Waiter } from './pool.ts'

/** How a call on the upstream ended, for the metrics. */
export type Result = 'ok' | 'status' | 'unavailable' | 'cancelled' | 'retried'

export interface CallDeps {
  readonly pool: Pool
  readonly uri: string
  count(result: Result): void
}

const NGHTTP2_CANCEL = 0x8
const NGHTTP2_REFUSED_STREAM = 0x7
const END_STREAM = 0x1
const ATTEMPTS_MAX = 3
const NO_HEADERS: OutgoingHttpHeaders = Object.freeze({})
/** Hears nothing: what comes after the end. */
const NO_SINK: ForwardSink = Object.freeze({
  remainingMs: () => null,
  headers: () => {},
  data: () => {},
  end: () => {},
  failed: () => {},
  drained: () => {},
})

/** One call on the upstream: waits for a link, sends, and tells its sink what comes back. */
export class ForwardedCall implements ForwardStream, Waiter {
  readonly #deps: CallDeps
  #headers: OutgoingHttpHeaders
  #sink: ForwardSink
  /** The whole request; null where it comes in pieces. */
  #whole: Buffer | null
  /** Pieces that came before a link was there. */
  #early: Buffer[] = []
  #isEnded = false
  #stream: ClientHttp2Stream | null = null
  #attempts = 0
  #isAnswered = false
  #isDone = false
  #trailers: ForwardHeaders | null = null

  constructor(deps: CallDeps, headers: OutgoingHttpHeaders, sink: ForwardSink, whole: Buffer | null) {
    this.#deps = deps
    this.#headers = headers
    this.#sink = sink
    this.#whole = whole
  }

  start(): void {
    this.#attempts += 1
    this.#deps.pool.acquire(this)
  }

  write(chunk: Buffer): boolean {
    if (this.#stream) return this.#stream.write(chunk)
    this.#early.push(chunk)
    return false
  }

  end(): void {
    this.#isEnded = true
    this.#stream?.end()
  }

  pauseReply(): void {
    this.#stream?.pause()
  }

  resumeReply(): void {
    this.#stream?.resume()
  }

  cancel(): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#deps.count('cancelled')
    if (this.#stream) this.#stream.close(NGHTTP2_CANCEL)
    else this.#deps.pool.forget(this)
  }

  refused(error: RedkiteError): void {
    this.#fail(error)
  }

  linked(link: Link): void {
    const left = this.#sink.remainingMs()
    if (left !== null) this.#headers['grpc-timeout'] = grpcTimeout(left)
    let stream: ClientHttp2Stream
    try {
      stream = link.open(this.#headers)
    } catch (cause) {
      this.#fail(unreachable(this.#deps.uri, cause instanceof Error ? cause.message : String(cause)))
      return
    }
    this.#stream = stream
    this.#listen(stream, link)
    if (this.#whole !== null) stream.end(this.#whole)
    else this.#sendEarly(stream)
  }

  #sendEarly(stream: ClientHttp2Stream): void {
    let takesMore = true
    for (const chunk of this.#early) takesMore = stream.write(chunk)
    const hadWaited = this.#early.length > 0
    this.#early = []
    stream.on('drain', () => this.#sink.drained())
    if (this.#isEnded) stream.end()
    else if (hadWaited && takesMore) this.#sink.drained()
  }

  #listen(stream: ClientHttp2Stream, link: Link): void {
    stream.on('response', (headers: IncomingHttpHeaders, flags: number) => this.#answered(headers, flags))
    stream.on('data', (chunk: Buffer) => {
      if (!this.#isDone) this.#sink.data(chunk)
    })
    stream.on('trailers', (trailers: IncomingHttpHeaders) => {
      this.#trailers = trailers
    })
    stream.on('end', () => this.#ended(stream))
    stream.on('error', ignored)
    stream.on('close', () => {
      link.closed(this.#isAnswered)
      this.#closed(stream, link)
      // Node's native side may keep a closed stream until the next major collection: it need not keep the reply as well
      if (this.#isDone) this.#forget()
    })
  }

  #answered(headers: IncomingHttpHeaders, flags: number): void {
    if (this.#isDone) return
    this.#isAnswered = true
    const status = Number(headers[':status'])
    const ends = (flags & END_STREAM) !== 0
    if (status !== 200 && headers['grpc-status'] === undefined) this.#fail(httpAnswer(this.#deps.uri, status))
    else if (ends && headers['grpc-status'] === undefined) this.#fail(this.#noStatus())
    else {
      if (ends) this.#done(headers)
      this.#sink.headers(headers, ends)
      if (ends) this.#stopSending()
    }
  }

  /** All data were told: the trailers came before. */
  #ended(stream: ClientHttp2Stream): void {
    if (this.#isDone || stream.rstCode !== 0) return
    const trailers = this.#trailers
    if (trailers === null) return
    if (trailers['grpc-status'] === undefined) {
      this.#fail(this.#noStatus())
      return
    }
    this.#done(trailers)
    this.#sink.end(trailers)
    this.#stopSending()
  }

  #closed(stream: ClientHttp2Stream, link: Link): void {
    if (this.#isDone) return
    const unprocessed = stream.rstCode === NGHTTP2_REFUSED_STREAM || link.isUnprocessed(stream.id)
    if (unprocessed && !this.#isAnswered && this.#whole !== null && this.#attempts < ATTEMPTS_MAX) {
      this.#stream = null
      this.#deps.count('retried')
      this.start()
      return
    }
    const { uri } = this.#deps
    if (unprocessed) this.#fail(unreachable(uri, link.isRetired ? link.fault.message : 'it refuses new calls'))
    else if (link.isLost) this.#fail(lostUnder(uri, link.fault.message))
    else this.#fail(stream.rstCode === 0 ? this.#noStatus() : resetBy(uri, stream.rstCode))
  }

  #forget(): void {
    this.#headers = NO_HEADERS
    this.#sink = NO_SINK
    this.#whole = null
    this.#trailers = null
    this.#stream = null
  }

  #noStatus(): RedkiteError {
    return faultText('malformedMessage', `upstream ${this.#deps.uri} ended the call without a status`)
  }

  #done(trailers: ForwardHeaders): void {
    this.#isDone = true
    this.#deps.count(trailers['grpc-status'] === '0' ? 'ok' : 'status')
  }

  /** The upstream has answered before it had all of the request: it wants no more of it. */
  #stopSending(): void {
    if (this.#stream && !this.#stream.writableEnded) this.#stream.close(NGHTTP2_CANCEL)
  }

  #fail(error: RedkiteError): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#deps.count('unavailable')
    if (this.#stream && !this.#stream.closed) this.#stream.close(NGHTTP2_CANCEL)
    this.#sink.failed(error)
  }
}

function ignored(): void {}
