/**
 * Where the elements of a DER encoding stand (X.690 8.1, 10.1): tags and definite lengths, nothing of what they mean.
 * For revocation lists only, whose 100,000 entries take the certificate library 14 s and a gigabyte.
 */
export interface DerElement {
  readonly tag: number
  /** First byte of the element, of its content, and the byte after it. */
  readonly start: number
  readonly body: number
  readonly end: number
}

export const DER_TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  enumerated: 0x0a,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  context0: 0xa0,
} as const

/** The element at `at`, which must end within `limit`. @throws RangeError for anything that is not DER */
export function derElement(bytes: Uint8Array, at: number, limit: number): DerElement {
  const tag = byteAt(bytes, at, limit)
  if ((tag & 0x1f) === 0x1f) throw new RangeError(`tag of several bytes at ${at}`)
  const first = byteAt(bytes, at + 1, limit)
  let body = at + 2
  let length = first
  if (first >= 0x80) {
    const count = first & 0x7f
    if (count === 0 || count > 4) throw new RangeError(`length of ${count} bytes at ${at + 1}`)
    length = 0
    for (let index = 0; index < count; index += 1) length = length * 256 + byteAt(bytes, body + index, limit)
    body += count
    if (length < 0x80 || length < 256 ** (count - 1)) throw new RangeError(`length at ${at + 1} is not the shortest`)
  }
  const end = body + length
  if (end > limit) throw new RangeError(`element at ${at} ends after its container`)
  return { tag, start: at, body, end }
}

/** The elements within a constructed one. */
export function derChildren(bytes: Uint8Array, parent: DerElement): DerElement[] {
  const found: DerElement[] = []
  for (let at = parent.body; at < parent.end; ) {
    const element = derElement(bytes, at, parent.end)
    found.push(element)
    at = element.end
  }
  return found
}

/** The element, if it has this tag. @throws RangeError otherwise, or when it is missing */
export function expectTag(element: DerElement | undefined, tag: number, what: string): DerElement {
  if (element?.tag !== tag) throw new RangeError(`${what} is missing or of another type`)
  return element
}

/** Wraps a content into an element. */
export function derWrap(tag: number, content: Buffer): Buffer {
  const length: number[] = []
  for (let rest = content.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256)
  const head = content.length < 0x80 ? [tag, content.length] : [tag, 0x80 | length.length, ...length]
  return Buffer.concat([Buffer.from(head), content])
}

function byteAt(bytes: Uint8Array, at: number, limit: number): number {
  const byte = at < limit ? bytes[at] : undefined
  if (byte === undefined) throw new RangeError(`ends within an element at ${at}`)
  return byte
}
