/** Server certificates renew themselves where the key of their authority is at hand, and say so where they cannot. */
import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { LOCK_NAME } from '../../src/pki/lock.ts'
import type { TlsSettings } from '../../src/tls/settings.ts'
import { type Made, make } from '../support/certificates.ts'
import { redkite, startRedkite, temporary } from '../support/server.ts'
import { createSet } from '../support/sets.ts'
import { http2Call } from '../support/tls-client.ts'
import { folder, openPort, type Port, until } from '../support/tls-port.ts'
import { faketime } from '../support/tools.ts'

const GRPC = 'application/grpc'
const SECOND = 1 / 86_400

/** A set whose server certificate lives half a minute and is due for renewal in one to three seconds. */
async function shortLived(more: { readonly caToDays?: number; readonly leafToDays?: number } = {}) {
  const ca = await make({ cn: 'root', ca: true, toDays: more.caToDays ?? 3650 })
  const names = ['db.example', '127.0.0.1']
  const dates = { fromDays: -17 * SECOND, toDays: more.leafToDays ?? 13 * SECOND }
  const server = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'], names, ...dates })
  const client = await make({ cn: 'client', by: ca, usages: ['clientAuth'] })
  const files = await folder({
    'server.pem': server.pem + ca.pem,
    'server.key': server.key,
    'ca.pem': ca.pem,
    'ca.key': ca.key,
  })
  const at = files.path
  const settings: TlsSettings = {
    files: { kind: 'mutual', serverPem: at('server.pem'), serverKey: at('server.key'), caPem: at('ca.pem') },
    caKeyPath: at('ca.key'),
  }
  return { ca, server, client, files, settings, at, [Symbol.asyncDispose]: () => files[Symbol.asyncDispose]() }
}

const trusting = (ca: Made, client: Made) => ({
  ca: ca.pem,
  cert: client.pem,
  key: client.key,
  servername: 'db.example',
})
const serialOf = (made: Made) => made.certificate.serialNumber.replace(/^00/, '').toUpperCase()
const linesOf = (port: Port, message: string) => port.lines.filter((line) => line.message === message)

async function renewals(port: Port, result: string): Promise<number> {
  const { values } = await port.metrics.renewals.get()
  return values.find(({ labels }) => labels.result === result)?.value ?? 0
}

describe('automatic renewal', () => {
  test('at two thirds of the life: same names, new key, no call lost', async () => {
    await using set = await shortLived()
    await using port = await openPort(set.settings.files, { settings: set.settings })
    const trust = trusting(set.ca, set.client)
    await until('it looked', () => port.material?.status().renewal.kind === 'automatic')
    let isBusy = true
    let calls = 0
    const fresh = async () => {
      for (; isBusy; calls += 1) assert.equal((await http2Call(port.port, trust, GRPC)).grpcStatus, '0')
    }
    const session = connectHttp2(`https://127.0.0.1:${port.port}`, trust)
    const loops = Promise.all([fresh(), fresh(), onOpenSession(session, () => isBusy)])
    await until('it renewed', () => port.material?.current.number === 2, 8_000)
    await http2Call(port.port, trust, GRPC)
    isBusy = false
    await loops
    session.destroy()
    assert.ok(calls > 5)

    const [leaf, authority] = port.material?.current.chain ?? []
    assert.ok(leaf && authority)
    assert.equal(port.material?.status().trigger, 'renewal')
    assert.equal(leaf.subject, 'CN=localhost')
    assert.match(leaf.subjectAltName ?? '', /^DNS:db\.example, IP Address:127\.0\.0\.1/)
    assert.equal(authority.serialNumber, serialOf(set.ca))
    const old = new X509Certificate(set.server.pem)
    const keyOf = (certificate: X509Certificate) => certificate.publicKey.export({ type: 'spki', format: 'pem' })
    assert.notEqual(keyOf(leaf), keyOf(old))
    const life = (certificate: X509Certificate) =>
      certificate.validToDate.getTime() - certificate.validFromDate.getTime()
    assert.ok(Math.abs(life(leaf) - life(old)) <= 1_000, 'as long a life as before')
    assert.equal(statSync(set.at('server.key')).mode & 0o777, 0o600)
    assert.equal(readFileSync(set.at('server.key.old'), 'utf8'), set.server.key)
    const left = readdirSync(dirname(set.at('x'))).sort()
    assert.deepEqual(left, ['ca.key', 'ca.pem', 'server.key', 'server.key.old', 'server.pem', 'server.pem.old'])
    assert.equal(await renewals(port, 'renewed'), 1)
    const due = (await port.metrics.renewalDue.get()).values[0]?.value ?? 0
    const share = (due * 1000 - leaf.validFromDate.getTime()) / life(leaf)
    assert.ok(share >= 0.6 && share <= 0.667, `${share}`)
  })

  test('of a key that is encrypted leaves it encrypted', async () => {
    await using set = await shortLived()
    const sealed = createPrivateKey(set.server.key).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'canary',
    })
    await writeFile(set.at('server.key'), sealed)
    await writeFile(set.at('passphrase'), 'canary\n', { mode: 0o600 })
    const settings = { ...set.settings, passphrase: { kind: 'file', path: set.at('passphrase') } } as const
    await using port = await openPort(settings.files, { settings })
    await until('it renewed', () => port.material?.current.number === 2, 8_000)
    const key = readFileSync(set.at('server.key'), 'utf8')
    assert.match(key, /BEGIN ENCRYPTED PRIVATE KEY/)
    assert.ok(port.material?.current.leaf.checkPrivateKey(createPrivateKey({ key, passphrase: 'canary' })))
    assert.doesNotMatch(JSON.stringify(port.lines), /canary/)
  })

  test('of servers that share their files: one renews, the others load what it wrote', async () => {
    await using set = await shortLived()
    const settings = { ...set.settings, watchIntervalMs: 20 }
    const ports = await Promise.all([1, 2, 3].map(() => openPort(settings.files, { settings })))
    try {
      const serials = () => new Set(ports.map((port) => port.material?.current.leaf.serialNumber))
      await until('all have it', () => serials().size === 1 && !serials().has(serialOf(set.server)), 8_000)
      const made = await Promise.all(ports.map((port) => renewals(port, 'renewed')))
      assert.equal(
        made.reduce((sum, count) => sum + count, 0),
        1,
      )
    } finally {
      for (const port of ports) await port[Symbol.asyncDispose]()
    }
  })

  test('that fails is loud, counted and tried again; the old certificate keeps serving', async () => {
    await using set = await shortLived({ caToDays: 13 * SECOND })
    await using port = await openPort(set.settings.files, { settings: set.settings })
    await until('it failed', async () => (await renewals(port, 'failed')) === 1, 8_000)
    const [line] = linesOf(port, 'tls certificate not renewed, the old one keeps serving')
    assert.equal(line?.level, 'error')
    assert.match(
      String(line?.fields['reason']),
      /its certificate authority ends at .*, not after the certificate itself/,
    )
    assert.match(String(line?.fields['hint']), /redkite certs create --force/)
    const wait = Date.parse(String(line?.fields['nextAttempt'])) - Date.now()
    assert.ok(wait > 50_000 && wait <= 60_000, `${wait}`)
    const { renewal } = port.material?.status() ?? {}
    assert.ok(renewal?.kind === 'automatic' && renewal.failures === 1 && renewal.lastError !== null)
    assert.equal((await http2Call(port.port, trusting(set.ca, set.client), GRPC)).grpcStatus, '0')
    assert.equal(readFileSync(set.at('server.key'), 'utf8'), set.server.key)
  })

  test('whose CA key has gone away is loud when it is due', async () => {
    await using set = await shortLived()
    await using port = await openPort(set.settings.files, { settings: set.settings })
    await until('it looked', () => linesOf(port, 'tls certificate is renewed automatically').length === 1)
    await rm(set.at('ca.key'))
    await until('it failed', async () => (await renewals(port, 'failed')) === 1, 8_000)
    const [line] = linesOf(port, 'tls certificate not renewed, the old one keeps serving')
    assert.match(String(line?.fields['reason']), /open .*ca\.key: no such file/)
    assert.match(String(line?.fields['hint']), /redkite certs renew --dir/)
    assert.equal(port.material?.current.number, 1)
  })
})

describe('renewal by hand is said once at the start, with the reason and what to do:', () => {
  const cases: Record<string, { more: Partial<TlsSettings>; why: RegExp; otherKey?: boolean }> = {
    'no CA key': { more: { caKeyPath: null }, why: /^the key of its certificate authority is not at hand$/ },
    'switched off': { more: { autoRenew: false }, why: /^redkite\.tls\.autoRenew is false$/ },
    'the key of another CA': { more: {}, why: /is not the key of the authority that issued/, otherKey: true },
  }
  for (const [name, { more, why, otherKey }] of Object.entries(cases)) {
    test(name, async () => {
      await using set = await shortLived({ leafToDays: 30 })
      if (otherKey) await writeFile(set.at('ca.key'), set.client.key)
      const settings = { ...set.settings, ...more }
      await using port = await openPort(settings.files, { settings })
      await until('it is said', () => linesOf(port, 'tls certificate is renewed by hand').length === 1)
      const [line] = linesOf(port, 'tls certificate is renewed by hand')
      assert.equal(line?.level, 'info')
      assert.match(String(line?.fields['why']), why)
      assert.match(String(line?.fields['remedy']), /redkite certs renew --dir \//)
      const { renewal } = port.material?.status() ?? {}
      assert.equal(renewal?.kind, 'byHand')
    })
  }
})

describe('renewals are locked against each other', () => {
  test('four commands at once: each succeeds, and the pair that is left belongs together', async () => {
    using scratch = temporary()
    const set = await createSet(join(scratch.path, 'set'))
    const first = readFileSync(set.server, 'utf8')
    const ran = await Promise.all([1, 2, 3, 4].map(() => redkite(['certs', 'renew', '--dir', set.dir])))
    assert.deepEqual(
      ran.map(({ exitCode, stderr }) => [exitCode, exitCode === 0 ? '' : stderr]),
      Array(4).fill([0, '']),
    )
    const pem = readFileSync(set.server, 'utf8')
    assert.notEqual(pem, first)
    assert.ok(new X509Certificate(pem).checkPrivateKey(createPrivateKey(readFileSync(set.serverKey))))
    assert.deepEqual(
      readdirSync(set.dir).filter((name) => /lock|tmp/.test(name)),
      [],
    )
  })

  test('a lock whose holder is gone, or that is damaged, is cleared; that of a living one is not', async () => {
    using scratch = temporary()
    const set = await createSet(join(scratch.path, 'set'))
    const lock = join(set.dir, LOCK_NAME)
    const holder = { pid: 4_194_303, host: hostname(), since: Date.now(), token: 'x' }
    for (const text of [
      JSON.stringify(holder),
      '',
      JSON.stringify({ ...holder, pid: 1, since: Date.now() - 200_000 }),
    ]) {
      await writeFile(lock, text)
      assert.equal((await redkite(['certs', 'renew', '--dir', set.dir])).exitCode, 0, text)
    }
    await writeFile(lock, JSON.stringify({ ...holder, pid: process.pid }))
    const before = await readFile(set.server, 'utf8')
    const refused = await redkite(['certs', 'renew', '--dir', set.dir])
    assert.equal(refused.exitCode, 75)
    assert.match(
      refused.stderr,
      new RegExp(`process ${process.pid} on .* is renewing certificates here: .*${LOCK_NAME}`),
    )
    assert.equal(await readFile(set.server, 'utf8'), before)
    assert.equal(JSON.parse(readFileSync(lock, 'utf8')).pid, process.pid)
  })
})

describe('a server', () => {
  test('with redkite.tls.caKeyPath renews what is due when it starts', { skip: faketime.skip }, async () => {
    using scratch = temporary()
    const set = await createSet(join(scratch.path, 'set'))
    const before = new X509Certificate(readFileSync(set.server))
    const args = ['--tls', 'mutual', '--tls-dir', set.dir, '--set', `redkite.tls.caKeyPath=${set.caKey}`]
    const start = (offset: string) => startRedkite({ args, env: faketime.at(offset) })
    {
      await using early = await start('+200d')
      await early.logged(/tls certificate is renewed automatically/)
      assert.equal(readFileSync(set.server, 'utf8').includes(before.toString()), true)
    }
    await using late = await start('+270d')
    const [, serial] = await late.logged(/tls certificate renewed".*\[serial=(\w+)\]/)
    await late.logged(/tls material reloaded".*\[trigger=renewal\] \[generation=2\]/)
    const after = new X509Certificate(readFileSync(set.server))
    assert.equal(after.serialNumber, serial)
    assert.notEqual(after.serialNumber, before.serialNumber)
    assert.equal(after.subjectAltName, before.subjectAltName)
    const metrics = await (await fetch(`${late.ready.metrics}/metrics`)).text()
    assert.match(metrics, /^redkite_tls_renewals_total\{section="tls",result="renewed"\} 1$/m)
  })

  test('with --auto-tls has the key, and renews itself', async () => {
    await using served = await startRedkite({ args: ['--auto-tls'] })
    await served.logged(/tls certificate is renewed automatically/)
  })
})

async function onOpenSession(session: ReturnType<typeof connectHttp2>, isBusy: () => boolean): Promise<void> {
  while (isBusy()) {
    await new Promise<void>((resolve, reject) => {
      const stream = session.request({ ':method': 'POST', ':path': '/p.S/M', 'content-type': GRPC, te: 'trailers' })
      stream.on('error', reject)
      stream.on('end', resolve)
      stream.resume()
      stream.end('hello')
    })
  }
}
