import { randomBytes } from 'node:crypto'

const SERIAL_BYTES = 16

/**
 * A new random serial number of 128 bits, upper-case hexadecimal. RFC 5280 4.1.2.2 wants it positive and within 20
 * octets; the first byte stays within 0x40..0x7F so that DER needs no padding and the text always has 32 digits.
 */
export function randomSerial(): string {
  const bytes = randomBytes(SERIAL_BYTES)
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f)
  return bytes.toString('hex').toUpperCase()
}

/** The text of `ca.srl` as OpenSSL writes it: the last serial issued; `-CAserial` adds one to it for the next. */
export function formatSerialFile(lastSerial: string): string {
  return `${lastSerial}\n`
}

/** The serial in a `ca.srl`, or null when the text is not the hexadecimal line that OpenSSL reads. */
export function parseSerialFile(text: string): string | null {
  const line = text.trim()
  return /^[0-9A-Fa-f]{1,40}$/.test(line) ? line.toUpperCase() : null
}
