import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EXIT, StartError } from '../errors/start-error.ts'
import { parseTarget, place } from './target.ts'

describe('the address of a server', () => {
  it('is read as Milvus clients take it', () => {
    assert.deepEqual(parseTarget('https://db.example:443'), { host: 'db.example', port: 443, tls: true })
    assert.deepEqual(parseTarget('http://10.0.0.7:80/'), { host: '10.0.0.7', port: 80, tls: false })
    assert.deepEqual(parseTarget('HTTPS://h/mydb?x=1'), { host: 'h', port: 19530, tls: true })
    assert.deepEqual(parseTarget(' localhost '), { host: 'localhost', port: 19530, tls: true })
    assert.deepEqual(parseTarget('https://[::1]:1'), { host: '::1', port: 1, tls: true })
    assert.equal(place('::1', 1), '[::1]:1')
  })

  it('is refused where it is none, and what may be a password is not repeated', () => {
    for (const text of ['', 'https://', 'tcp://h:1', 'https://h:0', 'h:70000', 'a b', '::1', '[x]:1', 'u:s3cret@h:1']) {
      assert.throws(
        () => parseTarget(text),
        (error) =>
          error instanceof StartError &&
          error.exitCode === EXIT.usage &&
          !/s3cret/.test(`${error.message}${error.hint}`),
        text,
      )
    }
  })
})
