import { faultText, type RedkiteError } from '../errors/error.ts'
import type { ForwardHeaders, ForwardSink } from '../service.ts'
import { statusFault } from './faults.ts'

/** Compressed-flag and big-endian length before a message. */
const HEAD_BYTES = 5

/** A message behind its five bytes. */
export function frameOf(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEAD_BYTES + message.length)
  frame.writeUInt8(0, 0)
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, HEAD_BYTES)
  return frame
}

/** Gathers the one message of a reply. `reply` rejects with RedkiteError where the status says no. */
export class UnaryReply implements ForwardSink {
  readonly #bytesMax: number
  readonly #settle = Promise.withResolvers<Buffer>()
  readonly #chunks: Buffer[] = []
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get reply(): Promise<Buffer> {
    return this.#settle.promise
  }

  remainingMs(): null {
    return null
  }

  headers(headers: ForwardHeaders, ends: boolean): void {
    if (ends) this.end(headers)
  }

  data(chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes <= this.#bytesMax) this.#chunks.push(chunk)
    else this.failed(faultText('messageTooLarge', `the reply of the upstream is larger than ${this.#bytesMax} bytes`))
  }

  end(trailers: ForwardHeaders): void {
    const status = Number(trailers['grpc-status'])
    if (status !== 0) {
      this.failed(statusFault(status, statusText(trailers['grpc-message'])))
      return
    }
    const all = Buffer.concat(this.#chunks)
    const isWhole = all.length >= HEAD_BYTES && all.length === HEAD_BYTES + all.readUInt32BE(1) && all[0] === 0
    if (isWhole) this.#settle.resolve(all.subarray(HEAD_BYTES))
    else this.failed(faultText('serviceInternal', 'the reply of the upstream is not one plain message'))
  }

  failed(error: RedkiteError): void {
    this.#settle.reject(error)
  }

  drained(): void {}
}

function statusText(header: string | string[] | undefined): string {
  const text = typeof header === 'string' ? header : (header?.[0] ?? '')
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
