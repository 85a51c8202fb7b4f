import type { ServerHttp2Stream } from 'node:http2'
import { faultText, type RedkiteError, toRedkiteError } from '../../errors/error.ts'
import type { Log } from '../../observe/log.ts'
import type { Caller } from '../../service.ts'
import type { BodyWatch, WatchedBody } from '../body-watch.ts'
import type { BudgetHolder, ByteBudget } from '../byte-budget.ts'
import type { CallStats } from '../call-stats.ts'
import { statusHeaders } from './status.ts'

const NGHTTP2_NO_ERROR = 0

/** What every call shares. */
export interface CallContext {
  readonly budget: ByteBudget
  readonly watch: BodyWatch
  readonly log: Log
}

/**
 * One gRPC call on one HTTP/2 stream: its deadline, its cancellation and the bytes it holds. It ends exactly once
 * (`ended`), by `settle` before a reply is written, by `fail`, or by the peer; whatever comes later is dropped.
 */
export class Call implements BudgetHolder, WatchedBody {
  readonly stream: ServerHttp2Stream
  readonly caller: Caller
  /** `address:port` of the peer. */
  readonly peer: string
  readonly stats: CallStats
  /** The client's own id of the call (`client-request-id`), for the log. */
  readonly requestId: string
  readonly startedAt = performance.now()

  /** True once the outcome is known: nothing may be computed or written for the call any more. */
  ended = false
  /** Bytes of the request so far. */
  received = 0
  held = 0
  paused = false
  bodyStartedAt = this.startedAt
  /** When the last byte of the request had arrived. */
  bodyEndedAt = 0

  readonly #context: CallContext
  /** Made when somebody asks for the signal: a forwarded call has `abandoned` instead. */
  #abort: AbortController | null = null
  #abortedBy: RedkiteError | null = null
  /** Told once when the call ends without a reply of its handler: cancelled, too late, refused. */
  abandoned: (() => void) | null = null
  readonly #timeoutMs: number | null
  readonly #timer: NodeJS.Timeout | null
  #pausedAt = 0
  #trailers: Record<string, string> | null = null

  constructor(
    context: CallContext,
    stream: ServerHttp2Stream,
    caller: Caller,
    stats: CallStats,
    requestId: string,
    timeoutMs: number | null,
  ) {
    this.#context = context
    this.stream = stream
    this.caller = caller
    this.peer = caller.peer
    this.stats = stats
    this.requestId = requestId
    this.#timeoutMs = timeoutMs
    this.#timer = timeoutMs === null ? null : setTimeout(() => this.#deadlinePassed(timeoutMs), timeoutMs)
    stream.on('close', () => this.#closed())
    stream.on('error', (error) =>
      context.log.debug('grpc stream error', { rpc: stats.name, peer: caller.peer, error: error.message }),
    )
  }

  /** Aborted when the client cancels, when the deadline passes and when the connection goes. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.#abortedBy) this.#abort.abort(this.#abortedBy)
    return this.#abort.signal
  }

  /** Status of a call that failed after its reply had begun; null = it did not. */
  get trailers(): Readonly<Record<string, string>> | null {
    return this.#trailers
  }

  /** Milliseconds until the deadline, 0 when it has passed; null = there is none. */
  remainingMs(): number | null {
    if (this.#timeoutMs === null) return null
    return Math.max(0, this.#timeoutMs - (performance.now() - this.startedAt))
  }

  /** Starts to watch the body's pace; call it when reading begins. */
  bodyBegins(): void {
    this.bodyStartedAt = performance.now()
    this.#context.watch.add(this)
  }

  /** Counts a chunk of the body. @throws RedkiteError `overloaded`. */
  take(bytes: number): void {
    this.received += bytes
    this.#context.budget.take(this, bytes)
  }

  bodyEnds(): void {
    this.bodyEndedAt = performance.now()
    this.#context.watch.delete(this)
  }

  pause(): void {
    this.paused = true
    this.#pausedAt = performance.now()
    this.stream.pause()
  }

  resume(): void {
    this.paused = false
    this.bodyStartedAt += performance.now() - this.#pausedAt
    this.stream.resume()
  }

  bodyTooSlow(): void {
    this.fail(faultText('timeout', `request body too slow: ${this.received} bytes received`))
  }

  /** Gives back the request's bytes while the call goes on (a stream of messages). */
  releaseBytes(): void {
    this.#context.budget.release(this)
  }

  /** Marks the outcome: frees the timer and the bytes, counts, logs. The caller writes the reply right after it. */
  settle(outcome: 'success' | 'fail' | 'cancel', sentBytes: number, error: RedkiteError | null = null): void {
    this.ended = true
    if (this.#timer) clearTimeout(this.#timer)
    this.#context.watch.delete(this)
    this.#context.budget.release(this)
    const now = performance.now()
    this.stats.record(outcome, now - (this.bodyEndedAt || this.startedAt), this.received, sentBytes)
    this.#context.log.debug('grpc call', {
      rpc: this.stats.name,
      peer: this.peer,
      request_id: this.requestId,
      outcome,
      error: error?.message,
      milliseconds: now - this.startedAt,
      received: this.received,
      sent: sentBytes,
    })
  }

  /**
   * Ends the call with a gRPC status: trailers-only, or as trailers where messages were sent already. A body that is
   * still arriving is reset with NO_ERROR, else the client would push the rest of it for nothing.
   */
  fail(thrown: unknown): void {
    if (this.ended) return
    const error = logged(thrown, this.#context.log, this.stats.name, this.peer)
    this.settle('fail', 0, error)
    const { stream } = this
    if (stream.destroyed || stream.closed) return
    if (stream.headersSent) {
      this.#trailers = statusHeaders(error)
      stream.end()
    } else {
      stream.respond({ 'content-type': 'application/grpc', ...statusHeaders(error) }, { endStream: true })
    }
    if (!stream.readableEnded) stream.close(NGHTTP2_NO_ERROR)
    this.#abandon(error)
  }

  /** Opens a streaming reply; messages follow by `stream.write`, `finish` or `fail` closes it. */
  openReply(headers: Record<string, string>): void {
    this.stream.respond(headers, { waitForTrailers: true })
    this.stream.on('wantTrailers', () => this.stream.sendTrailers(this.#trailers ?? { 'grpc-status': '0' }))
  }

  /** Ends a streaming reply with OK. */
  finish(): void {
    if (this.ended) return
    this.settle('success', 0)
    this.stream.end()
  }

  #abandon(error: RedkiteError): void {
    this.#abortedBy = error
    this.#abort?.abort(error)
    this.abandoned?.()
  }

  #deadlinePassed(timeoutMs: number): void {
    this.fail(faultText('timeout', `deadline exceeded: the call was given ${timeoutMs} ms`))
  }

  #closed(): void {
    if (this.ended) return
    const error = faultText('cancelled', 'canceled by the client')
    this.settle('cancel', 0, error)
    this.#abandon(error)
  }
}

/** As an error of the table; a fault of ours goes to the log with its stack, and to the client without. */
export function logged(thrown: unknown, log: Log, rpc: string, peer: string): RedkiteError {
  const error = toRedkiteError(thrown)
  if (error !== thrown)
    log.error('call failed unexpectedly', {
      rpc,
      peer,
      error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
    })
  return error
}
