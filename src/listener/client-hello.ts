import type { GroupOffer } from '../tls/groups.ts'

/** What a client offers in its ClientHello (RFC 8446 4.1.2): cleartext, from a stranger, for logs and counts only. */
export interface ClientHello extends GroupOffer {
  /** Server name (RFC 6066 3); '' = none. */
  readonly sni: string
  /** Application protocols, in the client's order. */
  readonly alpn: readonly string[]
  /** `supported_versions`, such as 0x0304; empty before TLS 1.3. */
  readonly versions: readonly number[]
  readonly signatureAlgorithms: readonly number[]
}

/** `null`: not all of it is there yet; `malformed`: it never will be one that is read here, which OpenSSL may see otherwise. */
export type HelloReading = ClientHello | 'malformed' | null

const HANDSHAKE_RECORD = 22
const RECORD_HEADER_BYTES = 5
const MESSAGE_HEADER_BYTES = 4
const CLIENT_HELLO = 1
/** The largest plaintext record (RFC 8446 5.1); a hello of a real client has 0.2 to 2 KB. */
const HELLO_BYTES_MAX = 1 << 14
const EXTENSION = { sni: 0, groups: 10, signatures: 13, alpn: 16, versions: 43, keyShare: 51 } as const

/**
 * Reads a ClientHello from the first bytes of a connection, in one record or several. It only reads: what it finds
 * decides nothing about the handshake, which is OpenSSL's. Never throws, keeps nothing, looks at 16 KB at most.
 */
export function readClientHello(head: Buffer): HelloReading {
  const message = handshakeMessage(head)
  if (message === null || message === 'malformed') return message
  try {
    return parse(message)
  } catch (error) {
    if (error instanceof RangeError) return 'malformed'
    throw error
  }
}

/** The body of the first handshake message, put together from its records. */
function handshakeMessage(head: Buffer): Buffer | 'malformed' | null {
  const fragments: Buffer[] = []
  let [at, have, wanted] = [0, 0, MESSAGE_HEADER_BYTES]
  for (;;) {
    if (head.length - at < RECORD_HEADER_BYTES) return null
    const length = head.readUInt16BE(at + 3)
    if (head[at] !== HANDSHAKE_RECORD || head[at + 1] !== 3 || length === 0) return 'malformed'
    at += RECORD_HEADER_BYTES
    const fragment = head.subarray(at, at + length)
    fragments.push(fragment)
    have += fragment.length
    if (have >= MESSAGE_HEADER_BYTES && wanted === MESSAGE_HEADER_BYTES) {
      const start = Buffer.concat(fragments)
      const bytes = start.readUIntBE(1, 3)
      if (start[0] !== CLIENT_HELLO || bytes === 0 || bytes > HELLO_BYTES_MAX) return 'malformed'
      wanted += bytes
    }
    if (have >= wanted && wanted > MESSAGE_HEADER_BYTES) {
      return Buffer.concat(fragments).subarray(MESSAGE_HEADER_BYTES, wanted)
    }
    if (fragment.length < length) return null
    at += length
    if (at > 2 * HELLO_BYTES_MAX) return 'malformed'
  }
}

function parse(message: Buffer): ClientHello {
  const body = new Reader(message)
  body.skip(2 + 32)
  body.vector(1)
  body.vector(2)
  body.vector(1)
  const found = new Map<number, Reader>()
  const extensions = body.isEmpty ? new Reader(Buffer.alloc(0)) : body.vector(2)
  while (!extensions.isEmpty) {
    const type = extensions.number(2)
    const data = extensions.vector(2)
    if (!found.has(type)) found.set(type, data)
  }
  const numbers = (type: number, lengthBytes: 1 | 2) => found.get(type)?.vector(lengthBytes).numbers() ?? []
  return {
    sni: serverName(found.get(EXTENSION.sni)),
    alpn: protocols(found.get(EXTENSION.alpn)),
    versions: numbers(EXTENSION.versions, 1),
    groups: numbers(EXTENSION.groups, 2),
    keyShares: keyShares(found.get(EXTENSION.keyShare)),
    signatureAlgorithms: numbers(EXTENSION.signatures, 2),
  }
}

const HOST_NAME = 0

function serverName(data: Reader | undefined): string {
  const list = data?.vector(2)
  if (!list || list.isEmpty || list.number(1) !== HOST_NAME) return ''
  const name = list.vector(2).text()
  // RFC 6066: ASCII without a trailing dot; whatever else a stranger sends stays out of the logs.
  return /^[\w.-]{1,253}$/.test(name) ? name : ''
}

function protocols(data: Reader | undefined): readonly string[] {
  const list = data?.vector(2)
  const names: string[] = []
  while (list && !list.isEmpty) names.push(list.vector(1).text())
  return names
}

function keyShares(data: Reader | undefined): readonly number[] {
  const list = data?.vector(2)
  const groups: number[] = []
  while (list && !list.isEmpty) {
    groups.push(list.number(2))
    list.vector(2)
  }
  return groups
}

/** Walks over length-prefixed vectors (RFC 8446 3.4). @throws RangeError where a length leads beyond the end */
class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isEmpty(): boolean {
    return this.#at >= this.#bytes.length
  }

  skip(bytes: number): void {
    if (this.#at + bytes > this.#bytes.length) throw new RangeError('beyond the end')
    this.#at += bytes
  }

  number(bytes: 1 | 2): number {
    const at = this.#at
    this.skip(bytes)
    return this.#bytes.readUIntBE(at, bytes)
  }

  vector(lengthBytes: 1 | 2): Reader {
    const length = this.number(lengthBytes)
    const at = this.#at
    this.skip(length)
    return new Reader(this.#bytes.subarray(at, at + length))
  }

  numbers(): readonly number[] {
    const all: number[] = []
    while (!this.isEmpty) all.push(this.number(2))
    return all
  }

  text(): string {
    return this.#bytes.toString('latin1', this.#at)
  }
}
