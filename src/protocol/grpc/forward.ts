import type { IncomingHttpHeaders } from 'node:http2'
import { fault, type RedkiteError, toRedkiteError } from '../../errors/error.ts'
import { mayLast } from '../../listener/handlers.ts'
import type { ForwardedMethod } from '../../ops/forwarded.ts'
import { opByRpc } from '../../ops/registry.ts'
import type { Forward, ForwardHeaders, ForwardPass, ForwardSink, ForwardStream } from '../../service.ts'
import type { ProtocolLimits } from '../limits.ts'
import type { Call } from './call.ts'
import { FrameMeter } from './frame-meter.ts'
import { FRAME_HEAD_BYTES, type Frame } from './frame-reader.ts'
import type { Serve } from './handler.ts'
import { metadata, metadataCredentials } from './headers.ts'
import { inflateMessage, receiveMessage } from './request-message.ts'
import { serveUnary, type UnaryDeps } from './unary.ts'

/** Up to here a unary message is held until it is whole and leaves in one write; a larger one flows through. */
const WHOLE_BYTES_MAX = 64 * 1024
/** `sendDate: false`: what the upstream sent is passed on, and gRPC reads no date. */
const WITH_TRAILERS = Object.freeze({ waitForTrailers: true, sendDate: false })
const NGHTTP2_NO_ERROR = 0
const NOTHING: Buffer[] = []
const TRAILERS_ONLY = Object.freeze({ endStream: true, sendDate: false })

/**
 * Serves a method by passing its bytes on, undecoded: who calls is established first, as for every other call; then
 * messages are measured, and travel with the flow control of both sides between them.
 */
export function forwardMethod(method: ForwardedMethod, forward: Forward, deps: UnaryDeps): Serve {
  return async (call, headers) => {
    const principal = await deps.gate.authenticate(metadataCredentials(headers), call.caller)
    if (call.ended) return
    const db = metadata(headers, 'dbname')
    const { gate, limits } = deps
    if (method.unary && !gate.needsNoTarget(principal, method)) {
      // what such a list shows is narrowed to the caller: it is made here of the upstream's
      const op = method.access?.kind === 'login' ? opByRpc(method.name) : null
      if (op !== null) return serveUnary(op, call, headers, deps)
      const frame = await receiveMessage(call, limits.messageBytesMax)
      if (call.ended) return
      const encoding = metadata(headers, 'grpc-encoding')
      const bytes = frame.compressed ? await inflateMessage(frame, encoding, limits.messageBytesMax) : frame.bytes
      if (call.ended) return
      const admitted = gate.admitForward(principal, method, method.targets(bytes, db), db, call.caller)
      new Forwarding(call, headers, admitted, forward, true, limits).beginWhole(framed(frame))
      return
    }
    const pass = gate.admitForward(principal, method, null, db, call.caller)
    new Forwarding(call, headers, pass, forward, method.unary, limits).begin()
  }
}

/** A frame as it was received. */
function framed({ compressed, bytes }: Frame): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES)
  head.writeUInt8(compressed ? 1 : 0, 0)
  head.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

/** One call between its client and the upstream. */
class Forwarding implements ForwardSink {
  readonly #call: Call
  readonly #headers: IncomingHttpHeaders
  readonly #pass: ForwardPass
  readonly #forward: Forward
  readonly #isUnary: boolean
  readonly #requestMeter: FrameMeter
  readonly #replyMeter: FrameMeter
  /** A unary request until it is whole or too large to be held. */
  #held: Buffer[] = []
  #upstream: ForwardStream | null = null
  #isBlocked = false
  #replyHeaders: ForwardHeaders | null = null
  /** A unary reply until it is whole or too large to be held. */
  #reply: Buffer[] = []
  #replyBytes = 0
  #isReplying = false
  #trailers: ForwardHeaders | null = null

  constructor(
    call: Call,
    headers: IncomingHttpHeaders,
    pass: ForwardPass,
    forward: Forward,
    isUnary: boolean,
    limits: ProtocolLimits,
  ) {
    this.#call = call
    this.#headers = headers
    this.#pass = pass
    this.#forward = forward
    this.#isUnary = isUnary
    this.#requestMeter = new FrameMeter(limits.messageBytesMax, 'proxy.grpc.serverMaxRecvSize')
    this.#replyMeter = new FrameMeter(limits.replyBytesMax, 'proxy.grpc.serverMaxSendSize')
  }

  /** With a request that was received already. */
  beginWhole(frame: Buffer): void {
    this.#mindAbandon()
    this.#open(frame)
  }

  #mindAbandon(): void {
    this.#call.abandoned = () => {
      this.#upstream?.cancel()
      this.#unblock()
    }
  }

  begin(): void {
    const { stream } = this.#call
    this.#mindAbandon()
    if (this.#isUnary) this.#call.bodyBegins()
    else {
      mayLast(stream)
      this.#open(null)
    }
    stream.on('data', (chunk: Buffer) => this.#received(chunk))
    stream.on('end', () => this.#requestEnds())
  }

  remainingMs(): number | null {
    return this.#call.remainingMs()
  }

  #open(whole: Buffer | null): ForwardStream {
    this.#upstream = this.#forward.open(this.#pass, this.#headers, this, whole)
    return this.#upstream
  }

  #received(chunk: Buffer): void {
    const call = this.#call
    if (call.ended) return
    try {
      call.take(chunk.length)
      this.#requestMeter.push(chunk)
      if (this.#upstream) this.#send(this.#upstream, chunk)
      else {
        this.#held.push(chunk)
        if (call.received > WHOLE_BYTES_MAX) this.#flow()
      }
    } catch (error) {
      call.fail(error)
    }
  }

  /** The request is too large to be held: what is there is sent, the rest follows as it comes. */
  #flow(): void {
    const upstream = this.#open(null)
    const held = this.#held
    this.#held = []
    for (const chunk of held) this.#send(upstream, chunk)
  }

  #send(upstream: ForwardStream, chunk: Buffer): void {
    if (this.#call.ended) return
    if (upstream.write(chunk)) {
      if (!this.#isBlocked) this.#call.releaseBytes()
    } else if (!this.#isBlocked) {
      this.#isBlocked = true
      this.#call.pause()
    }
  }

  drained(): void {
    if (!this.#isBlocked || this.#call.ended) return
    this.#unblock()
    this.#call.releaseBytes()
  }

  /** Also at the end of a call: a paused HTTP/2 stream never closes. */
  #unblock(): void {
    if (!this.#isBlocked) return
    this.#isBlocked = false
    this.#call.resume()
  }

  #requestEnds(): void {
    const call = this.#call
    if (call.ended) return
    call.bodyEnds()
    if (!this.#requestMeter.isAtEnd) {
      const text = `the request ended after ${call.received} bytes, within its message`
      call.fail(fault('malformedMessage', text))
    } else if (this.#upstream) this.#upstream.end()
    else if (this.#requestMeter.messages !== 1) {
      call.fail(fault('malformedMessage', 'a unary request carries exactly one message'))
    } else {
      const [first] = this.#held
      this.#open(this.#held.length === 1 && first ? first : Buffer.concat(this.#held))
      this.#held = []
    }
  }

  headers(headers: ForwardHeaders, ends: boolean): void {
    const call = this.#call
    if (call.ended) return
    if (ends) {
      const { stream } = call
      call.settle(outcomeOf(headers), 0)
      this.#unblock()
      if (stream.destroyed || stream.closed) return
      stream.respond(headers, TRAILERS_ONLY)
      // what is still to come of the request is not wanted
      if (!stream.readableEnded) stream.close(NGHTTP2_NO_ERROR)
      return
    }
    this.#replyHeaders = headers
    if (!this.#isUnary) this.#beginReply()
  }

  #beginReply(): void {
    const { stream } = this.#call
    this.#isReplying = true
    stream.respond(this.#replyHeaders ?? {}, WITH_TRAILERS)
    stream.on('wantTrailers', () => stream.sendTrailers(this.#trailers ?? this.#call.trailers ?? {}))
    for (const chunk of this.#reply) this.#passOn(chunk)
    this.#reply = []
  }

  data(chunk: Buffer): void {
    if (this.#call.ended) return
    this.#replyBytes += chunk.length
    try {
      this.#replyMeter.push(chunk)
    } catch (error) {
      this.failed(toRedkiteError(error))
      return
    }
    if (this.#isReplying) this.#passOn(chunk)
    else {
      this.#reply.push(chunk)
      if (this.#replyBytes > WHOLE_BYTES_MAX) this.#beginReply()
    }
  }

  end(trailers: ForwardHeaders): void {
    const call = this.#call
    if (call.ended) return
    const { stream } = call
    this.#trailers = trailers
    call.settle(outcomeOf(trailers), this.#replyBytes)
    this.#unblock()
    if (stream.destroyed || stream.closed) return
    if (this.#isReplying) {
      stream.end()
      return
    }
    stream.respond(this.#replyHeaders ?? {}, WITH_TRAILERS)
    stream.on('wantTrailers', () => stream.sendTrailers(trailers))
    const [first] = this.#reply
    stream.end(this.#reply.length === 1 ? first : Buffer.concat(this.#reply))
    this.#forget()
  }

  /** Node keeps the stream of a call, and what hangs on it, until the next major collection. */
  #forget(): void {
    this.#call.abandoned = null
    this.#upstream = null
    this.#replyHeaders = null
    this.#reply = NOTHING
  }

  failed(error: RedkiteError): void {
    this.#call.fail(error)
  }

  #passOn(chunk: Buffer): void {
    const { stream } = this.#call
    if (stream.write(chunk)) return
    this.#upstream?.pauseReply()
    stream.once('drain', () => this.#upstream?.resumeReply())
  }
}

function outcomeOf(trailers: ForwardHeaders): 'success' | 'fail' {
  return trailers['grpc-status'] === '0' ? 'success' : 'fail'
}
