/**
 * Just enough ASN.1 to take a PKCS#12 bundle apart: definite and indefinite lengths (X.690 8.1.3; Microsoft's and Java's
 * tools write BER), no values but octet strings, whole numbers and object identifiers.
 */

/** One element. `children` is empty for a primitive one. */
export interface Der {
  /** Class and number, the constructed bit cleared: 0x30 SEQUENCE is 0x10, [0] is 0x80. */
  readonly tag: number
  readonly content: Buffer
  readonly children: readonly Der[]
  /** All its bytes, header included. */
  readonly whole: Buffer
}

export const TAG = { integer: 0x02, octets: 0x04, oid: 0x06, sequence: 0x10, context0: 0x80 } as const

const DEPTH_MAX = 32

/** Input that is no ASN.1, or not of the expected shape. */
export class DerError extends Error {
  override readonly name = 'DerError'
}

/** The first element of the bytes; what follows it is ignored. @throws DerError */
export function readDer(bytes: Buffer): Der {
  return element(bytes, 0, 0).der
}

function element(bytes: Buffer, start: number, depth: number): { der: Der; end: number } {
  if (depth > DEPTH_MAX) throw new DerError('nested too deeply')
  const identifier = byteAt(bytes, start)
  if ((identifier & 0x1f) === 0x1f) throw new DerError('a tag of several bytes')
  const isConstructed = (identifier & 0x20) !== 0
  const tag = identifier & ~0x20
  const { length, at } = lengthAt(bytes, start + 1)
  if (length === null && !isConstructed) throw new DerError('a primitive element without length')
  const stop = length === null ? bytes.length : at + length
  if (stop > bytes.length) throw new DerError('cut short')
  const children: Der[] = []
  let next = at
  let contentEnd = stop
  while (isConstructed && next < stop) {
    if (length === null && byteAt(bytes, next) === 0 && byteAt(bytes, next + 1) === 0) {
      contentEnd = next
      next += 2
      return made(tag, bytes.subarray(at, contentEnd), children, bytes.subarray(start, next), next)
    }
    const child = element(length === null ? bytes : bytes.subarray(0, stop), next, depth + 1)
    children.push(child.der)
    next = child.end
  }
  if (length === null) throw new DerError('cut short')
  return made(tag, bytes.subarray(at, contentEnd), children, bytes.subarray(start, stop), stop)
}

function made(tag: number, content: Buffer, children: readonly Der[], whole: Buffer, end: number) {
  return { der: { tag, content, children, whole }, end }
}

function lengthAt(bytes: Buffer, at: number): { length: number | null; at: number } {
  const first = byteAt(bytes, at)
  if (first < 0x80) return { length: first, at: at + 1 }
  if (first === 0x80) return { length: null, at: at + 1 }
  const count = first & 0x7f
  if (count > 4) throw new DerError('a length of more than four bytes')
  let length = 0
  for (let index = 1; index <= count; index += 1) length = length * 256 + byteAt(bytes, at + index)
  return { length, at: at + 1 + count }
}

function byteAt(bytes: Buffer, at: number): number {
  const value = bytes[at]
  if (value === undefined) throw new DerError('cut short')
  return value
}

/** The child at `index`, which must be there and have the tag. @throws DerError */
export function child(parent: Der, index: number, tag: number): Der {
  const found = parent.children[index]
  if (found === undefined || found.tag !== tag) throw new DerError('an unexpected element')
  return found
}

/** The bytes of an octet string, also of one in pieces (X.690 8.7.3). */
export function octets(der: Der): Buffer {
  return der.children.length === 0 ? der.content : Buffer.concat(der.children.map(octets))
}

/** A small non-negative whole number. @throws DerError */
export function integer(der: Der): number {
  if (der.tag !== TAG.integer || der.content.length > 6) throw new DerError('not a small number')
  return der.content.length === 0 ? 0 : der.content.readUIntBE(0, der.content.length)
}

/** `1.2.840.113549.1.7.1`. */
export function oid(der: Der): string {
  if (der.tag !== TAG.oid) throw new DerError('not an object identifier')
  const parts: number[] = []
  let value = 0
  for (const byte of der.content) {
    value = value * 128 + (byte & 0x7f)
    if (byte < 0x80) {
      parts.push(value)
      value = 0
    }
  }
  const [first = 0, ...rest] = parts
  const top = Math.min(2, Math.floor(first / 40))
  return [top, first - top * 40, ...rest].join('.')
}
