import { randomBytes } from 'node:crypto'
import { faultText, toRedkiteError } from '../../errors/error.ts'
import type { RestRequest, RestResponse } from '../../listener/handlers.ts'
import type { BudgetHolder, ByteBudget } from '../byte-budget.ts'

/** CORS and sniffing headers of every answer (Milvus httpserver, utils.go). */
const COMMON_HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-allow-credentials': 'true',
  'access-control-allow-headers':
    'Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, accept, origin, Cache-Control, X-Requested-With, DB-Name, Request-Timeout, Accept-Type-Allow-Int64',
  'access-control-allow-methods': 'POST, HEAD, OPTIONS, GET, PUT, DELETE',
  'x-content-type-options': 'nosniff',
} as const

/**
 * One REST request and its answer, over HTTP/1.1 or HTTP/2 alike. It is answered once; later answers are dropped.
 */
export class Exchange implements BudgetHolder {
  readonly #request: RestRequest
  readonly #response: RestResponse
  readonly #budget: ByteBudget
  readonly #headers: Readonly<Record<string, string>>
  readonly #abort = new AbortController()
  readonly traceId = randomBytes(16).toString('hex')
  readonly startedAt = performance.now()
  #timer: NodeJS.Timeout | null = null
  /** True once the answer is written or the client is gone. */
  ended = false
  received = 0
  held = 0
  bodyEndedAt = 0

  /**
   * @param headers sent with every answer, besides the common ones
   * @param onGone told when the client leaves before the answer
   */
  constructor(
    request: RestRequest,
    response: RestResponse,
    budget: ByteBudget,
    headers: Readonly<Record<string, string>>,
    onGone: () => void,
  ) {
    this.#headers = headers
    this.#request = request
    this.#response = response
    this.#budget = budget
    request.on('error', () => {})
    response.on('error', () => {})
    response.on('close', () => {
      if (this.ended) return
      this.#end()
      onGone()
      this.#abort.abort(faultText('cancelled', 'canceled by the client'))
    })
  }

  get method(): string {
    return this.#request.method ?? 'GET'
  }

  /** Path and query as sent. */
  get target(): string {
    return this.#request.url ?? '/'
  }

  /** Aborted when the client leaves or the time is up. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name]
    return typeof value === 'string' ? value : value?.[0]
  }

  headerBytes(): number {
    let bytes = 0
    for (const [name, value] of Object.entries(this.#request.headers)) bytes += name.length + String(value).length + 4
    return bytes
  }

  pause(): void {
    this.#request.pause()
  }

  resume(): void {
    this.#request.resume()
  }

  /** Calls `onPassed` unless the answer is written within `ms`, body included. */
  limitTime(ms: number, onPassed: () => void): void {
    this.#timer = setTimeout(() => {
      if (this.ended) return
      onPassed()
      this.#abort.abort(faultText('timeout', 'request timeout'))
    }, ms)
  }

  /**
   * The whole body. @throws RedkiteError `messageTooLarge` (also on the word of `content-length`), `overloaded`.
   * Never settles when the client leaves first.
   */
  readBody(bytesMax: number): Promise<Buffer> {
    const tooLarge = (bytes: number) =>
      faultText('messageTooLarge', `request body larger than max (${bytes} vs. ${bytesMax}); send smaller batches`)
    const declared = Number(this.header('content-length') ?? 0)
    if (declared > bytesMax) return Promise.reject(tooLarge(declared))
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      this.#request.on('data', (chunk: Buffer) => {
        if (this.ended) return
        this.received += chunk.length
        try {
          if (this.received > bytesMax) throw tooLarge(this.received)
          this.#budget.take(this, chunk.length)
          chunks.push(chunk)
        } catch (error) {
          reject(toRedkiteError(error))
        }
      })
      this.#request.on('end', () => {
        this.bodyEndedAt = performance.now()
        const [first] = chunks
        resolve(chunks.length === 1 && first ? first : Buffer.concat(chunks))
      })
    })
  }

  /** Writes the answer. A body that is still arriving is not waited for: the connection (h1) or stream (h2) closes. */
  answer(status: number, contentType: string | null, text: string, extra: Record<string, string> = {}): void {
    if (this.ended) return
    this.#end()
    const unread = !this.#request.readableEnded && this.#hasBody()
    const response: Writable = this.#response
    const body = Buffer.from(text, 'utf8')
    response.writeHead(status, {
      ...COMMON_HEADERS,
      ...this.#headers,
      'x-milvus-trace-id': this.traceId,
      ...(contentType === null ? {} : { 'content-type': contentType, 'content-length': body.length }),
      ...(unread && this.#request.httpVersionMajor === 1 ? { connection: 'close' } : {}),
      ...extra,
    })
    response.end(body, () => {
      if (unread) this.#request.destroy()
    })
  }

  #hasBody(): boolean {
    if (this.#request.httpVersionMajor !== 1) return true
    const { headers } = this.#request
    return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  }

  #end(): void {
    this.ended = true
    if (this.#timer) clearTimeout(this.#timer)
    this.#budget.release(this)
  }
}

/** What both versions' responses share in one signature. */
interface Writable {
  writeHead(status: number, headers: Record<string, string | number>): unknown
  end(body: Buffer, done: () => void): unknown
}
