import type { RedkiteError } from '../../errors/error.ts'
import { GRPC } from '../../errors/table.ts'

/** Longest text put into a header: clients refuse header lists above 8 KiB. */
const MESSAGE_CHARS_MAX = 2000
const PLAIN = /^[\x20-\x24\x26-\x7e]*$/

/** Percent-encodes a status text as `grpc-message` wants it: everything outside printable ASCII, and `%` itself. */
export function encodeStatusMessage(text: string): string {
  const short = text.length > MESSAGE_CHARS_MAX ? `${text.slice(0, MESSAGE_CHARS_MAX)}…` : text
  if (PLAIN.test(short)) return short
  let encoded = ''
  for (const byte of Buffer.from(short, 'utf8'))
    encoded +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  return encoded
}

/** Status headers of an error; a row without a gRPC status is UNKNOWN here, as grpc-go maps a plain error. */
export function statusHeaders(error: RedkiteError): Record<string, string> {
  return { 'grpc-status': String(error.row.grpc ?? GRPC.unknown), 'grpc-message': encodeStatusMessage(error.message) }
}
