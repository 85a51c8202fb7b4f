/**
 * A serial number in the one form in which they are compared: upper-case hexadecimal without colons and leading zeros
 * (`-` before a negative one, as `node:crypto` prints it).
 */
export function canonicalSerial(text: string): string {
  const hex = text.replaceAll(':', '').toUpperCase()
  const sign = hex.startsWith('-') ? '-' : ''
  const digits = hex.slice(sign.length).replace(/^0+/, '')
  return digits === '' ? '0' : `${sign}${digits}`
}
