/**
 * Rows B4 and D1 of the page "Encryption in Transit": the link between a proxy and the node behind it, two processes
 * that read the page's own keys from one `milvus.yaml`, and its proof.
 */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Made, make } from '../support/certificates.ts'
import { nodeConnects } from '../support/clients.ts'
import { redkite, type Served, startRedkite, temporary } from '../support/server.ts'
import { healthOf, settings, startProxy } from '../support/upstream.ts'

const place = temporary()
let node: Served
before(async () => {
  const ca = await make({ cn: 'internal CA', ca: true })
  await filesOf('page', ca)
  await filesOf('other', await make({ cn: 'another CA', ca: true }))
  await filesOf('expired', ca, { fromDays: -9, toDays: -1 })
  await filesOf('script', ca, { usages: ['serverAuth'] })
  node = await startNode('page')
})
after(async () => {
  await node?.[Symbol.asyncDispose]()
  place[Symbol.dispose]()
})

/** One pair for every part, as the page has it: both usages, since each is the server of one link and the client of another. */
async function filesOf(name: string, ca: Made, wish: object = {}): Promise<void> {
  const pair = await make({ cn: 'localhost', by: ca, usages: ['serverAuth', 'clientAuth'], ...wish })
  const dir = join(place.path, name)
  mkdirSync(dir)
  writeFileSync(join(dir, 'ca.pem'), ca.pem)
  writeFileSync(join(dir, 'server.pem'), pair.pem)
  writeFileSync(join(dir, 'server.key'), pair.key, { mode: 0o600 })
}

/** The page's `internaltls` section, its files in the folder `name`; what the parts share. */
function milvusYaml(name: string, { caIn = name, sni = 'localhost', extra = '' } = {}): string {
  const path = join(place.path, `${name}-${caIn}-${sni}-${extra.length}.yaml`)
  const dir = join(place.path, name)
  writeFileSync(
    path,
    `internaltls:\n  serverPemPath: ${dir}/server.pem\n  serverKeyPath: ${dir}/server.key\n` +
      `  caPemPath: ${join(place.path, caIn)}/ca.pem\n  sni: ${sni}\n` +
      `common:\n  security:\n    internaltlsEnabled: true\n${extra}`,
  )
  return path
}

const startNode = (name: string, extra = '') =>
  startRedkite({ args: ['--config', milvusYaml(name, { extra }), '--set', 'proxy.internalPort=0'] })
const proxyTo = (uri: string, config: string) => startProxy(uri, ['--config', config])
const internal = () => node.ready.internal ?? ''

/** A proxy whose link must not come about: why, in its log; and nothing is served, health says so. */
async function causeOf(uri: string, config: string): Promise<string> {
  await using proxy = await proxyTo(uri, config)
  const [, cause = ''] = await proxy.logged(/upstream is unavailable"\].*?\[cause="?(.*?)"?\] \[remedy=/)
  assert.match(await healthOf(proxy), /^500 /)
  assert.match(await nodeConnects(proxy.port, { kind: 'plain' }), /UNAVAILABLE/)
  return cause
}

describe('B4: internaltls and common.security.internaltlsEnabled', () => {
  it('B4: the link runs on mutual TLS 1.3 by the page’s keys, the name sni verified, and carries calls', async () => {
    assert.match(internal(), /^https:/)
    await using proxy = await proxyTo(internal(), milvusYaml('page'))
    await proxy.logged(/"upstream connected"\].*\[version=TLSv1\.3\].*\[serverName=localhost\] \[verified=true\]/)
    assert.equal(await nodeConnects(proxy.port, { kind: 'plain' }), 'ok')
    assert.equal(await healthOf(proxy), '200 OK')
    const metrics = await (await fetch(`${node.ready.metrics}/metrics`)).text()
    assert.match(
      metrics,
      /redkite_tls_handshakes_total\{listener="internal",result="accepted",reason="",protocol="TLSv1\.3"\} [1-9]/,
    )
  })

  it('B4: a wrong CA is refused', async () => {
    assert.match(await causeOf(internal(), milvusYaml('page', { caIn: 'other' })), /unknown authority/)
    // and by the node, whose CA did not issue the pair of this proxy
    assert.match(
      await causeOf(internal(), milvusYaml('other', { caIn: 'page' })),
      /does not admit this client|refused our/,
    )
    await node.logged(/\[listener=internal\].*\[reason=unknownAuthority\]/)
  })

  it('B4: a wrong name is refused', async () => {
    const cause = await causeOf(internal(), milvusYaml('page', { sni: 'elsewhere' }))
    assert.match(cause, /valid for DNS:localhost.*not elsewhere/)
  })

  it('B4: an expired certificate is refused', async () => {
    await using late = await startNode('expired')
    assert.match(await causeOf(late.ready.internal ?? '', milvusYaml('page')), /has expired/)
  })

  it('B4: a pair for serverAuth only, as the page’s script makes it, serves one-way as in Milvus, by a key', async () => {
    await using strict = await startNode('script')
    assert.match(
      await causeOf(strict.ready.internal ?? '', milvusYaml('script')),
      /does not admit this client|refused our/,
    )
    await strict.logged(/\[listener=internal\].*\[reason=invalidPurpose\]/)
    await using lenient = await startNode('script', 'redkite:\n  internaltls:\n    mutual: false\n')
    await using proxy = await proxyTo(lenient.ready.internal ?? '', milvusYaml('script'))
    await proxy.logged(/"upstream connected"\].*\[verified=true\]/)
    assert.equal(await nodeConnects(proxy.port, { kind: 'plain' }), 'ok')
  })
})

describe('D1: internal TLS is proved', () => {
  const verify = (uri: string, config: string) =>
    redkite(['verify', '--internal', '--config', config, ...settings({ 'redkite.upstream.uri': uri })], {
      cwd: place.path,
    })

  it('D1: the line of the log that the page names, on both sides', async () => {
    const line = /\["Internal TLS Enabled"\] \[value=true\]/
    await node.logged(line)
    await using proxy = await proxyTo(internal(), milvusYaml('page'))
    await proxy.logged(line)
    await using plain = await startRedkite()
    await plain.logged(/\["Internal TLS Enabled"\] \[value=false\]/)
    assert.doesNotMatch(plain.log(), line)
  })

  it('D1: redkite verify --internal proves the link, by the handshake and by everybody who is refused', async () => {
    const { exitCode, stdout } = await verify(internal(), milvusYaml('page'))
    assert.equal(exitCode, 0, stdout)
    for (const what of [
      'handshake',
      'server name',
      'peer',
      'server expiry',
      'client',
      'plaintext probe',
      'wrong-CA probe',
      'wrong-name probe',
      'no-client probe',
      'stranger probe',
      'TLS 1.2 probe',
      'control',
    ]) {
      assert.match(stdout, new RegExp(`^ok {4}${what} {2,}`, 'm'))
    }
  })

  it('D1: and fails where a link does not hold, with the cause', async () => {
    const cases: readonly (readonly [uri: string, config: string, says: RegExp])[] = [
      [`https://localhost:${node.port}`, milvusYaml('page'), /FAIL.*(plaintext|TLS)/i],
      [internal(), milvusYaml('page', { caIn: 'other' }), /FAIL.*(authority|chain)/i],
      [internal(), milvusYaml('page', { sni: 'elsewhere' }), /FAIL.*elsewhere/i],
      [internal(), milvusYaml('script'), /FAIL.*serverAuth/i],
    ]
    for (const [uri, config, says] of cases) {
      const { exitCode, stdout } = await verify(uri, config)
      assert.notEqual(exitCode, 0, stdout)
      assert.match(stdout, says)
    }
    const plain = await verify(`http://localhost:${node.port}`, milvusYaml('page'))
    assert.equal(plain.exitCode, 78)
    assert.match(plain.stderr, /internaltlsEnabled is on, and redkite\.upstream\.uri .* is plaintext/)
  })
})
