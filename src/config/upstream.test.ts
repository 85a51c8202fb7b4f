import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { load, refusal } from './test-support.ts'

const withKeys = (...set: string[]) => load({ flags: { set } }).config.upstream
const refused = (...set: string[]) => refusal({ flags: { set } })
const CA = 'redkite.upstream.caPemPath=/ca'
const uri = (text: string) => `redkite.upstream.uri=${text}`

describe('the upstream', () => {
  it('is a scheme, a host and a port', () => {
    assert.equal(withKeys(), null)
    const targets = ['http://h', 'http://h:80', 'http://[::1]:5', 'http://10.0.0.1:7/'].map((text) =>
      withKeys(uri(text)),
    )
    assert.deepEqual(
      targets.map((one) => one && [one.uri, one.host, one.port, one.serverName]),
      [
        ['http://h:19530', 'h', 19530, 'h'],
        ['http://h:80', 'h', 80, 'h'],
        ['http://[::1]:5', '::1', 5, '::1'],
        ['http://10.0.0.1:7', '10.0.0.1', 7, '10.0.0.1'],
      ],
    )
    assert.equal(withKeys(uri('https://h:443'), CA)?.port, 443)
    for (const bad of ['h:1', 'ftp://h', 'http://h/path', 'http://h?x=1', 'http://', 'grpc://h:1']) {
      assert.match(refused(uri(bad)).message, /redkite\.upstream\.uri must be http:\/\/host:port/, bad)
    }
    assert.doesNotMatch(refused(uri('http://me:secret@h:1')).message, /secret/)
  })

  it('needs its files, falls back to internaltls.*, and takes half a pair for a slip', () => {
    assert.match(
      refused(uri('https://h')).message,
      /redkite\.upstream\.uri is https and redkite\.upstream\.caPemPath is empty/,
    )
    const half = refused(uri('https://h'), CA, 'redkite.upstream.clientPemPath=/c')
    assert.match(half.message, /clientPemPath is given and redkite\.upstream\.clientKeyPath is not/)
    const own = withKeys(uri('https://h'), CA, 'redkite.upstream.sni=n')
    assert.deepEqual([own?.tls?.caPem, own?.tls?.client, own?.serverName], ['/ca', null, 'n'])
    const shared = ['serverPemPath=/s', 'serverKeyPath=/k', 'caPemPath=/c', 'sni=node'].map(
      (one) => `internaltls.${one}`,
    )
    const on = 'common.security.internaltlsEnabled=true'
    const both = withKeys(uri('https://h'), on, ...shared)
    assert.deepEqual([both?.tls?.caPem, both?.tls?.client, both?.serverName], ['/c', { pem: '/s', key: '/k' }, 'node'])
    const mixed = withKeys(
      uri('https://h'),
      CA,
      'redkite.upstream.clientPemPath=/p',
      'redkite.upstream.clientKeyPath=/q',
      on,
    )
    assert.deepEqual([mixed?.tls?.caPem, mixed?.tls?.client], ['/ca', { pem: '/p', key: '/q' }])
    assert.equal(withKeys(uri('https://h'), CA, ...shared)?.tls?.client, null, 'off: internaltls.* is not looked at')
    assert.match(refused(uri('http://h'), on, ...shared).message, /internaltlsEnabled is on, and .* is plaintext/)
  })

  it('sees a login by mode; a mode that checks needs authorisation', () => {
    const login = 'common.security.authorizationEnabled=true'
    const mode = (kind: string) => `redkite.upstream.credentials=${kind}`
    assert.deepEqual(withKeys(uri('http://h'))?.credentials, { kind: 'passed' })
    assert.match(refused(uri('http://h'), mode('checked')).message, /is checked, and .*authorizationEnabled is off/)
    assert.deepEqual(withKeys(uri('http://h'), mode('checked'), login)?.credentials, { kind: 'checked' })
    assert.match(refused(uri('http://h'), mode('mapped'), login).message, /redkite\.upstream\.user is empty/)
    const user = 'redkite.upstream.user=one'
    assert.match(refused(uri('http://h'), mode('mapped'), login, user).message, /redkite\.upstream\.password is empty/)
    const mapped = withKeys(uri('http://h'), mode('mapped'), login, user, 'redkite.upstream.password=secret')
    assert.equal(mapped?.credentials.kind, 'mapped')
    assert.doesNotMatch(JSON.stringify(mapped), /secret/)
  })
})
