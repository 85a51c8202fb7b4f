import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { make } from '../../../test/support/certificates.ts'
import { type DenyEntry, DenyList, denyKey, formatDenyEntry, parseDenyList, spki256 } from './deny-list.ts'
import { canonicalSerial } from './serial.ts'

const hex = (min: number, max: number) =>
  fc.array(fc.constantFrom(...'0123456789abcdef'), { minLength: min, maxLength: max }).map((digits) => digits.join(''))
const words = fc.string({ maxLength: 40 }).map((text) => text.replace(/\p{Cc}/gu, ' ').trim())
const names = fc
  .stringMatching(/^[A-Z]{1,3}=[ -~]{1,30}$/)
  .map((name) => name.trim())
  .filter((name) => !name.includes('\\'))

const PLAIN = { noNullPrototype: true }

const entries: fc.Arbitrary<DenyEntry> = fc.oneof(
  fc.record(
    {
      kind: fc.constant('serial' as const),
      value: hex(1, 40).map(canonicalSerial),
      issuer: fc.option(names),
      reason: words,
    },
    PLAIN,
  ),
  fc.record(
    {
      kind: fc.constantFrom('spki' as const, 'sha256' as const),
      value: hex(64, 64),
      issuer: fc.constant(null),
      reason: words,
    },
    PLAIN,
  ),
)

describe('a deny list', () => {
  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.array(entries, { maxLength: 20 }), (list) => {
        const parsed = parseDenyList(`# a comment\n\n${list.map((entry) => `${formatDenyEntry(entry)}\r\n`).join('')}`)
        assert.deepEqual(parsed.faults, [])
        assert.deepEqual(parsed.entries, list)
      }),
    )
  })

  it('never throws, and takes no line for a comment that is none', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        const { entries: found, faults } = parseDenyList(text)
        const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('#'))
        assert.equal(found.length + faults.length, lines.length)
      }),
    )
  })

  it('names the line and what is wrong with it', () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['0A1B', /not an entry/],
      ['serial:xyz', /not hexadecimal/],
      ['serial: 12', /not an entry/],
      ['spki:abc', /64 hexadecimal digits, this has 3/],
      ['serial:12 13', /unexpected text after the entry: 13/],
      ['serial:12# glued', /unexpected text after the entry: glued/],
      [`spki:${'0'.repeat(64)} issuer:CN=x`, /issuer: goes with serial: only/],
    ]
    for (const [line, message] of cases) {
      const [fault] = parseDenyList(`serial:1\n${line}`).faults
      assert.equal(fault?.line, 2, line)
      assert.match(fault?.message ?? '', message)
    }
  })

  it('finds a certificate by serial number, issuer, key and bytes, in any way of writing them', async () => {
    const ca = await make({ cn: 'ca # 1', ca: true })
    const made = await make({ cn: 'x', by: ca })
    const certificate = new X509Certificate(made.pem)
    const serial = certificate.serialNumber
    const colons = (text: string) => text.match(/../g)?.join(':') ?? ''
    const finds = (line: string) => new DenyList(parseDenyList(line).entries).find(certificate) !== null
    assert.ok(finds(`serial:${serial.toLowerCase()}`))
    assert.ok(finds(`serial:0000${serial}`))
    assert.ok(finds(`serial:${colons(serial)}`))
    assert.ok(finds(`serial:${serial} issuer:CN=ca \\# 1 # the reason`))
    assert.ok(!finds(`serial:${serial} issuer:CN=ca # 1`))
    assert.ok(!finds(`serial:${serial}0`))
    assert.ok(finds(`spki:${spki256(certificate).toUpperCase()}`))
    assert.ok(finds(`SHA256:${certificate.fingerprint256}`))
    assert.ok(!finds(`spki:${'0'.repeat(64)}`))
  })

  it('by sha256: misses a certificate whose ECDSA signature its holder changed; serial: and spki: do not', async () => {
    const ca = await make({ cn: 'ca', ca: true })
    const made = await make({ cn: 'x', by: ca })
    const before = new X509Certificate(made.pem)
    const after = new X509Certificate(flipEcdsa(before.raw))
    const issuer = new X509Certificate(ca.pem)
    assert.ok(after.verify(issuer.publicKey), 'still a certificate of that authority')
    const lines = [`sha256:${before.fingerprint256}`, `serial:${before.serialNumber}`, `spki:${spki256(before)}`]
    const found = lines.map((line) => new DenyList(parseDenyList(line).entries).find(after) !== null)
    assert.deepEqual(found, [false, true, true])
  })

  it('keeps one entry of the same certificate', () => {
    const list = new DenyList(parseDenyList('serial:0A\nserial:a # again\nserial:A issuer:CN=x\n').entries)
    assert.deepEqual(
      [...list.entries.keys()].map((key) => key.trim()),
      ['serial:A', 'serial:A CN=x'],
    )
    assert.equal(denyKey({ kind: 'serial', value: 'A', issuer: null }).trim(), 'serial:A')
  })
})

/** Turns the (r, s) that ends an ECDSA certificate into (r, n - s), which verifies as well: anybody can. */
function flipEcdsa(certificate: Buffer): Buffer {
  const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
  // SEQUENCE { INTEGER r, INTEGER s } within the BIT STRING at the end.
  const r = (from: number) => ({ length: certificate[from + 1] ?? 0, at: from + 2 })
  for (let at = certificate.length - 80; at < certificate.length; at += 1) {
    if (certificate[at] !== 0x30 || certificate[at + 1] !== certificate.length - at - 2 || certificate[at + 2] !== 0x02)
      continue
    const first = r(at + 2)
    const second = r(first.at + first.length)
    const s = BigInt(`0x${certificate.subarray(second.at, second.at + second.length).toString('hex')}`)
    let digits = (order - s).toString(16)
    digits = digits.length % 2 === 0 ? digits : `0${digits}`
    if (Number.parseInt(digits.slice(0, 2), 16) >= 0x80) digits = `00${digits}`
    const body = Buffer.from(digits, 'hex')
    // Lengths of the containers change with that of s; only a flip of equal length keeps this short.
    if (body.length !== second.length) return resized(certificate, at, second.at, body)
    return Buffer.concat([certificate.subarray(0, second.at), body])
  }
  throw new Error('no ECDSA signature at the end')
}

function resized(certificate: Buffer, sequence: number, s: number, body: Buffer): Buffer {
  const copy = Buffer.concat([certificate.subarray(0, s), body])
  const grown = copy.length - certificate.length
  copy[s - 1] = body.length
  for (const length of [sequence + 1, sequence - 2]) copy[length] = (copy[length] ?? 0) + grown
  copy.writeUInt16BE(copy.readUInt16BE(2) + grown, 2)
  return copy
}
