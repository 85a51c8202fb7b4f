import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { load, refusal, root, withSet, workingDirectory } from './test-support.ts'

describe('TLS', () => {
  const pair = ['tls.serverPemPath=cert/server.pem', 'tls.serverKeyPath=/abs/server.key']

  it('is a union by mode, with absolute paths', () => {
    const serverPem = join(root, 'cert/server.pem')
    const serverKey = '/abs/server.key'
    assert.deepEqual(withSet().tls.mode, { kind: 'plain' })
    assert.deepEqual(withSet('common.security.tlsMode=1', ...pair).tls.mode, { kind: 'oneWay', serverPem, serverKey })
    assert.deepEqual(withSet('common.security.tlsMode=2', ...pair, 'tls.caPemPath=ca.pem').tls.mode, {
      kind: 'mutual',
      serverPem,
      serverKey,
      caPem: join(root, 'ca.pem'),
    })
    assert.match(refusal({ flags: { set: ['common.security.tlsMode=2', ...pair] } }).message, /needs tls\.caPemPath/)
  })

  it('takes a directory of either naming, and no mix', () => {
    const cwd = workingDirectory({
      'a/server.pem': '',
      'a/server.key': '',
      'b/tls.crt': '',
      'b/tls.key': '',
      'mix/server.pem': '',
      'mix/tls.key': '',
    })
    const mode = (tlsDir: string) => load({ cwd, flags: { tls: 'mutual', tlsDir } }).config.tls.mode
    assert.deepEqual(mode('a'), {
      kind: 'mutual',
      serverPem: join(cwd, 'a/server.pem'),
      serverKey: join(cwd, 'a/server.key'),
      caPem: join(cwd, 'a/ca.pem'),
    })
    assert.deepEqual(mode('b'), {
      kind: 'mutual',
      serverPem: join(cwd, 'b/tls.crt'),
      serverKey: join(cwd, 'b/tls.key'),
      caPem: join(cwd, 'b/ca.crt'),
    })
    assert.throws(() => mode('mix'), /only one can be meant/)
    assert.throws(() => mode('none'), /no certificate there/)
    assert.match(refusal({ cwd, flags: { tlsDir: 'a' } }).message, /^--tls-dir names certificates, and TLS is off/)
    assert.equal(refusal({ cwd, flags: { tlsDir: 'a', autoTls: true } }).exitCode, 64)
  })

  it('comes with --auto-tls, one-way unless mutual is asked for', () => {
    const auto = load({ flags: { autoTls: true, data: 'd' } }).config
    const directory = join(root, 'd', 'tls')
    assert.deepEqual(auto.tls.mode, {
      kind: 'oneWay',
      serverPem: join(directory, 'server.pem'),
      serverKey: join(directory, 'server.key'),
    })
    assert.equal(load({ flags: { autoTls: true, tls: 'mutual' } }).config.tls.mode.kind, 'mutual')
    assert.equal(refusal({ flags: { autoTls: true, tls: 'off' } }).exitCode, 64)
    assert.equal(refusal({ flags: { autoTls: true, set: pair } }).exitCode, 64)
  })

  it('between processes needs its three files', () => {
    const enabled = 'common.security.internaltlsEnabled=true'
    assert.deepEqual(withSet().internalTls, { kind: 'plain' })
    assert.match(refusal({ flags: { set: [enabled] } }).message, /internaltlsEnabled needs internaltls\.serverPemPath/)
    const files = ['serverPemPath=/s', 'serverKeyPath=/k', 'caPemPath=/c', 'sni=node'].map(
      (each) => `internaltls.${each}`,
    )
    assert.deepEqual(withSet(enabled, ...files).internalTls, {
      kind: 'mutual',
      serverPem: '/s',
      serverKey: '/k',
      caPem: '/c',
      allowedPeers: [],
    })
  })
})

describe('the address', () => {
  it('is loopback only for plaintext without a configuration file', () => {
    const cwd = workingDirectory({ 'configs/user.yaml': 'proxy.port: 19530' })
    assert.deepEqual(load().config.listen, { host: '127.0.0.1', isLoopbackByDefault: true })
    assert.deepEqual(load({ cwd }).config.listen, { host: null, isLoopbackByDefault: false })
    assert.deepEqual(load({ flags: { autoTls: true } }).config.listen, { host: null, isLoopbackByDefault: false })
    assert.deepEqual(load({ flags: { host: '10.0.0.1' } }).config.listen, {
      host: '10.0.0.1',
      isLoopbackByDefault: false,
    })
  })

  it('and the data directory come from Milvus keys where ours are not given', () => {
    assert.equal(withSet('localStorage.path=/var/lib/milvus/data/').dataDir, '/var/lib/milvus/data/')
    assert.equal(withSet('localStorage.path=/a', 'redkite.dataDir=/b').dataDir, '/b')
    assert.equal(withSet().dataDir, join(root, 'redkite-data'))
  })
})
