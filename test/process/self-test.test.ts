/** The start-up self-test: what a server does to its own TLS ports before it says that it is ready. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { StartError } from '../../src/errors/start-error.ts'
import { type OwnPort, selfTest } from '../../src/probe/self-test.ts'
import type { HeldRefusals } from '../../src/tls/refusal.ts'
import { type Made, make } from '../support/certificates.ts'
import { startRedkite, temporary } from '../support/server.ts'
import { type CertSet, createSet } from '../support/sets.ts'
import { rawExchange } from '../support/tls-client.ts'
import { folder, openPort, type Port, recordingLog } from '../support/tls-port.ts'

const root = temporary()
let set: CertSet
let ca: Made
let server: Made

before(async () => {
  set = await createSet(join(root.path, 'set'))
  ca = await make({ cn: 'ca', ca: true })
  server = await make({ cn: 'server', by: ca, usages: ['serverAuth'] })
})
after(() => root[Symbol.dispose]())

const PASSED = /"self-test passed"\] \[refused="([^"]*)"\] \[ms=(\d+)/
const ALL = 'plaintext HTTP, plaintext HTTP/2, no client certificate, a self-signed client certificate'

describe('a server tests itself at its start:', () => {
  it('every mutual port refuses strangers; nothing of it is in the metrics or the log as a refusal', async () => {
    const args = ['--tls', 'mutual', '--tls-dir', set.dir, '--http-port', '0']
    await using served = await startRedkite({ args })
    const [, refused] = await served.logged(PASSED)
    assert.equal(refused, `proxy: ${ALL}; rest: ${ALL}`)
    assert.ok(served.log().indexOf('self-test passed') < served.log().indexOf('ready to serve'))
    assert.doesNotMatch(served.log(), /connection refused/)
    const metrics = await (await fetch(`${served.ready.metrics}/metrics`)).text()
    assert.doesNotMatch(metrics, /^redkite_tls_handshakes_total\{.*\} [1-9]/m)
    await rawExchange(served.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await served.logged(/connection refused.*plaintextHttp/)
  })

  it('one-way ports refuse plaintext; plaintext ports have nothing to prove; it can be switched off', async () => {
    await using oneWay = await startRedkite({ args: ['--tls', 'one-way', '--tls-dir', set.dir] })
    const [, refused] = await oneWay.logged(PASSED)
    assert.equal(refused, 'proxy: plaintext HTTP, plaintext HTTP/2')
    await using plain = await startRedkite({})
    await plain.logged(/ready to serve/)
    assert.doesNotMatch(plain.log(), /self-test/)
    const off = ['--tls', 'mutual', '--tls-dir', set.dir, '--set', 'redkite.tls.selfTest=false']
    await using silent = await startRedkite({ args: off })
    await silent.logged(/ready to serve/)
    assert.doesNotMatch(silent.log(), /self-test/)
  })

  it('under explain mode too, where refused clients get an answer', async () => {
    const args = ['--tls', 'mutual', '--tls-dir', set.dir, '--set', 'redkite.tls.explain=true']
    await using served = await startRedkite({ args })
    const [, refused] = await served.logged(PASSED)
    assert.equal(refused, `proxy: ${ALL}`)
  })
})

describe('the self-test fails', () => {
  const owned = (port: Port, isMutual = true): OwnPort => ({
    name: 'proxy',
    host: '127.0.0.1',
    port: port.port,
    isMutual,
    holdRefusals: () => port.listener.holdRefusals(),
  })
  const files = () => folder({ 'server.pem': server.pem, 'server.key': server.key, 'ca.pem': ca.pem })
  const test = (port: OwnPort) => selfTest([port], recordingLog())
  const fails = (run: Promise<void>, text: RegExp) =>
    assert.rejects(run, (error) => error instanceof StartError && error.exitCode === 70 && text.test(error.message))

  it('not where all is well', async () => {
    await using at = await files()
    const pair = { serverPem: at.path('server.pem'), serverKey: at.path('server.key') }
    await using port = await openPort({ kind: 'mutual', ...pair, caPem: at.path('ca.pem') })
    await test(owned(port))
    assert.equal(port.handlers.calls, 0)
    assert.equal(await port.handshakes({}), 0)
    assert.deepEqual(port.refusals(), [])
  })

  it('where a port that should be mutual is one-way', async () => {
    await using at = await files()
    const pair = { serverPem: at.path('server.pem'), serverKey: at.path('server.key') }
    await using port = await openPort({ kind: 'oneWay', ...pair })
    await fails(test(owned(port)), /listener proxy \(port \d+\), probe (no|a self-signed) client certificate: it was/)
  })

  it('where a TLS port is in plaintext', async () => {
    await using port = await openPort(null)
    await fails(test(owned(port, false)), /listener proxy .*, probe plaintext HTTP(\/2)?: it was/)
  })

  it('where refusals have another reason: that proves nothing', async () => {
    await using at = await files()
    const pair = { serverPem: at.path('server.pem'), serverKey: at.path('server.key') }
    await using port = await openPort({ kind: 'mutual', ...pair, caPem: at.path('ca.pem') })
    const held: HeldRefusals = { reasonFor: () => 'malformed', release: () => {} }
    await fails(test({ ...owned(port), holdRefusals: () => held }), /refused for another reason: malformed/)
  })

  it('keeps what others did meanwhile: their refusals are logged once it is over', async () => {
    await using at = await files()
    const pair = { serverPem: at.path('server.pem'), serverKey: at.path('server.key') }
    await using port = await openPort({ kind: 'oneWay', ...pair })
    const held = port.listener.holdRefusals()
    await rawExchange(port.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    assert.deepEqual(port.refusals(), [])
    held.release(new Set())
    assert.equal(port.refusals()[0]?.['reason'], 'plaintextHttp')
  })
})
