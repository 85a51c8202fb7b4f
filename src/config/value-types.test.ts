import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Secret } from '../model/calls.ts'
import * as types from './value-types.ts'

function read<T>(type: types.ValueType<T>, text: string): T | string {
  const parsed = type.schema.safeParse(text)
  return parsed.success ? parsed.data : (parsed.error.issues[0]?.message ?? '')
}

describe('value types', () => {
  it('reads whole numbers strictly', () => {
    assert.equal(read(types.int(0, 10), ' 7 '), 7)
    for (const bad of ['7x', '1e1', '0x7', '7.0', '11', '-1', 'seven', '9007199254740993']) {
      assert.equal(read(types.int(0, 10), bad), 'must be a whole number, 0 to 10', bad)
    }
    assert.equal(read(types.intCapped(1, 72), '256'), 72)
    assert.equal(read(types.port, '70000'), 'must be a port number, 0 to 65535')
  })

  it('reads an empty port as none', () => {
    assert.equal(read(types.optionalPort, ''), null)
    assert.equal(read(types.optionalPort, '8080'), 8080)
    assert.equal(read(types.optionalPort, 'http'), 'must be empty or a port number, 0 to 65535')
  })

  it("reads Go's booleans and no others", () => {
    for (const yes of ['1', 't', 'T', 'true', 'TRUE', 'True']) assert.equal(read(types.bool, yes), true)
    for (const no of ['0', 'f', 'F', 'false', 'FALSE', 'False']) assert.equal(read(types.bool, no), false)
    for (const bad of ['yes', 'on', 'tRue', '2']) assert.equal(read(types.bool, bad), 'must be true or false')
  })

  it("reads Go's durations in milliseconds", () => {
    const seconds = types.duration('s')
    assert.equal(read(seconds, '5s'), 5000)
    assert.equal(read(seconds, '1m30s'), 90_000)
    assert.equal(read(seconds, '1.5h'), 5_400_000)
    assert.equal(read(seconds, '300ms'), 300)
    assert.equal(read(seconds, '30'), 30_000)
    assert.equal(read(types.duration('ms'), '30'), 30)
    for (const bad of ['5 s', 's', '-5s', '5x']) assert.match(String(read(seconds, bad)), /^must be a duration/)
  })

  it('reads lists, words and secrets', () => {
    assert.deepEqual(read(types.list, ' root, admin ,,'), ['root', 'admin'])
    assert.deepEqual(read(types.list, ''), [])
    assert.equal(read(types.oneOf(['debug', 'info']), 'INFO'), 'info')
    assert.equal(read(types.oneOf(['debug', 'info']), 'loud'), 'must be one of debug, info')
    const secret = read(types.secret, 'Milvus')
    assert.ok(secret instanceof Secret)
    assert.equal(`${secret}`, '***')
  })

  it('takes no tlsMode but 0, 1 and 2', () => {
    assert.equal(read(types.tlsMode, '0'), 0)
    assert.equal(read(types.tlsMode, '2'), 2)
    for (const bad of ['', 'two', '3', '-1', '1.0', '01', '1abc', 'true', 'NaN']) {
      assert.equal(read(types.tlsMode, bad), types.TLS_MODE_TEXT, bad)
    }
  })
})
