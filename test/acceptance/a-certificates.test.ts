/** Rows A1 to A3 of the page "Encryption in Transit": certificates. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { nodeClient, nodeConnects } from '../support/clients.ts'
import { pageSign, runOpenssl } from '../support/page-script.ts'
import { redkite, startRedkite, temporary } from '../support/server.ts'
import { createSet, pageScriptSet, setIn } from '../support/sets.ts'
import { openssl, run } from '../support/tools.ts'

const SEVEN = ['ca.key', 'ca.pem', 'ca.srl', 'client.key', 'client.pem', 'server.key', 'server.pem']

function mutual(dir: string): string[] {
  return ['--tls', 'mutual', '--tls-dir', dir]
}

describe('A1: one command makes the seven files', () => {
  it('writes exactly the seven names without OpenSSL, each variable of the page a flag', async () => {
    using place = temporary()
    const subject = [
      '--country',
      'CN',
      '--state',
      'Zhejiang',
      '--location',
      'Hangzhou',
      '--organization',
      'Org',
      '--unit',
      'Unit',
    ]
    const args = ['certs', 'create', '--dir', 'cert', '--server-name', 'milvus.example', ...subject, '--days', '100']
    // an empty PATH: no program can be started
    const made = await redkite(args, { cwd: place.path, env: { PATH: '' } })
    assert.equal(made.exitCode, 0, made.stderr)
    assert.deepEqual(readdirSync(join(place.path, 'cert')).sort(), SEVEN)
    const set = setIn(join(place.path, 'cert'))
    const server = new X509Certificate(readFileSync(set.server))
    for (const part of ['C=CN', 'ST=Zhejiang', 'L=Hangzhou', 'O=Org', 'OU=Unit', 'CN=milvus.example']) {
      assert.ok(server.subject.split('\n').includes(part), `${part} in ${server.subject}`)
    }
    assert.equal(server.checkHost('milvus.example'), 'milvus.example')
    const days = (server.validToDate.getTime() - server.validFromDate.getTime()) / 86_400_000
    assert.ok(Math.abs(days - 100) < 0.1, `${days} days`)
    if (process.platform !== 'win32') assert.equal(statSync(set.serverKey).mode & 0o777, 0o600)
  })

  it('names that clients dial are checked when they connect', async () => {
    using place = temporary()
    const set = await createSet(join(place.path, 'cert'), ['--server-name', 'milvus.example'])
    await using served = await startRedkite({ args: ['--tls', 'one-way', '--tls-dir', set.dir] })
    assert.equal(await nodeConnects(served.port, { kind: 'oneWay', set }), 'ok')
    const other = await createSet(join(place.path, 'other'))
    assert.notEqual(await nodeConnects(served.port, { kind: 'oneWay', set: other }), 'ok')
    const named = await run(openssl.path, [
      ...['s_client', '-connect', `127.0.0.1:${served.port}`, '-CAfile', set.ca, '-verify_return_error'],
      ...['-verify_hostname', 'somebody.else'],
    ])
    assert.match(named.stdout + named.stderr, /[Hh]ostname mismatch/)
  })
})

describe('A2: the script of the page', { skip: openssl.skip }, () => {
  it('its server half serves; its client half is refused in mode 2, with the reason and the remedy', async () => {
    using place = temporary()
    const set = await pageScriptSet(join(place.path, 'tls'))
    {
      await using oneWay = await startRedkite({ args: ['--tls', 'one-way', '--tls-dir', set.dir] })
      assert.equal(await nodeConnects(oneWay.port, { kind: 'oneWay', set }), 'ok')
    }
    await using served = await startRedkite({ args: mutual(set.dir) })
    assert.notEqual(await nodeConnects(served.port, { kind: 'mutual', set }), 'ok')
    const [line] = await served.logged(/connection refused.*reason=invalidPurpose.*serverAuth.*/)
    assert.match(line, /clientAuth/)
    assert.match(line, /certs renew/)
    const verified = await redkite(['certs', 'verify', '--dir', set.dir])
    assert.equal(verified.exitCode, 1)
    assert.match(verified.stdout, /FAIL.*client\.pem.*serverAuth/)
    assert.match(verified.stdout, /fix.*certs renew/)
  })

  it('an explicit key admits it, with a warning', async () => {
    using place = temporary()
    const set = await pageScriptSet(join(place.path, 'tls'))
    const args = [...mutual(set.dir), '--set', 'redkite.tls.acceptServerAuthClients=true']
    await using served = await startRedkite({ args })
    assert.equal(await nodeConnects(served.port, { kind: 'mutual', set }), 'ok')
    await served.logged(/\[WARN\].*serverAuth/)
    const stranger = await pageScriptSet(join(place.path, 'stranger'))
    const mixed = { ...stranger, ca: set.ca }
    assert.notEqual(await nodeConnects(served.port, { kind: 'mutual', set: mixed }), 'ok')
  })
})

describe('A3: renewal', () => {
  it('makes new pairs under the same CA with new serials; the server takes them up with no restart and no failed call', async () => {
    using place = temporary()
    const set = await createSet(join(place.path, 'tls'))
    const old = { ...set, dir: join(place.path, 'old') }
    cpSync(set.dir, old.dir, { recursive: true })
    const oldClient = setIn(old.dir)
    await using served = await startRedkite({ args: mutual(set.dir) })
    const client = nodeClient(served.port, { kind: 'mutual', set: oldClient })
    await client.connectPromise
    let [calls, failed, renewed] = [0, 0, false]
    const load = (async () => {
      for (let after = 0; after < 50; calls++) {
        const answer = await client.getVersion().catch(() => null)
        if (answer?.version === undefined) failed++
        if (renewed) after++
      }
    })()
    const before = new X509Certificate(readFileSync(set.server))
    const serial = readFileSync(join(set.dir, 'ca.srl'), 'utf8')
    const made = await redkite(['certs', 'renew', '--dir', set.dir])
    assert.equal(made.exitCode, 0, made.stderr)
    await served.logged(/tls material reloaded/)
    renewed = true
    await load
    await client.closeConnection()
    const after = new X509Certificate(readFileSync(set.server))
    assert.notEqual(after.serialNumber, before.serialNumber)
    assert.notEqual(readFileSync(join(set.dir, 'ca.srl'), 'utf8'), serial)
    assert.deepEqual(readFileSync(set.ca), readFileSync(oldClient.ca))
    assert.equal(failed, 0, `${failed} of ${calls} calls failed`)
    // a client that kept the old files trusts the renewed server, and sees the new certificate
    assert.equal(await nodeConnects(served.port, { kind: 'mutual', set: oldClient }), 'ok')
    assert.equal(await nodeConnects(served.port, { kind: 'mutual', set }), 'ok')
    const seen = await run(openssl.path, [
      ...[
        's_client',
        '-connect',
        `127.0.0.1:${served.port}`,
        '-CAfile',
        set.ca,
        '-cert',
        set.client,
        '-key',
        set.clientKey,
      ],
    ])
    const pem = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/.exec(seen.stdout)?.[0] ?? ''
    assert.equal(new X509Certificate(pem).serialNumber, after.serialNumber)
  })

  it('the page’s own renewal with openssl can take over: ca.srl counts on', { skip: openssl.skip }, async () => {
    using place = temporary()
    const set = await createSet(join(place.path, 'tls'))
    const serial = BigInt(`0x${readFileSync(join(set.dir, 'ca.srl'), 'utf8').trim()}`)
    await runOpenssl(set.dir, 'genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out server.key')
    await pageSign(set.dir, 'server', '-CAserial ca.srl')
    const next = BigInt(`0x${readFileSync(join(set.dir, 'ca.srl'), 'utf8').trim()}`)
    assert.equal(next, serial + 1n)
    const renewed = new X509Certificate(readFileSync(set.server))
    assert.equal(BigInt(`0x${renewed.serialNumber}`), next)
    await using served = await startRedkite({ args: ['--tls', 'one-way', '--tls-dir', set.dir] })
    assert.equal(await nodeConnects(served.port, { kind: 'oneWay', set }), 'ok')
  })
})
