import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { UpstreamConfig, UpstreamCredentials } from '../config/upstream.ts'
import { Secret } from '../model/calls.ts'
import { grpcTimeout, RequestHeaders } from './headers.ts'

const config = (credentials: UpstreamCredentials): UpstreamConfig => ({
  uri: 'http://h:1',
  host: 'h',
  port: 1,
  tls: null,
  serverName: 'h',
  credentials,
  connections: 1,
  connectTimeoutMs: 1,
  keepaliveMs: 1,
})
const given = {
  ':path': '/other',
  ':authority': 'client.sees',
  host: 'client.sees',
  te: 'trailers',
  'grpc-timeout': '5S',
  'content-length': '9',
  connection: 'x',
  authorization: 'bWU6cGFzcw==',
  'a-bin': ['AA', 'BB'],
  'user-agent': 'u',
}

describe('request headers', () => {
  const of = (credentials: UpstreamCredentials) => new RequestHeaders(config(credentials)).of('/s/M', given)
  const fixed = { ':method': 'POST', ':scheme': 'http', ':authority': 'h:1', ':path': '/s/M', te: 'trailers' }
  const kept = { 'a-bin': ['AA', 'BB'], 'user-agent': 'u' }

  it('are the caller’s, but those of one hop; the login by mode', () => {
    assert.deepEqual(of({ kind: 'passed' }), { ...fixed, ...kept, authorization: given.authorization })
    assert.deepEqual(of({ kind: 'checked' }), { ...fixed, ...kept })
    const mapped = of({ kind: 'mapped', user: 'one', password: new Secret('pä:ss') })
    assert.deepEqual(mapped, { ...fixed, ...kept, authorization: Buffer.from('one:pä:ss').toString('base64') })
  })

  it('carry durations of at most eight digits, never none', () => {
    const cases: readonly (readonly [number, string])[] = [
      [0, '1u'],
      [0.5, '500u'],
      [30_000, '30000000u'],
      [99_999.999, '99999999u'],
      [100_000, '100000m'],
      [2 ** 31, '99999999m'],
    ]
    for (const [milliseconds, text] of cases) assert.equal(grpcTimeout(milliseconds), text)
  })
})
