/** HTTP/2 frames by hand (RFC 9113 4.1, 6), as no client library would send them. */

export const TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  windowUpdate: 8,
  continuation: 9,
} as const
export const FLAG = { none: 0, endStream: 1, ack: 1, endHeaders: 4 } as const

export const PREFACE: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A SETTINGS frame of pairs of identifier and value. */
export function settings(...pairs: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(pairs.length * 6)
  for (const [index, [id, value]] of pairs.entries()) {
    payload.writeUInt16BE(id, index * 6)
    payload.writeUInt32BE(value, index * 6 + 2)
  }
  return frame(TYPE.settings, FLAG.none, 0, payload)
}

/** A header field as HPACK writes it without an index and without Huffman (RFC 7541 6.2.2); below 127 bytes each. */
export function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), lengthOf(value), Buffer.from(value)])
}

/** A string length in HPACK's 7-bit prefix (RFC 7541 5.1). */
function lengthOf(text: string): Buffer {
  const bytes = [Math.min(text.length, 127)]
  for (let rest = text.length - 127; rest >= 0; rest = rest < 128 ? -1 : rest >> 7)
    bytes.push(rest < 128 ? rest : (rest & 127) | 128)
  return Buffer.from(bytes)
}

/** The header block of a request. */
export function requestBlock(path: string, contentType: string, extra: readonly Buffer[] = []): Buffer {
  const pseudo = [':method', 'POST', ':scheme', 'https', ':path', path, ':authority', 'localhost']
  const fields = [...pseudo, 'content-type', contentType, 'te', 'trailers']
  const pairs = fields.flatMap((name, index) => (index % 2 === 0 ? [literal(name, fields[index + 1] ?? '')] : []))
  return Buffer.concat([...pairs, ...extra])
}
