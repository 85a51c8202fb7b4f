/** A denied client is gone within a second, on every port, whether it is connected, comes again or resumes. */
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { type Made, make } from '../support/certificates.ts'
import { makeCrl } from '../support/crls.ts'
import { eventually } from '../support/eventually.ts'
import { redkite, refusedStart, type Served, startRedkite, temporary } from '../support/server.ts'
import { createSet } from '../support/sets.ts'
import { type ClientTls, http1Call, http2Call, received, visit } from '../support/tls-client.ts'

let ca: Made
let server: Made
const folder = temporary()
const at = (name: string) => join(folder.path, name)

before(async () => {
  ca = await make({ cn: 'root', ca: true })
  server = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'] })
  writeFileSync(at('server.pem'), server.pem)
  writeFileSync(at('server.key'), server.key, { mode: 0o600 })
  writeFileSync(at('ca.pem'), ca.pem)
})
after(() => folder[Symbol.dispose]())

const newClient = (cn: string) => make({ cn, by: ca, usages: ['clientAuth'] })
const serialOf = (made: Made) => made.certificate.serialNumber.replace(/^0+/, '').toUpperCase()
const trust = (client: Made): ClientTls => ({ ca: ca.pem, cert: client.pem, key: client.key, servername: 'localhost' })

/** Mutual TLS with a REST port of its own and a deny list; `list` is its first content. */
function serve(list: string, env: Readonly<Record<string, string>> = {}): Promise<Served> {
  writeFileSync(at('deny.txt'), list)
  return startRedkite({
    env: {
      COMMON_SECURITY_TLSMODE: '2',
      TLS_SERVERPEMPATH: at('server.pem'),
      TLS_SERVERKEYPATH: at('server.key'),
      TLS_CAPEMPATH: at('ca.pem'),
      PROXY_HTTP_PORT: '0',
      REDKITE_TLS_DENYLISTPATH: at('deny.txt'),
      ...env,
    },
  })
}

/** The port between a proxy and a node opens as well, on the same certificates. */
const INTERNAL = () => ({
  COMMON_SECURITY_INTERNALTLSENABLED: 'true',
  INTERNALTLS_SERVERPEMPATH: at('server.pem'),
  INTERNALTLS_SERVERKEYPATH: at('server.key'),
  INTERNALTLS_CAPEMPATH: at('ca.pem'),
  PROXY_INTERNALPORT: '0',
})
const internalPort = (served: Served) => Number(new URL(served.ready.internal ?? '').port)

/** A live session, and when and how it ended. */
function session(port: number, client: Made) {
  const live = connectHttp2(`https://127.0.0.1:${port}`, trust(client))
  let goaway = false
  let closedAt = 0
  live.on('error', () => {})
  live.on('goaway', () => (goaway = true))
  live.on('close', () => (closedAt = Date.now()))
  const ready = new Promise<void>((resolve, reject) => {
    live.once('remoteSettings', () => resolve())
    live.once('close', () => reject(new Error('closed')))
  })
  return { live, ready, goaway: () => goaway, closedAt: () => closedAt }
}

const isAdmitted = (port: number, client: Made) =>
  http1Call(port, trust(client)).then(
    () => true,
    () => false,
  )

describe('a deny list', () => {
  let served: Served
  before(async () => {
    served = await serve('# nobody yet\n', INTERNAL())
  })
  after(() => served[Symbol.asyncDispose]())

  test('a line added to it ends live sessions on every port with GOAWAY and refuses new ones; others stay', async () => {
    const [bad, good] = [await newClient('leaver'), await newClient('stayer')]
    const ports = [served.port, served.restPort, internalPort(served)]
    assert.equal(new Set(ports).size, 3)
    const doomed = ports.map((port) => session(port, bad))
    const spared = ports.map((port) => session(port, good))
    await Promise.all([...doomed, ...spared].map(({ ready }) => ready))
    const writtenAt = Date.now()
    appendFileSync(at('deny.txt'), `serial:${serialOf(bad)} # left the company\n`)
    await eventually(() => doomed.every((one) => one.closedAt() > 0), 10_000)
    const took = Math.max(...doomed.map((one) => one.closedAt())) - writtenAt
    console.log(`live sessions on ${ports.length} ports were closed ${took} ms after the list was written`)
    assert.ok(doomed.every((one) => one.goaway()))
    for (const port of ports) {
      await assert.rejects(http2Call(port, trust(bad), 'application/json'))
      await assert.rejects(http1Call(port, trust(bad)))
      const admitted = session(port, good)
      await admitted.ready
      admitted.live.destroy()
    }
    assert.match(served.log(), /connection refused.*revoked.*on the deny list: left the company/)
    assert.ok(spared.every((one) => one.closedAt() === 0))
    for (const { live } of spared) live.destroy()
  })

  test('an entry by key, by issuer and by authority; the same serial of another issuer is somebody else', async () => {
    const [byKey, byIssuer, other] = [await newClient('key'), await newClient('issuer'), await newClient('other')]
    const spki = new X509Certificate(byKey.pem).publicKey.export({ type: 'spki', format: 'der' })
    const lines = [
      `spki:${createHash('sha256').update(spki).digest('hex')}`,
      `serial:${serialOf(byIssuer)} issuer:CN=root # scoped`,
      `serial:${serialOf(other)} issuer:CN=somebody else`,
    ]
    appendFileSync(at('deny.txt'), `${lines.join('\n')}\n`)
    await eventually(async () => !(await isAdmitted(served.port, byKey)))
    assert.equal(await isAdmitted(served.port, byIssuer), false)
    assert.equal(await isAdmitted(served.port, other), true)
    const { body } = await scrape(served, 'redkite_tls_deny_entries')
    assert.equal(body, '4')
  })

  test('damage never frees anybody: a torn line, an empty file, no file; a removal counts once the file is quiet', async () => {
    const [first, second] = [await newClient('first'), await newClient('second')]
    const denied = (made: Made) => eventually(async () => !(await isAdmitted(served.port, made)))
    writeFileSync(at('deny.txt'), `serial:${serialOf(first)}\n`)
    await denied(first)
    writeFileSync(at('deny.txt'), `serial:${serialOf(second)}\nserial:what is this\n`)
    await served.logged(/deny list not read, what was denied stays denied.*line 2/)
    await denied(second)
    assert.equal(await isAdmitted(served.port, first), false)
    writeFileSync(at('deny.txt'), '')
    await served.logged(/deny list not read.*the file is empty/)
    rmSync(at('deny.txt'))
    await served.logged(/deny list not read.*ENOENT/)
    assert.equal(await isAdmitted(served.port, first), false)
    assert.equal(await isAdmitted(served.port, second), false)
    // Replaced by rename, as `redkite tls deny` does.
    writeFileSync(at('next.txt'), `serial:${serialOf(second)} # stays\n`)
    renameSync(at('next.txt'), at('deny.txt'))
    await eventually(() => isAdmitted(served.port, first))
    assert.equal(await isAdmitted(served.port, second), false)
  })

  test('redkite tls deny denies a running client, and lets it in again', async () => {
    const client = await newClient('by command')
    writeFileSync(at('client.pem'), client.pem)
    const { live, ready, closedAt } = session(served.port, client)
    await ready
    const denied = await redkite(['tls', 'deny', at('client.pem'), '--list', at('deny.txt'), '--reason', 'lost key'])
    assert.equal(denied.exitCode, 0, denied.stderr)
    assert.match(denied.stdout, /^denied serial:[0-9A-F]+ issuer:CN=root # lost key; CN=by command\n/)
    await eventually(() => closedAt() > 0)
    live.destroy()
    assert.equal(await isAdmitted(served.port, client), false)
    const freed = await redkite(['tls', 'deny', at('client.pem'), '--remove', '--list', at('deny.txt')])
    assert.match(freed.stdout, /^no longer denied serial:/)
    await eventually(() => isAdmitted(served.port, client))
  })
})

describe('who else is denied', () => {
  test('all that a denied authority issued, also where an intermediate hides which one that was', async () => {
    const gone = await make({ cn: 'gone root', ca: true })
    const middle = await make({ cn: 'middle', by: gone, ca: true })
    const direct = await make({ cn: 'direct', by: gone, usages: ['clientAuth'] })
    const hidden = await make({ cn: 'hidden', by: middle, usages: ['clientAuth'] })
    const mine = await newClient('mine')
    writeFileSync(at('both.pem'), ca.pem + gone.pem)
    await using served = await serve('# nobody\n', { TLS_CAPEMPATH: at('both.pem') })
    const chained = { ...hidden, pem: hidden.pem + middle.pem }
    for (const client of [direct, chained, mine]) assert.equal(await isAdmitted(served.port, client), true)
    appendFileSync(at('deny.txt'), `serial:${serialOf(gone)} issuer:CN=gone root\n`)
    await eventually(async () => !(await isAdmitted(served.port, direct)))
    assert.equal(await isAdmitted(served.port, chained), false)
    assert.equal(await isAdmitted(served.port, mine), true)
    await served.logged(/connection refused.*cannot tell which authority issued CN=middle/)
  })

  test('a client that was silent since it was admitted', async () => {
    const client = await newClient('silent')
    await using served = await serve('# nobody\n')
    // Without ALPN the protocol is known from the first bytes only.
    const silent = connectTls({ host: '127.0.0.1', port: served.restPort, ...trust(client) })
    silent.on('error', () => {})
    await once(silent, 'secureConnect')
    appendFileSync(at('deny.txt'), `serial:${serialOf(client)}\n`)
    await eventually(async () => !(await isAdmitted(served.port, client)))
    silent.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    assert.equal(await received(silent).catch(() => ''), '')
  })

  test('a serverAuth client, which is counted while it is admitted', async () => {
    const odd = await make({ cn: 'odd', by: ca, usages: ['serverAuth'] })
    await using served = await serve('# nobody\n', { REDKITE_TLS_ACCEPTSERVERAUTHCLIENTS: 'true' })
    assert.equal(await isAdmitted(served.port, odd), true)
    assert.equal((await scrape(served, 'redkite_tls_server_auth_clients_total')).body, '1')
    appendFileSync(at('deny.txt'), `serial:${serialOf(odd)}\n`)
    await eventually(async () => !(await isAdmitted(served.port, odd)))
    assert.match(served.log(), /connection refused.*\[reason=revoked\]/)
  })

  test('somebody else of the same serial number is no revoked certificate, but of an unknown authority', async () => {
    const client = await newClient('original')
    await using served = await serve(`serial:${serialOf(client)}\n`)
    const forger = await make({ cn: 'root', ca: true })
    const forged = await make({
      cn: 'original',
      by: forger,
      usages: ['clientAuth'],
      serial: client.certificate.serialNumber,
    })
    await assert.rejects(http1Call(served.port, trust(forged)))
    await served.logged(/connection refused.*\[reason=unknownAuthority\]/)
    assert.doesNotMatch(served.log(), /\[reason=revoked\]/)
  })
})

describe('the start with a deny list', () => {
  const refused = (list: string | null) =>
    refusedStart({
      env: {
        COMMON_SECURITY_TLSMODE: '2',
        TLS_SERVERPEMPATH: at('server.pem'),
        TLS_SERVERKEYPATH: at('server.key'),
        TLS_CAPEMPATH: at('ca.pem'),
        REDKITE_TLS_DENYLISTPATH: list ?? at('nowhere.txt'),
      },
    })

  test('is refused without the file, with an empty one, and with a line that is no entry', async () => {
    const missing = await refused(null)
    assert.equal(missing.exitCode, 78)
    assert.match(missing.stderr, /redkite\.tls\.denyListPath: open .*nowhere\.txt: no such file/)
    assert.match(missing.stderr, /hint: .*redkite tls deny --init --list/)
    writeFileSync(at('bad.txt'), '# fine\nserial:12\nsha256:abcd # too short\n')
    const bad = await refused(at('bad.txt'))
    assert.equal(bad.exitCode, 78)
    assert.match(bad.stderr, /bad\.txt:3: a SHA-256 has 64 hexadecimal digits, this has 4/)
    writeFileSync(at('empty.txt'), '')
    assert.match((await refused(at('empty.txt'))).stderr, /empty\.txt: the file is empty/)
  })
})

describe('a revocation list', () => {
  test('of redkite certs is heeded by a running server: revoked by command, gone within moments', async () => {
    using set = temporary()
    const { dir, ca, client, clientKey, server, serverKey } = await createSet(join(set.path, 'tls'))
    assert.equal((await redkite(['certs', 'crl', '--dir', dir])).exitCode, 0)
    await using served = await startRedkite({
      env: {
        COMMON_SECURITY_TLSMODE: '2',
        TLS_SERVERPEMPATH: server,
        TLS_SERVERKEYPATH: serverKey,
        TLS_CAPEMPATH: ca,
        REDKITE_TLS_CRLPATH: join(dir, 'ca.crl'),
        REDKITE_TLS_CRLMODE: 'hard',
      },
    })
    const text = (path: string) => readFileSync(path, 'utf8')
    const tls = { ca: text(ca), cert: text(client), key: text(clientKey), servername: 'localhost' }
    const live = connectHttp2(`https://127.0.0.1:${served.port}`, tls)
    live.on('error', () => {})
    await once(live, 'remoteSettings')
    const closed = once(live, 'close')
    // The server's pair is renewed meanwhile; both old certificates are on the list afterwards.
    const renewed = await redkite(['certs', 'renew', '--revoke-old', '--dir', dir])
    assert.equal(renewed.exitCode, 0, renewed.stderr)
    await closed
    await served.logged(/connections closed: their certificate is revoked/)
    await assert.rejects(http1Call(served.port, tls))
    await served.logged(/connection refused.*\[reason=revoked\]/)
    assert.match(await http1Call(served.port, { ...tls, cert: text(client), key: text(clientKey) }), /^HTTP\/1\.1 /)
    assert.match((await scrape(served, 'redkite_tls_crl_next_update_seconds')).body, /^1\.?\d+(e\+09)?$/)
    assert.equal((await scrape(served, 'redkite_tls_crl_entries')).body, '2')
  })

  test('says at the start which authority has none, and that it does nothing without client certificates', async () => {
    writeFileSync(at('ca.crl'), (await makeCrl({ by: await make({ cn: 'somebody', ca: true }) })).pem)
    await using served = await serve('# nobody\n', { REDKITE_TLS_CRLPATH: at('ca.crl') })
    await served.logged(/no revocation list of a certificate authority.*CN=root/)
    await served.logged(/revocation list is not used.*CN=somebody.*it revokes nobody/)
    await using oneWay = await serve('# nobody\n', { COMMON_SECURITY_TLSMODE: '1' })
    await oneWay.logged(/denyListPath and crlPath have no effect/)
  })
})

describe('resumption', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`${version}: no session outlives a revocation, nor moves to another port`, async () => {
      const client = await newClient(`resumer ${version}`)
      await using served = await serve('# nobody\n', { REDKITE_TLS_MINVERSION: '1.2', ...INTERNAL() })
      const tls = { ...trust(client), minVersion: version, maxVersion: version }
      const { tickets: sessions } = await visit(served.restPort, tls)
      assert.ok(sessions.length > 0, 'there is something to offer: a session by id, or a ticket that stands for one')
      // Offered while it is still good, to its own port and to the others: a full handshake, the certificate checked.
      const ports = [served.restPort, served.port, internalPort(served)]
      for (const port of ports) {
        // The internal port speaks TLS 1.3 only.
        if (port === internalPort(served) && version === 'TLSv1.2') continue
        for (const offered of sessions) assert.equal((await visit(port, { ...tls, session: offered })).reused, false)
      }
      appendFileSync(at('deny.txt'), `serial:${serialOf(client)}\n`)
      await eventually(async () => !(await isAdmitted(served.port, client)))
      for (const port of ports) {
        for (const offered of [...sessions, undefined]) {
          await assert.rejects(visit(port, { ...tls, session: offered }))
          // Without the certificate a resumed session would be all that speaks for the client.
          const { cert: _, key: __, ...bare } = tls
          await assert.rejects(visit(port, { ...bare, session: offered }))
        }
      }
    })
  }
})

async function scrape(served: Served, name: string): Promise<{ readonly body: string }> {
  const text = await (await fetch(`${served.ready.metrics}/metrics`)).text()
  return { body: new RegExp(`^${name}(?:\\{[^}]*\\})? (.*)$`, 'm').exec(text)?.[1] ?? '' }
}
