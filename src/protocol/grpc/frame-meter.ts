import { fault, faultText } from '../../errors/error.ts'
import { FRAME_HEAD_BYTES } from './frame-reader.ts'

/**
 * Follows the messages in a stream of chunks without holding them: what is forwarded is measured, not gathered.
 */
export class FrameMeter {
  readonly #bytesMax: number
  readonly #setting: string
  /** Bytes of the head of the next message so far. */
  #headBytes = 0
  #length = 0
  /** Bytes left of the current message. */
  #left = 0
  messages = 0

  /** @param setting the key that sets the limit, for the message */
  constructor(bytesMax: number, setting: string) {
    this.#bytesMax = bytesMax
    this.#setting = setting
  }

  /** True between messages. */
  get isAtEnd(): boolean {
    return this.#headBytes === 0 && this.#left === 0
  }

  /** @throws RedkiteError `messageTooLarge` as soon as a prefix says so, `malformedMessage` for a bad flag byte. */
  push(chunk: Buffer): void {
    let at = 0
    const end = chunk.length
    while (at < end) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, end - at)
        this.#left -= step
        at += step
      } else if (this.#headBytes === 0 && end - at >= FRAME_HEAD_BYTES) {
        checkFlag(chunk.readUInt8(at))
        this.#begin(chunk.readUInt32BE(at + 1))
        at += FRAME_HEAD_BYTES
      } else {
        this.#headByte(chunk.readUInt8(at))
        at += 1
      }
    }
  }

  /** A head that is split between chunks. */
  #headByte(byte: number): void {
    if (this.#headBytes === 0) checkFlag(byte)
    else this.#length = this.#length * 256 + byte
    this.#headBytes += 1
    if (this.#headBytes < FRAME_HEAD_BYTES) return
    this.#headBytes = 0
    this.#begin(this.#length)
  }

  #begin(length: number): void {
    this.#length = 0
    if (length > this.#bytesMax) {
      const text = `grpc: received message larger than max (${length} vs. ${this.#bytesMax})`
      throw faultText('messageTooLarge', `${text}; send smaller batches or raise ${this.#setting}`)
    }
    this.#left = length
    this.messages += 1
  }
}

function checkFlag(flag: number): void {
  if (flag > 1) throw fault('malformedMessage', `compressed flag ${flag} is neither 0 nor 1`)
}
