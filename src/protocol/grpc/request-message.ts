import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { fault, faultText } from '../../errors/error.ts'
import type { Call } from './call.ts'
import { type Frame, FrameReader } from './frame-reader.ts'

const gunzipAsync = promisify(gunzip)

/**
 * The one message of a unary request, once the client has ended its side.
 * Rejects with `messageTooLarge` or `malformedMessage` as soon as the bytes show it; never settles when the stream
 * dies first (`call.ended` is then set, and nobody waits).
 */
export function receiveMessage(call: Call, bytesMax: number): Promise<Frame> {
  return new Promise((resolve, reject) => {
    const reader = new FrameReader(bytesMax)
    call.bodyBegins()
    call.stream.on('data', (chunk: Buffer) => {
      if (call.ended) return
      try {
        call.take(chunk.length)
        reader.push(chunk)
      } catch (error) {
        reject(error)
      }
    })
    call.stream.on('end', () => {
      call.bodyEnds()
      try {
        resolve(onlyMessage(reader, call.received))
      } catch (error) {
        reject(error)
      }
    })
  })
}

/** @throws RedkiteError `malformedMessage` for less or more than one message; what follows it may itself be malformed */
function onlyMessage(reader: FrameReader, received: number): Frame {
  const frame = reader.next()
  if (!frame) throw fault('malformedMessage', `the request ended after ${received} bytes, within its message`)
  if (!reader.empty) throw fault('malformedMessage', 'a unary request carries exactly one message')
  return frame
}

/**
 * The message's bytes, unzipped off the main thread where the client compressed it.
 * @throws RedkiteError `messageTooLarge` when it grows beyond `bytesMax`, `malformedMessage` when it is no gzip, or is
 * marked compressed without a `grpc-encoding`.
 */
export async function inflateMessage(frame: Frame, encoding: string, bytesMax: number): Promise<Buffer> {
  if (encoding !== 'gzip') throw fault('malformedMessage', 'compressed flag set without a grpc-encoding')
  try {
    return await gunzipAsync(frame.bytes, { maxOutputLength: bytesMax })
  } catch (error) {
    if (error instanceof RangeError)
      throw faultText('messageTooLarge', `grpc: received message after decompression larger than max ${bytesMax}`)
    throw faultText('malformedMessage', 'grpc: the request message is not valid gzip', { cause: error })
  }
}

/** @throws RedkiteError `unimplemented` naming what can be sent instead. */
export function checkEncoding(encoding: string): void {
  if (encoding === '' || encoding === 'identity' || encoding === 'gzip') return
  throw faultText('unknownRpc', `grpc: compression ${JSON.stringify(encoding)} is not served; use identity or gzip`)
}
