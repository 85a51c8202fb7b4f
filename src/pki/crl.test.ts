/** Our reading of revocation lists against the certificate library's, and against damage. */
import 'reflect-metadata'
import assert from 'node:assert/strict'
import { randomBytes, webcrypto, X509Certificate } from 'node:crypto'
import { before, describe, it } from 'node:test'
import * as x509 from '@peculiar/x509'
import { CRL_REASONS, type CrlReason } from './crl-entries.ts'
import { crlIssuer, readCrl } from './crl-read.ts'
import { derChildren, derElement, derWrap } from './der.ts'

x509.cryptoProvider.set(webcrypto)

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const ALGORITHMS = {
  ec: EC,
  ec384: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  rsa: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
  pss: {
    name: 'RSA-PSS',
    hash: 'SHA-256',
    saltLength: 32,
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
  ed25519: { name: 'Ed25519' },
  sha1: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-1', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
} as const

interface Issuer {
  readonly keys: webcrypto.CryptoKeyPair
  readonly certificate: X509Certificate
  readonly algorithm: (typeof ALGORITHMS)[keyof typeof ALGORITHMS]
}

async function issuer(kind: keyof typeof ALGORITHMS, usages = x509.KeyUsageFlags.cRLSign): Promise<Issuer> {
  const algorithm = ALGORITHMS[kind]
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${kind}, O=Example`,
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true), new x509.KeyUsagesExtension(usages, true)],
  })
  return { keys, certificate: new X509Certificate(Buffer.from(certificate.rawData)), algorithm }
}

interface Entry {
  readonly serial: string
  readonly reason: CrlReason
}

async function list(by: Issuer, entries: readonly Entry[], number = 7): Promise<Buffer> {
  const crl = await x509.X509CrlGenerator.create({
    issuer: new x509.X509Certificate(by.certificate.raw).subjectName,
    thisUpdate: new Date('2026-01-01T00:00:00Z'),
    nextUpdate: new Date('2060-01-01T00:00:00Z'),
    entries: entries.map(({ serial, reason }) => ({
      serialNumber: serial,
      revocationDate: new Date('2025-12-31T00:00:00Z'),
      ...(reason === 'unspecified' ? {} : { reason: CRL_REASONS[reason] }),
    })),
    extensions: [
      await x509.AuthorityKeyIdentifierExtension.create(by.keys.publicKey),
      new x509.Extension('2.5.29.20', false, Buffer.from([2, 1, number])),
    ],
    signingKey: by.keys.privateKey,
    signingAlgorithm: by.algorithm,
  })
  return Buffer.from(crl.rawData)
}

const randomEntries = (count: number): Entry[] =>
  Array.from({ length: count }, (_, index) => ({
    serial: `${['00', '7f', '01', '4c'][index % 4]}${randomBytes(1 + (index % 15)).toString('hex')}${index.toString(16).padStart(4, '0')}`,
    reason: (Object.keys(CRL_REASONS) as CrlReason[])[index % 10] ?? 'unspecified',
  }))
const bare = (serial: string) => serial.toUpperCase().replace(/^0+/, '')

describe('a revocation list', () => {
  let ec: Issuer
  before(async () => {
    ec = await issuer('ec')
  })

  it('is read as the certificate library reads it', async () => {
    for (const count of [0, 1, 40, 1_100]) {
      const entries = randomEntries(count)
      const der = await list(ec, entries)
      const [ours, theirs] = [await readCrl(der), new x509.X509Crl(der, { berOptions: { maxNodes: 1e6 } })]
      assert.equal(ours.size, count)
      assert.equal(ours.issuer, theirs.issuer)
      assert.deepEqual([ours.thisUpdate, ours.nextUpdate], [theirs.thisUpdate, theirs.nextUpdate])
      assert.equal(ours.number, 7n)
      assert.equal(ours.unusable, null)
      if (count > 100) continue
      for (const entry of theirs.entries) {
        const found = ours.find(bare(entry.serialNumber))
        assert.deepEqual(found?.since, entry.revocationDate)
        assert.equal(CRL_REASONS[found?.reason ?? 'removeFromCRL'], entry.reason ?? 0)
      }
      assert.deepEqual(
        [...ours.entries()].map(([serial]) => serial),
        entries.map(({ serial }) => bare(serial)),
      )
      assert.equal(ours.find('ABCDEF'), null)
    }
  })

  it('is signed by its issuer in every usual algorithm, and by nobody else; SHA-1 is not usable', async () => {
    for (const kind of ['ec', 'ec384', 'rsa', 'pss', 'ed25519'] as const) {
      const by = await issuer(kind)
      const crl = await readCrl(await list(by, randomEntries(3)))
      const { publicKey } = by.certificate
      assert.equal(crl.unusable, null, kind)
      assert.equal(crl.isSignedBy(publicKey), true, kind)
      assert.equal(await crl.verifySignature(publicKey), true, kind)
      const stranger = (await issuer(kind)).certificate.publicKey
      assert.equal(crl.isSignedBy(stranger), false, kind)
      assert.equal(await crl.verifySignature(stranger), false, kind)
      assert.equal(crl.isSignedBy((await issuer(kind === 'rsa' ? 'ec' : 'rsa')).certificate.publicKey), false, kind)
    }
    const weak = await issuer('sha1')
    const crl = await readCrl(await list(weak, []))
    assert.match(crl.unusable ?? '', /signature algorithm is not accepted/)
    assert.equal(crl.isSignedBy(weak.certificate.publicKey), false)
  })

  it('belongs to a certificate that may sign lists, by name and key usage', async () => {
    const crl = await readCrl(await list(ec, []))
    const facts = crlIssuer(x509, ec.certificate)
    assert.deepEqual(facts.subjectDer, crl.issuerDer)
    assert.equal(facts.maySignCrls, true)
    const other = await issuer('ec', x509.KeyUsageFlags.keyCertSign)
    assert.equal(crlIssuer(x509, other.certificate).maySignCrls, false)
  })

  it('with any byte changed is no list, or not signed: 3,000 mutations, none slow', async () => {
    const der = await list(ec, randomEntries(5))
    const { publicKey } = ec.certificate
    assert.equal((await readCrl(der)).isSignedBy(publicKey), true)
    let slowest = 0
    for (let round = 0; round < 3_000; round += 1) {
      const mutant = mutate(der, round)
      if (mutant.equals(der)) continue
      const begun = performance.now()
      const signed = await readCrl(mutant).then(
        (crl) => crl.isSignedBy(publicKey),
        () => false,
      )
      slowest = Math.max(slowest, performance.now() - begun)
      assert.equal(signed, false, `round ${round}`)
    }
    assert.ok(slowest < 2_000, `${slowest} ms`)
  })
})

/** One byte changed, cut off, doubled or put in; where, is drawn. */
function mutate(bytes: Buffer, round: number): Buffer {
  const at = randomBytes(4).readUInt32LE() % bytes.length
  const drawn = randomBytes(1)
  switch (round % 4) {
    case 0: {
      const copy = Buffer.from(bytes)
      copy[at] = drawn[0] ?? 0
      return copy
    }
    case 1:
      return bytes.subarray(0, at)
    case 2:
      return Buffer.concat([bytes.subarray(0, at), drawn, bytes.subarray(at)])
    default:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
  }
}

describe('DER elements', () => {
  it('are written as they are read, whatever their length', () => {
    for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536, 16_777_216]) {
      const content = Buffer.alloc(length, 5)
      const wrapped = derWrap(0x30, content)
      const element = derElement(wrapped, 0, wrapped.length)
      assert.deepEqual([element.tag, element.end - element.body, element.end], [0x30, length, wrapped.length])
    }
  })

  it('that are not DER are refused: long forms, indefinite lengths, ends beyond their container', () => {
    for (const hex of [
      '3080',
      '308101',
      '30820001',
      '3005020101',
      '30',
      '',
      '3f0100',
      '308500000000010000',
      '300302010102',
    ]) {
      const bytes = Buffer.from(hex, 'hex')
      assert.throws(() => {
        const element = derElement(bytes, 0, bytes.length)
        if (element.end !== bytes.length) throw new RangeError('more follows')
        derChildren(bytes, element)
      }, RangeError)
    }
  })
})
