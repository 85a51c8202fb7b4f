/**
 * Properties 2 and 3: whoever is no longer good is gone from every port at once, connected or not, and no ticket or
 * session brings anybody back or moves to another port or name. By deny list, CRL, CA removal and the end of a
 * certificate that lives three seconds; in TLS 1.2 and 1.3.
 */
import assert from 'node:assert/strict'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Made, make } from '../support/certificates.ts'
import { makeCrl } from '../support/crls.ts'
import { eventually } from '../support/eventually.ts'
import { openSession } from '../support/raw-http2.ts'
import { type Served, startRedkite, temporary } from '../support/server.ts'
import { type ClientTls, visit } from '../support/tls-client.ts'
import { settings } from '../support/upstream.ts'
import { report } from './support/budget.ts'

const place = temporary()
const at = (name: string) => join(place.path, name)
const DAY_MS = 86_400_000
let ca: Made
let leaving: Made
let served: Served
let internal: Served

/** Written aside and put into place, as the tools do. */
function replace(name: string, text: string): void {
  writeFileSync(at(`${name}.new`), text, { mode: 0o600 })
  renameSync(at(`${name}.new`), at(name))
}

before(async () => {
  ca = await make({ cn: 'root', ca: true })
  leaving = await make({ cn: 'leaving root', ca: true })
  const server = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'], names: ['localhost', 'other.example'] })
  replace('server.pem', server.pem)
  replace('server.key', server.key)
  replace('ca.pem', ca.pem + leaving.pem)
  replace('deny.txt', '# nobody yet\n')
  replace('ca.crl', (await makeCrl({ by: ca })).pem)
  const keys = (section: string) => ({
    [`${section}.serverPemPath`]: at('server.pem'),
    [`${section}.serverKeyPath`]: at('server.key'),
    [`${section}.caPemPath`]: at('ca.pem'),
  })
  const common = {
    ...keys('tls'),
    ...keys('internaltls'),
    'common.security.internaltlsEnabled': 'true',
    'proxy.internalPort': '0',
    'proxy.http.port': '0',
    'redkite.tls.minVersion': '1.2',
  }
  served = await startRedkite({
    args: settings({
      ...common,
      'common.security.tlsMode': '2',
      'redkite.tls.denyListPath': at('deny.txt'),
      'redkite.tls.crlPath': at('ca.crl'),
      'redkite.tls.reloadIntervalMs': '200',
    }),
  })
  internal = await startRedkite({ args: settings({ ...common, 'common.security.tlsMode': '1' }) })
})
after(async () => {
  await served?.[Symbol.asyncDispose]()
  await internal?.[Symbol.asyncDispose]()
  place[Symbol.dispose]()
})

const portOf = (uri: string | null) => Number(new URL(uri ?? '').port)
const portsOf = (one: Served) => [one.port, one.restPort, portOf(one.ready.internal)]
const trust = ({ pem, key }: Made): ClientTls => ({ ca: ca.pem, cert: pem, key })
const serialOf = ({ certificate }: Made) => certificate.serialNumber.replace(/^0+/, '').toUpperCase()

/** A live session on each port, and when the last of them ended. */
async function liveOn(ports: readonly number[], client: Made) {
  const sessions = ports.map((port) => openSession(port, trust(client)))
  let closedAt = 0
  let open = sessions.length
  for (const session of sessions) {
    session.on('close', () => {
      open -= 1
      closedAt = performance.now()
    })
  }
  await Promise.all(
    sessions.map(
      (session) =>
        new Promise((resolve, reject) => {
          session.once('remoteSettings', resolve)
          session.once('close', () => reject(new Error('closed before it began')))
        }),
    ),
  )
  return { open: () => open, closedAt: () => closedAt }
}

interface Way {
  readonly how: string
  readonly reason: string
  client(): Promise<Made>
  /** Ends it; the time from which on it must be refused. */
  revoke(client: Made): Promise<number> | number
}

const ways: readonly Way[] = [
  {
    how: 'the deny list',
    reason: 'revoked',
    client: () => make({ cn: 'denied', by: ca, usages: ['clientAuth'] }),
    revoke(client) {
      replace('deny.txt', `serial:${serialOf(client)}\n`)
      return performance.now()
    },
  },
  {
    how: 'the revocation list',
    reason: 'revoked',
    client: () => make({ cn: 'listed', by: ca, usages: ['clientAuth'] }),
    async revoke(client) {
      const { pem } = await makeCrl({ by: ca, revoked: [client], number: 2 })
      replace('ca.crl', pem)
      return performance.now()
    },
  },
  {
    how: 'the end of a certificate of three seconds',
    reason: 'expired',
    client: () => make({ cn: 'short', by: ca, usages: ['clientAuth'], toDays: 3_000 / DAY_MS }),
    revoke: (client) => performance.now() + client.certificate.notAfter.getTime() - Date.now(),
  },
  {
    how: 'the removal of its CA',
    reason: 'unknownAuthority',
    client: () => make({ cn: 'orphan', by: leaving, usages: ['clientAuth'] }),
    revoke() {
      replace('ca.pem', ca.pem)
      return performance.now()
    },
  },
]

describe('property 2: revocation', () => {
  for (const { how, reason, client: makeClient, revoke } of ways) {
    it(`by ${how}: live sessions end, new ones are refused, nothing is resumed, on every port`, async (t) => {
      const client = await makeClient()
      const ports = portsOf(served)
      const live = await liveOn(ports, client)
      const held: { readonly port: number; readonly tls: ClientTls }[] = []
      for (const port of ports.slice(0, 2)) {
        for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
          const tls = { ...trust(client), minVersion: version, maxVersion: version }
          const { tickets } = await visit(port, tls)
          for (const session of tickets) held.push({ port, tls: { ...tls, session } })
        }
      }
      assert.ok(held.length >= 2, 'there is something to resume')
      assert.equal(live.open(), ports.length)
      const from = await revoke(client)
      await eventually(() => live.open() === 0, 10_000)
      const tookMs = Math.round(live.closedAt() - from)
      await eventually(async () =>
        (await Promise.all(ports.map((port) => isIn(port, trust(client))))).every((one) => !one),
      )
      for (const { port, tls } of held) {
        assert.equal(await isIn(port, tls), false, 'resumed')
        const { cert: _, key: __, ...bare } = tls
        assert.equal(await isIn(port, bare), false, 'resumed without the certificate')
      }
      for (const listener of ['proxy', 'rest', 'internal']) {
        await served.logged(new RegExp(`connection refused.*\\[listener=${listener}\\].*\\[reason=${reason}\\]`))
      }
      report(t, { 'live sessions ended after ms': tookMs, 'tickets refused': held.length })
      assert.ok(tookMs < 1_500, `${tookMs} ms: a second, and the noise of this machine`)
    })
  }
})

const isIn = (port: number, tls: ClientTls) =>
  visit(port, tls).then(
    () => true,
    () => false,
  )

describe('property 3: a ticket of one port', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`${version}: resumes there where no client is asked for, and on no other port, nor in another server`, async (t) => {
      const tls = { ca: ca.pem, minVersion: version, maxVersion: version }
      const { tickets } = await visit(internal.restPort, tls)
      const session = tickets.at(-1)
      assert.ok(session)
      assert.equal((await visit(internal.restPort, { ...tls, session })).reused, true, 'the check can fail')
      // One-way to one-way: a full handshake. To a port that asks for a certificate: nothing.
      assert.equal((await visit(internal.port, { ...tls, session })).reused, false)
      let tried = 0
      for (const port of [portOf(internal.ready.internal), ...portsOf(served)]) {
        for (const servername of ['localhost', 'other.example']) {
          assert.equal(await isIn(port, { ...tls, servername, session }), false, `port ${port}`)
          tried += 1
        }
      }
      report(t, { 'ports and names tried': tried })
    })
  }
})
