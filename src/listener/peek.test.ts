import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { opening } from './peek.ts'

describe('opening', () => {
  const cases: readonly (readonly [string, ReturnType<typeof opening>])[] = [
    ['', null],
    ['P', null],
    ['PR', null],
    ['PRI', 'h2'],
    ['PRI * HTTP/2.0', 'h2'],
    ['PRO', 'http/1.1'],
    ['PROPFIND /', 'http/1.1'],
    ['PU', 'http/1.1'],
    ['G', 'http/1.1'],
    ['get', 'http/1.1'],
    ['\x16', 'tls'],
    ['\x16\x03\x01', 'tls'],
    ['\x15', 'unknown'],
    ['\x80\x2e', 'unknown'],
    ['\r\n', 'unknown'],
    ['\0', 'unknown'],
  ]
  for (const [bytes, expected] of cases) {
    it(`${JSON.stringify(bytes)} is ${expected}`, () => assert.equal(opening(Buffer.from(bytes, 'latin1')), expected))
  }
})
