import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { editDistance, foldKey } from './fold.ts'
import { configPath, findKey, keys, keyTable } from './schema.ts'
import { isWithoutEffect, suggestKey } from './unknown-keys.ts'

describe('the table of keys', () => {
  it('has no two names that Milvus would take for one', () => {
    const names = keys.flatMap((key) => [key, ...(keyTable[key].fallback ?? [])]).map(foldKey)
    assert.deepEqual(names.length, new Set(names).size)
  })

  it('has no two keys in one place of Config', () => {
    const paths = keys.map(configPath).filter((path) => path !== null)
    assert.equal(paths.length, new Set(paths).size)
    for (const path of paths) assert.ok(!paths.some((other) => other.startsWith(`${path}.`)), path)
  })

  it('has defaults that its own types accept, and a sentence for every key', () => {
    for (const key of keys) {
      assert.ok(keyTable[key].type.schema.safeParse(keyTable[key].default).success, key)
      assert.match(keyTable[key].doc, /\.$/, key)
    }
  })

  it('claims an effect only for keys that some part reads', () => {
    const source = sourcesOutsideConfig()
    for (const key of keys) {
      const name = configPath(key)?.split('.').at(-1)
      if (name !== undefined) assert.ok(new RegExp(`\\b${name}\\b`).test(source), `${key}: nobody reads ${name}`)
    }
  })

  it('finds a key however it is written', () => {
    for (const name of ['tls.serverPemPath', 'TLS_SERVERPEMPATH', 'tls/serverpempath', 'tlsServerPemPath']) {
      assert.deepEqual(findKey(name), { key: 'tls.serverPemPath', isFallback: false }, name)
    }
    assert.deepEqual(findKey('METRICS_PORT'), { key: 'common.MetricsPort', isFallback: true })
    assert.equal(findKey('tls.serverPem'), null)
  })
})

describe('keys that nothing reads', () => {
  it('are known where they belong to other parts of Milvus', () => {
    for (const key of ['etcd.endpoints', 'minio.ssl.tlsCACert', 'proxy.accessLog.enable', 'queryNode.cache.enabled']) {
      assert.ok(isWithoutEffect(key), key)
    }
    for (const key of ['common.tls.serverPemPath', 'common.security.tlsMod', 'proxy.prot', 'etcdx.endpoints']) {
      assert.ok(!isWithoutEffect(key), key)
    }
  })

  it('are explained by the key that was meant', () => {
    const meant = {
      'common.tls.serverPemPath': 'tls.serverPemPath',
      'common.internaltls.caPemPath': 'internaltls.caPemPath',
      'common.security.tlsMod': 'common.security.tlsMode',
      'common.security.tlsEnabled': 'common.security.tlsMode',
      'common.tlsMode': 'common.security.tlsMode',
      'security.authorizationEnabled': 'common.security.authorizationEnabled',
      'proxy.prot': 'proxy.port',
      'redkite.limits.messageByteMax': null,
      'something.else.entirely': null,
    }
    for (const [written, key] of Object.entries(meant)) assert.equal(suggestKey(written), key, written)
  })

  it('are compared by edit distance', () => {
    assert.equal(editDistance('kitten', 'sitting'), 3)
    assert.equal(editDistance('', 'abc'), 3)
    assert.equal(editDistance('same', 'same'), 0)
  })
})

function sourcesOutsideConfig(): string {
  const root = fileURLToPath(new URL('../', import.meta.url))
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !/^(config|gen)\b/.test(name))
    .map((name) => readFileSync(join(root, name), 'utf8'))
    .join('\n')
}
