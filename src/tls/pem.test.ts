import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isCertificate, isEncrypted, isPrivateKey, pemBlocks } from './pem.ts'

const block = (label: string, body = 'AAAA') => `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`

describe('pem blocks', () => {
  it('come in order, with text between them ignored', () => {
    const { blocks, unfinished } = pemBlocks(`subject=x\n${block('EC PARAMETERS')}\nnote\r\n${block('EC PRIVATE KEY')}`)
    assert.deepEqual(
      blocks.map((found) => found.label),
      ['EC PARAMETERS', 'EC PRIVATE KEY'],
    )
    assert.equal(unfinished, false)
  })

  it('tell a cut file', () => {
    const whole = block('CERTIFICATE')
    for (let length = '-----BEGIN '.length; length < whole.trimEnd().length; length += 1) {
      assert.equal(pemBlocks(whole + whole.slice(0, length)).unfinished, true, `cut at ${length}`)
    }
    assert.equal(pemBlocks(`-----BEGIN A-----\n${block('B')}`).unfinished, true)
  })

  it('are told apart', () => {
    const of = (label: string, body?: string) => {
      const found = pemBlocks(block(label, body)).blocks[0]
      assert.ok(found)
      return [isCertificate(found), isPrivateKey(found), isEncrypted(found)]
    }
    assert.deepEqual(of('CERTIFICATE'), [true, false, false])
    assert.deepEqual(of('PRIVATE KEY'), [false, true, false])
    assert.deepEqual(of('RSA PRIVATE KEY'), [false, true, false])
    assert.deepEqual(of('ENCRYPTED PRIVATE KEY'), [false, true, true])
    assert.deepEqual(of('EC PRIVATE KEY', 'Proc-Type: 4,ENCRYPTED\n\nAAAA'), [false, true, true])
    assert.deepEqual(of('PUBLIC KEY'), [false, false, false])
    assert.deepEqual(of('CERTIFICATE REQUEST'), [false, false, false])
  })
})
