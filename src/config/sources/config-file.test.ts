import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sourceText } from '../finding.ts'
import { type ConfigFile, readConfigText } from './config-file.ts'

/** Entries as `key=value @line:column`. */
function entries(file: ConfigFile): readonly string[] {
  return file.entries.map(({ key, value, source }) => `${key}=${value} @${sourceText(source).replace('f:', '')}`)
}
function messages(file: ConfigFile): readonly string[] {
  return file.findings.map(({ severity, message, source }) => `${severity} ${source && sourceText(source)} ${message}`)
}

const RESOURCE = `apiVersion: v1
kind: Secret
metadata:
  name: certs
---
apiVersion: milvus.io/v1beta1
kind: Milvus
metadata:
  name: my-release
spec:
  config:
    proxy:
      http:
        # REST on a port of its own; gRPC stays on 19530
        port: 8080
    common:
      security:
        tlsMode: 2 # mutual
    tls:
      serverPemPath: /certs/server.pem
      serverKeyPath: /certs/server.key
      caPemPath: /certs/ca.pem
  components:
    volumes:
      - name: certs
        secret:
          secretName: certs
    volumeMounts:
      - name: certs
        mountPath: /certs
        readOnly: true
`

const VALUES = `extraConfigFiles:
  user.yaml: |+
    # REST on a port of its own

    proxy:
      http:
        port: 8080
    common:
      security:
        tlsMode: 1
    tls:
      serverPemPath: /certs/server.pem
      serverKeyPath: /certs/server.key
  notes.yaml: |
    anything: true

log:
  level: debug
  file:
    maxSize: 300
volumes:
  - name: certs
    secret:
      secretName: certs
volumeMounts:
  - name: certs
    mountPath: /certs
`

describe('a configuration file', () => {
  it("may be the operator's resource, with other objects beside it", () => {
    const file = readConfigText(RESOURCE, 'f')
    assert.equal(file.form, 'operator resource')
    assert.deepEqual(entries(file), [
      'proxy.http.port=8080 @15:9',
      'common.security.tlsMode=2 @18:9',
      'tls.serverPemPath=/certs/server.pem @20:7',
      'tls.serverKeyPath=/certs/server.key @21:7',
      'tls.caPemPath=/certs/ca.pem @22:7',
    ])
    assert.deepEqual(messages(file), [])
  })

  it('may be Helm values, with positions inside the embedded text', () => {
    const file = readConfigText(VALUES, 'f')
    assert.equal(file.form, 'Helm values')
    assert.deepEqual(entries(file), [
      'log.level=debug @18:3',
      'proxy.http.port=8080 @7:9',
      'common.security.tlsMode=1 @10:9',
      'tls.serverPemPath=/certs/server.pem @12:7',
      'tls.serverKeyPath=/certs/server.key @13:7',
    ])
    assert.deepEqual(messages(file), ['warn f:14:3 extraConfigFiles.notes.yaml is read by nothing'])
  })

  it('warns of certificates that no volume brings into the container', () => {
    const resource = readConfigText(RESOURCE.replace('mountPath: /certs', 'mountPath: /cert'), 'f')
    assert.equal(resource.findings.length, 3)
    assert.equal(
      messages(resource)[0],
      'warn f:20:7 tls.serverPemPath /certs/server.pem is under no volumeMounts.mountPath (there are /cert)',
    )
    const values = 'extraConfigFiles:\n  user.yaml: |\n    tls:\n      caPemPath: tls/ca.pem\nvolumeMounts:\n'
    assert.deepEqual(messages(readConfigText(`${values}  - mountPath: /milvus/tls/\n`, 'f')), [])
    assert.equal(readConfigText(`${values}  - mountPath: /tls\n`, 'f').findings.length, 1)
  })

  it('warns of chart values that look like TLS and are not', () => {
    const file = readConfigText('image: {all: {tag: x}}\nproxy:\n  tls:\n    enabled: true\n', 'f')
    assert.deepEqual(messages(file), [
      'warn f:4:5 proxy.tls.enabled of the chart only makes a Secret: it does not turn TLS on',
    ])
  })

  it('orders the texts of Helm values as Milvus reads files, and takes mappings for texts', () => {
    const file = readConfigText(
      'extraConfigFiles:\n  user.yaml:\n    proxy: {port: 2}\n  milvus.yaml: "proxy: {port: 1}"\n',
      'f',
    )
    assert.deepEqual(
      file.entries.map(({ value }) => value),
      ['1', '2'],
    )
  })

  it('may be a milvus.yaml with flat keys, anchors and merges', () => {
    const text = 'base: &base\n  port: 7\nproxy:\n  <<: *base\n  ip: ~\nproxy.http.port: 8080\nlist: [a, 1]\n'
    const file = readConfigText(text, 'f')
    assert.equal(file.form, 'milvus.yaml')
    assert.deepEqual(entries(file), [
      'base.port=7 @2:3',
      'proxy.port=7 @2:3',
      'proxy.ip= @5:3',
      'proxy.http.port=8080 @6:1',
      'list=a,1 @7:1',
    ])
  })

  it('is refused with line and column where it is no YAML or no configuration', () => {
    assert.match(
      messages(readConfigText('proxy:\n  port: 1\n port: 2\n', 'f'))[0] ?? '',
      /^error f:3:\d+ not valid YAML/,
    )
    assert.match(
      messages(readConfigText('a: 1\na: 2\n', 'f'))[0] ?? '',
      /^error f:2:1 not valid YAML: map keys must be unique/,
    )
    assert.match(
      messages(readConfigText('extraConfigFiles:\n  user.yaml: |\n    a: 1\n    a: 2\n', 'f'))[0] ?? '',
      /^error f:4:5 /,
    )
    assert.deepEqual(messages(readConfigText('kind: ConfigMap\napiVersion: v1\n', 'f')), [
      'error f:1:1 kind ConfigMap of v1 is no configuration',
    ])
    assert.deepEqual(messages(readConfigText(RESOURCE.replace('milvus.io/v1beta1', 'example.com/v1'), 'f')), [
      'error f:1:1 kind Secret of v1 is no configuration',
    ])
    for (const bomb of ['a: &a\n  b: *a\n', manyAliases()]) {
      assert.throws(() => readConfigText(bomb, 'f'), /not a configuration: more than 20000 keys, or nested in itself/)
    }
    assert.match(messages(readConfigText('- a\n', 'f'))[0] ?? '', /a mapping of keys to values is needed/)
    assert.deepEqual(messages(readConfigText(`${RESOURCE}---\n${RESOURCE}`, 'f')), [
      'error f:38:1 a second Milvus resource in the same file',
    ])
    assert.deepEqual(messages(readConfigText('', 'f')), [])
  })
})

/** Ten aliases of ten aliases, seven deep: ten million keys in a few lines. */
function manyAliases(): string {
  const level = (number: number) => {
    const parts = Array.from({ length: 10 }, (_, index) => `k${index}: ${number === 0 ? 1 : `*l${number - 1}`}`)
    return `l${number}: &l${number} {${parts.join(', ')}}\n`
  }
  return Array.from({ length: 7 }, (_, number) => level(number)).join('')
}
