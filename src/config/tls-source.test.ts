import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { load, refusal, root, withSet, workingDirectory } from './test-support.ts'

const on = 'common.security.tlsMode=1'
const mutual = 'common.security.tlsMode=2'

describe('the source of key material', () => {
  it('is the paths, as in Milvus', () => {
    const { mode, source, passphrase, caKeyPath } = withSet(
      on,
      'tls.serverPemPath=a.pem',
      'tls.serverKeyPath=a.key',
    ).tls
    assert.deepEqual(mode, { kind: 'oneWay', serverPem: join(root, 'a.pem'), serverKey: join(root, 'a.key') })
    assert.deepEqual([source, passphrase, caKeyPath], [{ kind: 'files' }, null, null])
  })

  it('is a directory, by the names its files have', () => {
    const cwd = workingDirectory({ 'secret/tls.crt': '', 'secret/tls.key': '', 'set/server.pem': '' })
    const modeOf = (dir: string) => load({ cwd, flags: { set: [mutual, `redkite.tls.dir=${dir}`] } }).config.tls
    const at = (path: string) => join(cwd, path)
    assert.deepEqual(modeOf('secret').mode, {
      kind: 'mutual',
      serverPem: at('secret/tls.crt'),
      serverKey: at('secret/tls.key'),
      caPem: at('secret/ca.crt'),
    })
    assert.deepEqual(modeOf('secret').source, { kind: 'directory', path: at('secret') })
    assert.match(JSON.stringify(modeOf('set').mode), /set\/server\.key/)
    assert.match(JSON.stringify(modeOf('not-there-yet').mode), /not-there-yet\/server\.pem/)
  })

  it('is a PKCS#12 bundle, with its own CA or that of tls.caPemPath', () => {
    const path = join(root, 'a.p12')
    const pair = { serverPem: path, serverKey: path }
    const set = ['redkite.tls.pkcs12Path=a.p12', 'redkite.tls.passphraseCommand=pass show tls']
    const oneWay = withSet(on, ...set).tls
    assert.deepEqual(oneWay.mode, { kind: 'oneWay', ...pair })
    assert.ok(oneWay.passphrase?.kind === 'command')
    assert.equal(oneWay.passphrase.command.reveal(), 'pass show tls')
    assert.doesNotMatch(JSON.stringify(oneWay), /pass show/, 'its arguments may hold a token')
    assert.deepEqual(withSet(mutual, ...set).tls.mode, { kind: 'mutual', ...pair, caPem: path })
    assert.deepEqual(withSet(mutual, ...set, 'tls.caPemPath=ca.pem').tls.mode, {
      kind: 'mutual',
      ...pair,
      caPem: join(root, 'ca.pem'),
    })
  })

  it('of --auto-tls has its CA key; otherwise one may be named', () => {
    const auto = load({ flags: { autoTls: true, data: 'd' } }).config.tls
    assert.equal(auto.caKeyPath, join(root, 'd', 'tls', 'ca.key'))
    const named = withSet(on, 'tls.serverPemPath=a', 'tls.serverKeyPath=b', 'redkite.tls.caKeyPath=c.key').tls
    assert.equal(named.caKeyPath, join(root, 'c.key'))
  })
})

describe('two sources at once are refused, both named:', () => {
  for (const [set, says] of [
    [['redkite.tls.dir=d', 'tls.serverPemPath=a.pem'], /redkite\.tls\.dir and tls\.serverPemPath both name the server/],
    [['redkite.tls.dir=d', 'tls.caPemPath=ca.pem'], /redkite\.tls\.dir and tls\.caPemPath both name the CA/],
    [['redkite.tls.dir=d', 'redkite.tls.pkcs12Path=p'], /redkite\.tls\.dir and redkite\.tls\.pkcs12Path both name/],
    [
      ['redkite.tls.pkcs12Path=p', 'tls.serverKeyPath=k'],
      /pkcs12Path and tls\.serverKeyPath both name the private key/,
    ],
    [
      ['redkite.tls.dir=d', 'redkite.tls.passphraseFile=f', 'redkite.tls.passphraseCommand=c'],
      /redkite\.tls\.passphraseFile and redkite\.tls\.passphraseCommand both name the passphrase/,
    ],
  ] as const) {
    it(set.join(' '), () => assert.match(refusal({ flags: { set: [mutual, ...set] } }).message, says))
  }

  it('--tls-dir and redkite.tls.dir', () => {
    const cwd = workingDirectory({ 'd/server.pem': '', 'd/server.key': '' })
    const error = refusal({ cwd, flags: { tlsDir: 'd', tls: 'one-way', set: ['redkite.tls.dir=d'] } })
    assert.match(error.message, /redkite\.tls\.dir and tls\.serverPemPath both name the server certificate/)
  })

  it('--auto-tls and any of them', () => {
    for (const set of ['redkite.tls.dir=d', 'redkite.tls.pkcs12Path=p', 'redkite.tls.caKeyPath=k']) {
      assert.match(
        refusal({ flags: { autoTls: true, set: [set] } }).message,
        /--auto-tls makes certificates of its own/,
      )
    }
  })

  it('a source of TLS and no TLS', () => {
    const error = refusal({ flags: { set: ['redkite.tls.dir=d'] } })
    assert.match(error.message, /redkite\.tls\.dir names certificates, and TLS is off \(common\.security\.tlsMode 0\)/)
  })
})
