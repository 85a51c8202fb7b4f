import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { child, DerError, integer, octets, oid, readDer, TAG } from './der.ts'

const hex = (text: string) => readDer(Buffer.from(text.replaceAll(' ', ''), 'hex'))

describe('readDer', () => {
  it('reads nested elements, their values and their bytes', () => {
    const der = hex('30 0d 02 01 05 06 08 2a 86 48 86 f7 0d 02 09 ff')
    assert.equal(der.tag, TAG.sequence)
    assert.equal(integer(child(der, 0, TAG.integer)), 5)
    assert.equal(oid(child(der, 1, TAG.oid)), '1.2.840.113549.2.9')
    assert.equal(der.whole.length, 15, 'what follows is not part of it')
  })

  it('reads lengths of several bytes, and none at all', () => {
    const long = `0482 0101${'ab'.repeat(257)}`
    assert.equal(octets(hex(long)).length, 257)
    const der = hex('30 80 02 01 07 24 80 04 02 01 02 04 01 03 00 00 00 00 99')
    assert.equal(integer(child(der, 0, TAG.integer)), 7)
    assert.deepEqual([...octets(child(der, 1, TAG.octets))], [1, 2, 3])
    assert.equal(der.whole.length, 18)
  })

  for (const [name, bytes] of Object.entries({
    nothing: '',
    'a length beyond the end': '30 05 02 01',
    'an element beyond its parent': '30 03 02 05 01 02 03 04 05',
    'no end of an indefinite length': '30 80 02 01 07',
    'an indefinite primitive': '04 80 01 00 00',
    'a length of five bytes': '04 85 01 00 00 00 00',
    'a long tag': '1f 81 01 00',
    'endless nesting': '30 80'.repeat(100),
  })) {
    it(`refuses ${name}`, () => assert.throws(() => hex(bytes), DerError))
  }
})
