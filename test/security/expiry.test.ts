/**
 * Property 4, on a whole server: its certificate reaches two thirds of its life while clients call gRPC and REST; not one
 * call is lost. With the CA key gone it is loud instead, and the old pair serves on. The ladder of warnings under set
 * clocks is in test/long/tls-expiry.test.ts.
 */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type Made, make } from '../support/certificates.ts'
import { eventually } from '../support/eventually.ts'
import { MILVUS_SERVICE, openSession, rawGrpc, rawRest, requestOn } from '../support/raw-http2.ts'
import { startRedkite, temporary } from '../support/server.ts'
import type { ClientTls } from '../support/tls-client.ts'
import { settings } from '../support/upstream.ts'
import { report } from './support/budget.ts'

const SECOND = 1 / 86_400

/** A server whose pair lives 90 seconds and is due for renewal (at 0.60 to 0.67 of them) in three to ten. */
async function dueSoon(dir: string): Promise<{ start(): ReturnType<typeof startRedkite>; tls: ClientTls; old: Made }> {
  const at = (name: string) => join(dir, name)
  const ca = await make({ cn: 'root', ca: true, toDays: 3650 })
  const dates = { fromDays: -51 * SECOND, toDays: 39 * SECOND }
  const old = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'], ...dates })
  const client = await make({ cn: 'client', by: ca, usages: ['clientAuth'] })
  const files = { 'server.pem': old.pem + ca.pem, 'server.key': old.key, 'ca.pem': ca.pem, 'ca.key': ca.key }
  for (const [name, text] of Object.entries(files)) writeFileSync(at(name), text, { mode: 0o600 })
  const keys = settings({ 'redkite.tls.caKeyPath': at('ca.key') })
  return {
    start: () => startRedkite({ args: ['--tls', 'mutual', '--tls-dir', dir, '--http-port', '0', ...keys] }),
    tls: { ca: ca.pem, cert: client.pem, key: client.key },
    old,
  }
}

describe('property 4: a pair at two thirds of its life', () => {
  it('is renewed by the server, and no call is lost meanwhile', async (t) => {
    using place = temporary()
    const { start, tls } = await dueSoon(place.path)
    await using served = await start()
    let isBusy = true
    let calls = 0
    const loop = async (call: () => Promise<string>) => {
      for (; isBusy; calls += 1) assert.equal(await call(), 'ok')
    }
    const session = openSession(served.port, tls)
    const headers = {
      ':method': 'POST',
      ':path': `${MILVUS_SERVICE}GetVersion`,
      'content-type': 'application/grpc',
      te: 'trailers',
    }
    const ok = (status: unknown, wanted: string) => (String(status) === wanted ? 'ok' : `status ${String(status)}`)
    const loops = Promise.all([
      loop(async () => ok((await rawGrpc(served.port, tls, headers[':path'])).all['grpc-status'], '0')),
      loop(async () =>
        ok((await rawRest(served.restPort, tls, '/v2/vectordb/collections/list')).headers[':status'], '200'),
      ),
      loop(async () => ok((await requestOn(session, headers, Buffer.alloc(5))).all['grpc-status'], '0')),
    ])
    await Promise.race([loops, eventually(() => /tls certificate renewed"/.test(served.log()), 20_000)])
    await rawGrpc(served.port, tls, headers[':path'])
    isBusy = false
    await loops
    session.destroy()
    await served.logged(/tls material reloaded".*\[trigger=renewal\] \[generation=2\]/)
    assert.ok(calls > 50, `${calls} calls`)
    report(t, { calls, lost: 0 })
  })

  it('whose CA key has gone is told aloud, and serves on', async () => {
    using place = temporary()
    const { start, tls, old } = await dueSoon(place.path)
    await using served = await start()
    await served.logged(/tls certificate is renewed automatically/)
    rmSync(join(place.path, 'ca.key'))
    await served.logged(/\[ERROR\].*tls certificate not renewed, the old one keeps serving".*ca\.key: no such file/)
    const metrics = await (await fetch(`${served.ready.metrics}/metrics`)).text()
    assert.match(metrics, /^redkite_tls_renewals_total\{section="tls",result="failed"\} 1$/m)
    assert.match(
      metrics,
      new RegExp(
        `^redkite_tls_certificate_not_after_seconds\\{role="server".*element="0"\\} ${old.certificate.notAfter.getTime() / 1000}$`,
        'm',
      ),
    )
    assert.equal((await rawGrpc(served.port, tls, `${MILVUS_SERVICE}GetVersion`)).all['grpc-status'], '0')
  })
})
