import { fault, faultText } from '../../errors/error.ts'

/** One length-prefixed message as received. `bytes` is a view of the received chunks where one chunk held it all. */
export interface Frame {
  readonly compressed: boolean
  readonly bytes: Buffer
}

/** Compressed-flag and big-endian length before every message (gRPC over HTTP/2, "Length-Prefixed-Message"). */
export const FRAME_HEAD_BYTES = 5

/**
 * Cuts DATA chunks into messages: no copy for a message in one chunk, one `Buffer.concat` otherwise. Memory follows
 * the bytes that arrived; nothing is allocated on the word of a length prefix.
 */
export class FrameReader {
  readonly #bytesMax: number
  #chunks: Buffer[] = []
  #size = 0
  /** Length of the message at the front; -1 until its head is complete. */
  #length = -1
  #compressed = false

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** True when no byte is left over. */
  get empty(): boolean {
    return this.#size === 0
  }

  /**
   * @throws RedkiteError `messageTooLarge` as soon as a prefix says so (grpc-go's text), `malformedMessage` for a flag
   * byte that is neither 0 nor 1.
   */
  push(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#length < 0) this.#readHead()
  }

  /** The message at the front, or null while it is incomplete. @throws as `push`, of the message behind it */
  next(): Frame | null {
    if (this.#length < 0) return null
    const end = FRAME_HEAD_BYTES + this.#length
    if (this.#size < end) return null
    const all = this.#joined()
    const frame = { compressed: this.#compressed, bytes: all.subarray(FRAME_HEAD_BYTES, end) }
    this.#length = -1
    this.#size -= end
    this.#chunks = this.#size > 0 ? [all.subarray(end)] : []
    if (this.#size > 0) this.#readHead()
    return frame
  }

  #joined(): Buffer {
    const [first] = this.#chunks
    return this.#chunks.length === 1 && first ? first : Buffer.concat(this.#chunks, this.#size)
  }

  #readHead(): void {
    if (this.#size < FRAME_HEAD_BYTES) return
    const all = this.#joined()
    this.#chunks = [all]
    const flag = all.readUInt8(0)
    if (flag > 1) throw fault('malformedMessage', `compressed flag ${flag} is neither 0 nor 1`)
    const length = all.readUInt32BE(1)
    if (length > this.#bytesMax)
      throw faultText(
        'messageTooLarge',
        `grpc: received message larger than max (${length} vs. ${this.#bytesMax}); send smaller batches or raise proxy.grpc.serverMaxRecvSize`,
      )
    this.#compressed = flag === 1
    this.#length = length
  }
}
