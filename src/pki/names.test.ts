import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EXIT, StartError } from '../errors/start-error.ts'
import { clientNames, parseServerName, serverNames } from './names.ts'
import { alternativeNames } from './read.ts'
import { formatSerialFile, parseSerialFile, randomSerial } from './serial.ts'
import { authorityName, distinguishedName } from './subject.ts'

const usage = (pattern: RegExp) => (error: unknown) =>
  error instanceof StartError && error.exitCode === EXIT.usage && pattern.test(error.message) && error.hint !== null

describe('names of certificates', () => {
  it('tells addresses from host names, and spells both one way', () => {
    assert.deepEqual(parseServerName('10.0.0.5'), { type: 'ip', value: '10.0.0.5' })
    assert.deepEqual(parseServerName('[0:0:0:0:0:0:0:1]'), { type: 'ip', value: '::1' })
    assert.deepEqual(parseServerName('DB.Example.com'), { type: 'dns', value: 'db.example.com' })
    assert.deepEqual(parseServerName('*.example.com'), { type: 'dns', value: '*.example.com' })
    assert.deepEqual(parseServerName('milvus_standalone'), { type: 'dns', value: 'milvus_standalone' })
    assert.deepEqual(parseServerName('bücher.example'), { type: 'dns', value: 'xn--bcher-kva.example' })
  })

  it('refuses what no client can dial', () => {
    for (const wrong of ['', 'https://x', 'host:19530', 'a b', '10.0.0.256', '-x', 'a..b', '*', 'a.*.b', 'a\nb']) {
      assert.throws(() => parseServerName(wrong), usage(/is not a host name or IP address/), wrong)
    }
  })

  it('gives a server its name, the given ones and the local ones, each once', () => {
    const names = serverNames('localhost', ['::1', 'db', 'DB']).map((name) => name.value)
    assert.deepEqual(names, ['localhost', '::1', 'db', '127.0.0.1'])
  })

  it('gives a client no name that a server could have', () => {
    assert.deepEqual(clientNames('etl'), [{ type: 'dns', value: 'etl' }])
    assert.deepEqual(clientNames('ann@example.com'), [{ type: 'email', value: 'ann@example.com' }])
    assert.deepEqual(clientNames('Ann Smith'), [])
  })

  it('reads the text form of alternative names, quoted values and spelled-out addresses', () => {
    const text = 'DNS:localhost, IP Address:0:0:0:0:0:0:0:1, DNS:"a, DNS:b"'
    assert.deepEqual(alternativeNames(text), ['localhost', '::1', '"a, DNS:b"'])
    assert.deepEqual(alternativeNames(undefined), [])
  })
})

describe('subjects and serials', () => {
  it('puts attributes into the order C, ST, L, O, OU, CN', () => {
    const name = distinguishedName({ unit: 'u', organization: 'o', country: 'DE', location: 'l', state: 's' }, 'n')
    assert.deepEqual(
      name.map((attribute) => Object.keys(attribute)[0]),
      ['C', 'ST', 'L', 'O', 'OU', 'CN'],
    )
  })

  it('refuses values that a certificate cannot hold, naming field and value', () => {
    assert.throws(() => distinguishedName({ country: 'Germany' }, 'n'), usage(/country has 7 characters, at most 2/))
    assert.throws(() => distinguishedName({ country: 'de' }, 'n'), usage(/country "de" is not a country code/))
    assert.throws(() => distinguishedName({ unit: 'a\0b' }, 'n'), usage(/unit "a\\u0000b" holds a control character/))
    assert.throws(() => distinguishedName({}, 'x'.repeat(65)), usage(/common name has 65 characters/))
    assert.throws(() => distinguishedName({ state: ' ' }, 'n'), usage(/state " " is empty/))
  })

  it('keeps the name of an authority within its 64 characters', () => {
    assert.equal(authorityName(undefined, 'ABCD1234'), 'Redkite private CA ABCD1234')
    assert.equal([...authorityName('o'.repeat(64), 'ABCD1234')].length, 64)
    assert.match(authorityName('o'.repeat(64), 'ABCD1234'), / private CA ABCD1234$/)
  })

  it('makes serials of 32 digits that differ, and reads ca.srl as OpenSSL does', () => {
    const serials = new Set(Array.from({ length: 1000 }, randomSerial))
    assert.equal(serials.size, 1000)
    for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{31}$/)
    assert.equal(parseSerialFile(formatSerialFile('0A')), '0A')
    assert.equal(parseSerialFile('not hex'), null)
    assert.equal(parseSerialFile('F'.repeat(41)), null)
  })
})
