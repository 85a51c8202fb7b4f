import type { ServerHttp2Stream } from 'node:http2'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { FRAME_HEAD_BYTES } from './frame-reader.ts'

const gzipAsync = promisify(gzip)
/** Up to here one copy is cheaper than a second write. */
const COPY_BYTES_MAX = 32 * 1024

const HEADERS = Object.freeze({
  ':status': 200,
  'content-type': 'application/grpc',
  'grpc-accept-encoding': 'identity,gzip',
})
const HEADERS_GZIP = Object.freeze({ ...HEADERS, 'grpc-encoding': 'gzip' })
/** `sendDate: false`: gRPC reads no date, and it would cost each reply a header. */
const WITH_TRAILERS = Object.freeze({ waitForTrailers: true, sendDate: false })
const OK = Object.freeze({ 'grpc-status': '0' })

function sendOk(this: ServerHttp2Stream): void {
  this.sendTrailers(OK)
}

/** Response headers of a streaming reply. */
export const streamingHeaders: Record<string, string> = {
  'content-type': 'application/grpc',
  'grpc-accept-encoding': 'identity,gzip',
}

/** A message behind its five bytes, in one buffer. */
export function framed(message: Uint8Array, compressed = false): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEAD_BYTES + message.length)
  writeHead(frame, message.length, compressed)
  frame.set(message, FRAME_HEAD_BYTES)
  return frame
}

/** Writes a unary reply with status OK: headers, one message, trailers. */
export function sendMessage(stream: ServerHttp2Stream, message: Uint8Array, compressed: boolean): void {
  if (stream.destroyed || stream.closed) return
  stream.respond(compressed ? HEADERS_GZIP : HEADERS, WITH_TRAILERS)
  stream.on('wantTrailers', sendOk)
  if (message.length <= COPY_BYTES_MAX) {
    stream.end(framed(message, compressed))
    return
  }
  const head = Buffer.allocUnsafe(FRAME_HEAD_BYTES)
  writeHead(head, message.length, compressed)
  stream.cork()
  stream.write(head)
  stream.end(message)
}

/** True where a reply of this size is worth compressing and the client reads gzip (`grpc-accept-encoding`). */
export function wantsGzip(acceptEncoding: string, bytes: number, gzipBytesMin: number | null): boolean {
  return gzipBytesMin !== null && bytes >= gzipBytesMin && /(^|,)\s*gzip\s*(,|$)/.test(acceptEncoding)
}

/** Compresses off the main thread. */
export function deflateMessage(message: Uint8Array): Promise<Buffer> {
  return gzipAsync(message, { level: 1 })
}

function writeHead(target: Buffer, length: number, compressed: boolean): void {
  target.writeUInt8(compressed ? 1 : 0, 0)
  target.writeUInt32BE(length, 1)
}
