import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import { before, describe, it } from 'node:test'
import { type ConnectionOptions, connect } from 'node:tls'
import fc from 'fast-check'
import { readClientHello } from './client-hello.ts'

/** The first flight of a real client. */
async function helloOf(options: ConnectionOptions): Promise<Buffer> {
  const [near, far] = duplexPair()
  const client = connect({ socket: near, ...options })
  client.on('error', () => {})
  const chunks: Buffer[] = []
  far.on('data', (chunk: Buffer) => chunks.push(chunk))
  for (;;) {
    await new Promise((resolve) => setImmediate(resolve))
    const bytes = Buffer.concat(chunks)
    if (bytes.length > 5 && bytes.length >= 5 + bytes.readUInt16BE(3)) {
      client.destroy()
      return bytes
    }
  }
}

/** The same handshake message in records of `size` bytes. */
function inRecords(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5)
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += size) {
    const fragment = message.subarray(at, at + size)
    records.push(Buffer.from([22, 3, 1, fragment.length >> 8, fragment.length & 0xff]), fragment)
  }
  return Buffer.concat(records)
}

let hello: Buffer
before(async () => {
  hello = await helloOf({
    servername: 'db.example',
    ALPNProtocols: ['h2', 'http/1.1'],
    ecdhCurve: 'X25519MLKEM768:P-256',
  })
})

describe('readClientHello', () => {
  it('tells what a TLS 1.3 client offers', () => {
    const read = readClientHello(hello)
    assert.ok(read !== null && read !== 'malformed')
    assert.equal(read.sni, 'db.example')
    assert.deepEqual(read.alpn, ['h2', 'http/1.1'])
    assert.deepEqual(read.groups, [0x11ec, 0x17])
    assert.deepEqual(read.keyShares, [0x11ec])
    assert.ok(read.versions.includes(0x0304))
    assert.ok(read.signatureAlgorithms.includes(0x0403))
  })

  it('tells what a TLS 1.2 client offers', async () => {
    const read = readClientHello(await helloOf({ maxVersion: 'TLSv1.2', ecdhCurve: 'P-256' }))
    assert.ok(read !== null && read !== 'malformed')
    assert.deepEqual([read.sni, read.alpn, read.groups, read.keyShares, read.versions], ['', [], [0x17], [], []])
  })

  it('waits for the rest, byte by byte and record by record', () => {
    for (let length = 0; length < hello.length; length += 1) {
      assert.equal(readClientHello(hello.subarray(0, length)), null, `${length} bytes`)
    }
    for (const size of [1, 3, 100, 700])
      assert.deepEqual(readClientHello(inRecords(hello, size)), readClientHello(hello))
  })

  it('what is no ClientHello is malformed at once', () => {
    const cases: readonly (readonly number[])[] = [
      [22, 2, 0, 0, 4],
      [23, 3, 1, 0, 4],
      [22, 3, 1, 0, 0],
      [22, 3, 1, 0, 4, 2, 0, 0, 40],
      [22, 3, 1, 0, 4, 1, 0, 0, 0],
      [22, 3, 1, 0, 4, 1, 1, 0, 0],
      [22, 3, 1, 0, 6, 1, 0, 0, 2, 3, 3],
    ]
    for (const bytes of cases) assert.equal(readClientHello(Buffer.from(bytes)), 'malformed', bytes.join(' '))
  })

  it('a server name of strange characters is none', async () => {
    const strange = Buffer.from(hello)
    strange.write('\x1b[31mx', strange.indexOf('db.example'), 'latin1')
    const read = readClientHello(strange)
    assert.ok(read !== null && read !== 'malformed')
    assert.equal(read.sni, '')
  })

  it('survives whatever a stranger sends', () => {
    const mutated = fc
      .tuple(
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 8 }),
        fc.nat(),
        fc.integer({ min: 1, max: 2_000 }),
      )
      .map(([changes, length, size]) => {
        const bytes = Buffer.from(hello)
        for (const [at, value] of changes) bytes[5 + (at % (bytes.length - 5))] = value
        const whole = inRecords(bytes, size)
        return length % 3 === 0 ? whole.subarray(0, length % whole.length) : whole
      })
    const anything = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes))
    const likely = anything.map((bytes) => Buffer.concat([Buffer.from([22, 3, 1, 0, 255, 1, 0, 0, 251]), bytes]))
    fc.assert(
      fc.property(fc.oneof(mutated, anything, likely), (bytes) => {
        const read = readClientHello(bytes)
        if (read === null || read === 'malformed') return
        for (const list of [read.groups, read.keyShares, read.versions]) assert.ok(list.every(Number.isInteger))
        assert.match(read.sni, /^[\w.-]*$/)
      }),
      { numRuns: 20_000 },
    )
  })
})
