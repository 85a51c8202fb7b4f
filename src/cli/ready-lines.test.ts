import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { formatReadyLines, type ReadyTarget, readyLines } from './ready-lines.ts'

const plain: ReadyTarget = {
  host: 'localhost',
  port: 19530,
  restPort: 8080,
  tls: { kind: 'plain' },
  authentication: false,
}
const oneWay: ReadyTarget = {
  ...plain,
  tls: { kind: 'oneWay', serverPem: '/a b/server.pem', ca: '/a b/ca.pem', serverName: 'localhost' },
}
const mutual: ReadyTarget = {
  ...plain,
  host: '10.0.0.5',
  authentication: true,
  tls: { kind: 'mutual', ca: '/c/ca.pem', clientPem: '/c/client.pem', clientKey: '/c/client.key', serverName: 'db' },
}
const codes = (target: ReadyTarget): readonly string[] => readyLines(target).map((line) => line.code)

describe('ready lines', () => {
  it('are http and without files where there is no TLS', () => {
    const [python, node, curl] = codes(plain)
    assert.equal(python, 'from pymilvus import MilvusClient\nclient = MilvusClient(uri="http://localhost:19530")')
    assert.match(node ?? '', /new MilvusClient\(\{ address: "http:\/\/localhost:19530" \}\)$/)
    assert.equal(curl, 'curl -d "{}" http://localhost:8080/v2/vectordb/collections/list')
  })

  it('name the trust anchor that each client reads in one-way mode', () => {
    const [python, node, curl] = codes(oneWay)
    const words =
      'uri="https://localhost:19530", secure=True, server_pem_path="/a b/server.pem", server_name="localhost"'
    assert.ok(python?.includes(words))
    assert.ok(node?.includes('address: "https://localhost:19530", tls: { rootCertPath: "/a b/ca.pem" }'))
    assert.equal(curl, `curl --cacert '/a b/ca.pem' -d "{}" https://localhost:8080/v2/vectordb/collections/list`)
  })

  it('add the client pair in mutual mode, the name where it is not the host, and never a password', () => {
    const [python, node, curl] = codes(mutual)
    const files = 'client_pem_path="/c/client.pem", client_key_path="/c/client.key", ca_pem_path="/c/ca.pem"'
    assert.ok(python?.includes(`token="root:YOUR-PASSWORD", secure=True, ${files}, server_name="db"`))
    assert.ok(node?.includes('privateKeyPath: "/c/client.key", certChainPath: "/c/client.pem", serverName: "db"'))
    assert.equal(
      curl,
      'curl --cacert /c/ca.pem --cert /c/client.pem --key /c/client.key --user root --connect-to ::10.0.0.5: -d "{}" ' +
        'https://db:8080/v2/vectordb/collections/list',
    )
  })

  it('put IPv6 addresses in brackets', () => {
    assert.match(codes({ ...plain, host: '::1' })[2] ?? '', /http:\/\/\[::1\]:8080\//)
  })

  it('survive a POSIX shell whatever the path', { skip: process.platform === 'win32' && 'no POSIX shell' }, () => {
    const ca = `/it's "here"/$HOME/ca.pem`
    const [, , curl = ''] = codes({ ...oneWay, tls: { kind: 'oneWay', serverPem: ca, ca, serverName: 'localhost' } })
    const ran = spawnSync('sh', ['-c', curl.replace(/^curl/, "printf '%s\\n'")], { encoding: 'utf8' })
    assert.deepEqual(ran.stdout.split('\n').slice(0, 4), ['--cacert', ca, '-d', '{}'])
  })

  it('are titled, indented and set apart', () => {
    const text = formatReadyLines(readyLines(plain))
    assert.match(text, /^Python \(pymilvus\):\n {2}from pymilvus import MilvusClient\n {2}client = .*\n\nNode /)
  })
})
