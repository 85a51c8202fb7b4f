import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { findingText } from './finding.ts'
import { findingsOf, load, refusal, root, sourceOf, withSet, workingDirectory } from './test-support.ts'
import { TLS_MODE_TEXT } from './value-types.ts'

describe('precedence', () => {
  it('goes files, then environment, then its prefix, then flags', () => {
    const cwd = workingDirectory({ 'configs/milvus.yaml': 'proxy:\n  port: 1001\n' })
    const plain = { PROXY_PORT: '1002' }
    const prefixed = { ...plain, MILVUS_CONF_PROXY_PORT: '1003' }
    const key = 'proxy.port'
    assert.equal(load().config.proxy.port, 19530)
    assert.equal(load({ cwd }).config.proxy.port, 1001)
    assert.equal(load({ cwd, environment: plain }).config.proxy.port, 1002)
    assert.equal(load({ cwd, environment: prefixed }).config.proxy.port, 1003)
    assert.equal(load({ cwd, environment: prefixed, flags: { set: ['proxy.port=1004'] } }).config.proxy.port, 1004)
    const everything = { cwd, environment: prefixed, flags: { set: ['proxy.port=1004'], port: '1005' } }
    assert.equal(load(everything).config.proxy.port, 1005)
    assert.equal(sourceOf({ cwd }, key), `${join('configs', 'milvus.yaml')}:2:3`)
    assert.equal(sourceOf({ cwd, environment: prefixed }, key), 'environment MILVUS_CONF_PROXY_PORT')
    assert.equal(sourceOf(everything, key), 'flag --port')
  })

  it('lets later files win key by key', () => {
    const cwd = workingDirectory({
      'configs/user.yaml': 'proxy:\n  port: 4\n',
      'configs/default.yaml': 'proxy: {port: 3, internalPort: 3}\n',
      'configs/_test.yaml': 'proxy: {port: 2, internalPort: 2, maxDimension: 256}\n',
      'configs/milvus.yaml': 'proxy: {port: 1, internalPort: 1, maxDimension: 128, maxFieldNum: 10}\n',
      'configs/other.yaml': 'proxy: {port: 9}\n',
    })
    const { proxy, limits } = load({ cwd }).config
    assert.deepEqual([proxy.port, proxy.internalPort, limits.dimMax, limits.fieldsMax], [4, 3, 256, 10])
  })

  it('reads $MILVUSCONF instead of ./configs, and --config instead of both', () => {
    const cwd = workingDirectory({
      'configs/milvus.yaml': 'proxy.port: 1',
      'elsewhere/user.yaml': 'proxy.port: 2',
      'own.yaml': 'proxy.port: 3',
    })
    assert.equal(load({ cwd, environment: { MILVUSCONF: join(cwd, 'elsewhere') } }).config.proxy.port, 2)
    assert.equal(load({ cwd, configFile: 'own.yaml' }).config.proxy.port, 3)
    assert.equal(refusal({ cwd, configFile: 'none.yaml' }).exitCode, 78)
  })

  it('counts fallback names only where no source gives the key itself', () => {
    const cwd = workingDirectory({ 'configs/milvus.yaml': 'proxy: {grpc: {serverMaxRecvSize: 5000}}' })
    const environment = { GRPC_SERVERMAXRECVSIZE: '6000', METRICS_PORT: '9999' }
    assert.equal(load({ environment }).config.limits.messageBytesMax, 6000)
    assert.equal(load({ cwd, environment }).config.limits.messageBytesMax, 5000)
    assert.equal(load({ environment }).config.metrics.port, 9999)
  })
})

describe('the environment', () => {
  it('ignores case and underscores, and takes only what is a key', () => {
    const environment = {
      tls_ServerPemPath: 'a.pem',
      'milvus.tls.serverKeyPath': 'a.key',
      COMMON_SECURITY_TLSMODE: '1',
      HOME: '/x',
    }
    const { config, findings } = load({ environment })
    assert.deepEqual(config.tls.mode, {
      kind: 'oneWay',
      serverPem: join(root, 'a.pem'),
      serverKey: join(root, 'a.key'),
    })
    assert.deepEqual(findings, [])
  })

  it('passes Kubernetes service links by, with a warning', () => {
    const environment = { PROXY_PORT: 'tcp://10.96.0.7:19530', PROXY_HTTP_PORT: 'tcp://10.96.0.7:8080' }
    const { config, findings } = load({ environment })
    assert.equal(config.proxy.port, 19530)
    assert.equal(config.proxy.http.port, null)
    assert.deepEqual(
      findings.map(({ severity, key }) => [severity, key]),
      [
        ['warn', 'proxy.port'],
        ['warn', 'proxy.http.port'],
      ],
    )
  })

  it('is not troubled by the variables of a Kubernetes service called redkite', () => {
    const environment = {
      REDKITE_PORT: 'tcp://10.96.0.7:19530',
      REDKITE_SERVICE_HOST: '10.96.0.7',
      REDKITE_SERVICE_PORT: '19530',
      REDKITE_SERVICE_PORT_GRPC: '19530',
      REDKITE_PORT_19530_TCP: 'tcp://10.96.0.7:19530',
      REDKITE_PORT_19530_TCP_ADDR: '10.96.0.7',
    }
    assert.deepEqual(load({ environment }).findings, [])
  })

  it('reports unknown names only under the two prefixes', () => {
    const findings = findingsOf({ environment: { REDKITE_HOTS: 'x', MILVUS_CONF_PROXY_PROT: '1', PROXY_PROT: '1' } })
    assert.deepEqual(
      findings.map(({ hint }) => hint),
      ['did you mean REDKITE_HOST?', 'did you mean PROXY_PORT?'],
    )
  })

  it('reads a secret from the file that <NAME>_FILE names, and never prints one', () => {
    const cwd = workingDirectory({ password: 'hunter22\n' })
    const name = 'COMMON_SECURITY_DEFAULTROOTPASSWORD'
    const loaded = load({ cwd, environment: { [`${name}_FILE`]: 'password' } })
    assert.equal(loaded.config.auth.defaultRootPassword.reveal(), 'hunter22')
    assert.doesNotMatch(JSON.stringify(loaded), /hunter22/)
    assert.match(refusal({ cwd, environment: { [`${name}_FILE`]: 'none' } }).message, /cannot be read/)
  })
})

describe('values', () => {
  it('are never plaintext by a slip in tlsMode', () => {
    for (const bad of ['two', '3', '-1', '', '0x1', 'true', '1.0']) {
      const cwd = workingDirectory({ 'm.yaml': `common:\n  security:\n    tlsMode: ${bad}\n` })
      const error = refusal({ cwd, configFile: 'm.yaml' })
      assert.equal(error.exitCode, 78)
      assert.ok(error.message.startsWith(`m.yaml:3:5: ${TLS_MODE_TEXT}`), error.message)
    }
  })

  it('name key, value, place and remedy when they are wrong', () => {
    const cwd = workingDirectory({ 'm.yaml': 'proxy:\n  maxDimension: many\n  http:\n    enabled: maybe\n' })
    const error = refusal({ cwd, configFile: 'm.yaml' })
    assert.equal(error.message, 'm.yaml:4:5: proxy.http.enabled must be true or false, not "maybe"')
    assert.match(error.hint ?? '', /default true/)
    assert.match(
      error.hint ?? '',
      /also: m\.yaml:2:3: proxy\.maxDimension must be a whole number, 2 or more, not "many"/,
    )
  })

  it('keep lists as comma text and scalars as they are written', () => {
    const cwd = workingDirectory({
      'm.yaml': 'common:\n  security:\n    superUsers: [root, "admin"]\n    defaultRootPassword: 0012340\n',
    })
    const { auth } = load({ cwd, configFile: 'm.yaml' }).config
    assert.deepEqual(auth.superUsers, ['root', 'admin'])
    assert.equal(auth.defaultRootPassword.reveal(), '0012340')
  })

  it('mean the default where they are left empty', () => {
    const cwd = workingDirectory({ 'm.yaml': 'proxy:\n  port:\n  http:\n    port: ""\ntls:\n  caPemPath:\n' })
    assert.equal(load({ cwd, configFile: 'm.yaml', environment: { PROXY_PORT: '' } }).config.proxy.port, 19530)
  })

  it('are frozen', () => {
    const { config } = load()
    assert.ok(Object.isFrozen(config) && Object.isFrozen(config.proxy.http) && Object.isFrozen(config.auth.superUsers))
  })

  it('may not contradict each other', () => {
    assert.match(
      refusal({ flags: { set: ['proxy.minPasswordLength=20', 'proxy.maxPasswordLength=10'] } }).message,
      /20 is more than/,
    )
    assert.match(refusal({ flags: { set: ['proxy.port=9091'] } }).message, /both 9091/)
    assert.equal(withSet('proxy.port=0', 'common.MetricsPort=0').proxy.port, 0)
  })
})

describe('keys that nothing reads', () => {
  it('are warnings with the key that was meant', () => {
    const cwd = workingDirectory({ 'm.yaml': 'common:\n  tls:\n    serverPemPath: a.pem\n' })
    const [finding] = findingsOf({ cwd, configFile: 'm.yaml' })
    assert.equal(finding?.severity, 'warn')
    assert.equal(finding && findingText(finding), 'm.yaml:3:5: common.tls.serverPemPath is read by nothing')
    assert.equal(finding?.hint, 'did you mean tls.serverPemPath?')
  })

  it('are errors where a door could stay open, in our own section, and on the command line', () => {
    for (const written of ['common.security.tlsmods: 1', 'redkite.hots: "::"']) {
      const cwd = workingDirectory({ 'm.yaml': written })
      assert.equal(refusal({ cwd, configFile: 'm.yaml' }).exitCode, 78, written)
    }
    assert.match(refusal({ flags: { set: ['proxy.prot=1'] } }).hint ?? '', /did you mean proxy\.port\?/)
    assert.equal(refusal({ flags: { set: ['proxy.port'] } }).exitCode, 64)
  })

  it('are one line where they belong to other parts of Milvus', () => {
    const cwd = workingDirectory({
      'm.yaml': 'etcd: {endpoints: [a, b], rootPath: x}\nminio: {port: 9000}\nproxy: {maxTaskNum: 5, maxRoleNum: 10}\n',
    })
    const [finding, ...others] = findingsOf({ cwd, configFile: 'm.yaml' })
    assert.equal(finding?.message, 'accepted, no effect here: proxy.maxTaskNum, etcd.* (2), minio.* (1)')
    assert.equal(finding?.severity, 'info')
    assert.deepEqual(others, [])
  })

  it('explain a path that is missing because it stands elsewhere', () => {
    const text = 'common:\n  security:\n    tlsMode: 1\n  tls:\n    serverPemPath: a\n    serverKeyPath: b\n'
    const error = refusal({ cwd: workingDirectory({ 'm.yaml': text }), configFile: 'm.yaml' })
    assert.equal(error.message, 'm.yaml:3:5: tlsMode 1 needs tls.serverPemPath')
    assert.match(
      error.hint ?? '',
      /common\.tls\.serverPemPath \(m\.yaml:5:5\) is read by nothing: write it as tls\.serverPemPath/,
    )
  })
})
