/**
 * The link between a proxy and the node behind it, two processes over the internal port: what is verified, and that
 * whatever does not hold is refused by reason, on the side that refuses.
 */
import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Made, make } from '../support/certificates.ts'
import { nodeConnects } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { refusedStart, type Served, startRedkite, temporary } from '../support/server.ts'
import { type CertSet, createSet } from '../support/sets.ts'
import { healthOf, internalTls, linkTls, metricOf, settings, startProxy } from '../support/upstream.ts'

const place = temporary()
const dir = (name: string) => join(place.path, name)
let set: CertSet
let other: CertSet
let ca: Made
let node: Served
/** A set of files of one CA made here: what the toolkit would not make. */
async function setOf(name: string, wishes: { server?: object; client?: object } = {}): Promise<CertSet> {
  const server = await make({ cn: 'node', by: ca, usages: ['serverAuth'], ...wishes.server })
  const client = await make({
    cn: 'proxy',
    by: ca,
    usages: ['clientAuth'],
    names: ['proxy.internal'],
    ...wishes.client,
  })
  mkdirSync(dir(name))
  const file = (file_: string, text: string) => {
    writeFileSync(join(dir(name), file_), text, { mode: 0o600 })
    return join(dir(name), file_)
  }
  return {
    dir: dir(name),
    ca: file('ca.pem', ca.pem),
    caKey: '',
    server: file('server.pem', server.pem),
    serverKey: file('server.key', server.key),
    client: file('client.pem', client.pem),
    clientKey: file('client.key', client.key),
  }
}

before(async () => {
  ca = await make({ cn: 'internal CA', ca: true })
  set = await setOf('internal')
  other = await createSet(dir('other'))
  node = await startRedkite({ args: internalTls(set, { 'redkite.internaltls.allowedPeers': 'proxy.internal, x.y' }) })
})
after(async () => {
  await node[Symbol.asyncDispose]()
  place[Symbol.dispose]()
})
const internal = () => node.ready.internal ?? ''

/** Starts a proxy whose link must not come about; the cause in its log. */
async function causeOf(uri: string, args: readonly string[]): Promise<string> {
  await using proxy = await startProxy(uri, args)
  const [, cause = '', remedy = ''] = await proxy.logged(
    /upstream is unavailable"\].*?\[cause="?(.*?)"?\] \[remedy="?(.*?)"?\]/,
  )
  assert.ok(remedy.length > 10, 'a remedy')
  assert.match(await healthOf(proxy), /^500 /)
  assert.equal(await metricOf(proxy, 'redkite_upstream_up'), '0')
  assert.match(
    await nodeConnects(proxy.port, { kind: 'plain' }),
    /UNAVAILABLE.*upstream https?:\/\/.* is unavailable: /,
  )
  return cause
}

describe('the link', () => {
  it('comes about over mutual TLS 1.3, says so on both sides, and carries calls', async () => {
    await node.logged(/\[utils\/util\.go:56\] \["Internal TLS Enabled"\] \[value=true\]/)
    await using proxy = await startProxy(internal(), linkTls(set))
    await proxy.logged(
      /"upstream connected"\].*\[uri=https:\/\/[\w.]+:\d+\] \[version=TLSv1\.3\].*\[serverName=127\.0\.0\.1\] \[verified=true\]/,
    )
    assert.equal(await nodeConnects(proxy.port, { kind: 'plain' }), 'ok')
    assert.equal(await healthOf(proxy), '200 OK')
    assert.equal(await metricOf(proxy, 'redkite_upstream_connections'), '2')
  })

  it('falls back to internaltls.* for what is not its own', async () => {
    const both = await setOf('both', {
      server: { usages: ['serverAuth', 'clientAuth'], names: ['localhost', 'proxy.internal'] },
    })
    const keys = internalTls(both, { 'internaltls.sni': 'localhost' })
    await using proxy = await startProxy(internal().replace('localhost', '127.0.0.1'), keys)
    await proxy.logged(/"upstream connected"\].*\[serverName=localhost\]/)
    assert.equal(proxy.ready.internal, null)
  })

  it('is refused by the proxy: unknown authority, wrong name, expired, plaintext', async () => {
    const wrongCa = linkTls(set, { 'redkite.upstream.caPemPath': other.ca })
    assert.match(await causeOf(internal(), wrongCa), /signed by an unknown authority/)
    const wrongName = linkTls(set, { 'redkite.upstream.sni': 'elsewhere' })
    assert.match(await causeOf(internal(), wrongName), /certificate is valid for DNS:localhost.*not elsewhere/)
    const expired = await setOf('expired', { server: { fromDays: -9, toDays: -1 } })
    await using late = await startRedkite({ args: internalTls(expired) })
    assert.match(await causeOf(late.ready.internal ?? '', linkTls(set)), /has expired/)
    const plain = `https://127.0.0.1:${node.port}`
    assert.match(await causeOf(plain, linkTls(set)), /during the TLS handshake: it does not speak TLS/)
  })

  it('is refused by the node: no certificate, another CA, an external client, a server certificate', async () => {
    const none = linkTls(set, { 'redkite.upstream.clientPemPath': '', 'redkite.upstream.clientKeyPath': '' })
    assert.match(await causeOf(internal(), none), /asks for a client certificate|no common TLS version/)
    await node.logged(/\[listener=internal\].*\[reason=noClientCertificate\]/)
    const foreign = {
      'redkite.upstream.clientPemPath': other.client,
      'redkite.upstream.clientKeyPath': other.clientKey,
    }
    assert.match(await causeOf(internal(), linkTls(set, foreign)), /does not admit this client|refused our client/)
    await node.logged(/\[listener=internal\].*\[reason=unknownAuthority\]/)
    const external = await setOf('external', { client: { cn: 'etl', names: ['etl.example'] } })
    assert.match(await causeOf(internal(), linkTls(external)), /does not admit this client/)
    await node.logged(/\[listener=internal\].*\[reason=peerNotAllowed\].*etl/)
    const own = { 'redkite.upstream.clientPemPath': set.server, 'redkite.upstream.clientKeyPath': set.serverKey }
    assert.match(await causeOf(internal(), linkTls(set, own)), /does not admit this client|refused our client/)
    await node.logged(/\[listener=internal\].*\[reason=invalidPurpose\]/)
  })

  it('never falls back to plaintext: an http URI at a TLS port, and with internal TLS on', async () => {
    assert.match(await causeOf(internal().replace('https', 'http'), []), /needs TLS/)
    await node.logged(/\[listener=internal\].*\[reason=plaintextHttp2\]/)
    const failed = await refusedStart({ args: ['proxy', '--upstream', 'http://localhost:1', ...internalTls(set)] })
    assert.equal(failed.exitCode, 78)
    assert.match(
      failed.stderr,
      /internaltlsEnabled is on, and redkite\.upstream\.uri http:\/\/localhost:1 is plaintext/,
    )
  })

  it('is made anew when its files change, and drops no call; a bad file changes nothing', async () => {
    const live = await setOf('live')
    await using proxy = await startProxy(internal(), linkTls(live, { 'redkite.tls.reloadIntervalMs': '50' }))
    await proxy.logged(/"upstream connected"\].*\[generation=1\]/)
    writeFileSync(live.clientKey, other.clientKey)
    await proxy.logged(/link material not reloaded, the old one stays in use/)
    const next = await setOf('next')
    copyFileSync(next.clientKey, live.clientKey)
    copyFileSync(next.client, live.client)
    await proxy.logged(/"upstream connected"\].*\[generation=2\]/)
    assert.equal(await nodeConnects(proxy.port, { kind: 'plain' }), 'ok')
  })
})

describe('the start', () => {
  it('ends where a pair does not load, on both sides', async () => {
    const swapped = { 'internaltls.serverKeyPath': set.clientKey }
    const failed = await refusedStart({ args: internalTls(set, swapped) })
    assert.equal(failed.exitCode, 78)
    assert.match(failed.stderr, /internaltls\.serverKeyPath.*private key does not match/)
    const link = linkTls(set, { 'redkite.upstream.clientKeyPath': set.serverKey })
    const proxy = await refusedStart({ args: ['proxy', '--upstream', internal(), ...link] })
    assert.equal(proxy.exitCode, 78)
    assert.match(proxy.stderr, /redkite\.upstream\.clientKeyPath.*does not match/)
    const missing = linkTls(set, { 'redkite.upstream.caPemPath': dir('nowhere.pem') })
    const absent = await refusedStart({ args: ['proxy', '--upstream', internal(), ...missing] })
    assert.match(absent.stderr, /redkite\.upstream\.caPemPath: open .*no such file/)
  })

  it('ends where role and keys contradict each other', async () => {
    const cases: readonly (readonly [readonly string[], RegExp, number])[] = [
      [['proxy'], /no upstream is named/, 64],
      [['standalone', '--upstream', 'http://h:1'], /role standalone: redkite\.upstream\.uri is http:\/\/h:1/, 64],
      [['querynode'], /role querynode: standalone and proxy/, 64],
      [['proxy', '--upstream', 'milvus:19530'], /must be http:\/\/host:port or https/, 78],
      [['proxy', '--upstream', 'https://h:1'], /redkite\.upstream\.caPemPath is empty/, 78],
      [
        ['proxy', '--upstream', 'http://h:1', ...settings({ 'redkite.upstream.credentials': 'checked' })],
        /redkite\.upstream\.credentials is checked, and common\.security\.authorizationEnabled is off/,
        78,
      ],
    ]
    for (const [args, text, exitCode] of cases) {
      const failed = await refusedStart({ args })
      assert.match(failed.stderr, text)
      assert.equal(failed.exitCode, exitCode)
    }
  })
})

describe('an upstream that goes and comes', () => {
  it('leaves clear refusals behind, and is found again', async () => {
    const data = dir('data')
    const start = () => startRedkite({ data, args: internalTls(set, { 'proxy.internalPort': port }) })
    let port = '0'
    const first = await start()
    port = new URL(first.ready.internal ?? '').port
    await using proxy = await startProxy(`https://localhost:${port}`, linkTls(set))
    assert.equal(await nodeConnects(proxy.port, { kind: 'plain' }), 'ok')
    await first.kill('SIGKILL')
    await eventually(async () => (await healthOf(proxy)).startsWith('500'))
    assert.match(
      await nodeConnects(proxy.port, { kind: 'plain' }),
      /is unavailable: connection refused; nothing was done, try again later/,
    )
    await using again = await start()
    await eventually(async () => (await healthOf(proxy)).startsWith('200'))
    assert.equal(await nodeConnects(proxy.port, { kind: 'plain' }), 'ok')
    assert.equal(new URL(again.ready.internal ?? '').port, port)
    await first[Symbol.asyncDispose]()
  })
})
