/** New certificates reach every port of the built server under load, by SIGHUP and by file change: no call fails. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { connect } from 'node:tls'
import { nodeClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { redkite, startRedkite, temporary } from '../support/server.ts'
import { createSet } from '../support/sets.ts'
import { type ClientTls, http1Call, http2Call } from '../support/tls-client.ts'

const RENEWALS = 2

async function servedSerial(port: number, trust: ClientTls): Promise<string | undefined> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ...trust })
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('secureConnect', resolve).once('close', resolve))
  const serial = socket.getPeerX509Certificate()?.serialNumber
  socket.destroy()
  return serial
}

/** Calls without pause until told to stop; `fail` gets what went wrong. */
async function loop(isOver: () => boolean, call: () => Promise<unknown>, fail: (thrown: unknown) => void) {
  let calls = 0
  for (; !isOver(); calls++) await call().catch(fail)
  return calls
}

for (const [way, intervalMs] of [
  ['SIGHUP', 0],
  ['a change of the files', 50],
] as const) {
  describe(`renewed certificates, told by ${way}`, {
    skip: process.platform === 'win32' && 'needs POSIX signals',
  }, () => {
    it('reach the gRPC port and the REST port; 0 failed calls', async () => {
      using place = temporary()
      const set = await createSet(join(place.path, 'tls'))
      const args = ['--tls', 'mutual', '--tls-dir', set.dir, '--http-port', '0']
      await using served = await startRedkite({
        args: [...args, '--set', `redkite.tls.reloadIntervalMs=${intervalMs}`],
      })
      assert.notEqual(served.restPort, served.port)
      const read = (path: string) => readFileSync(path, 'utf8')
      const trust = { ca: read(set.ca), cert: read(set.client), key: read(set.clientKey) }
      const open = nodeClient(served.port, { kind: 'mutual', set })
      await open.connectPromise

      let over = false
      const failures: unknown[] = []
      const start = (call: () => Promise<unknown>) =>
        loop(
          () => over,
          call,
          (thrown) => failures.push(thrown),
        )
      const load = [
        start(() => open.getVersion()),
        start(() => http2Call(served.port, trust, 'application/grpc')),
        start(() => http2Call(served.restPort, trust, 'application/json')),
        start(() => http1Call(served.restPort, trust)),
      ]
      for (let i = 0; i < RENEWALS; i++) {
        const made = await redkite(['certs', 'renew', '--dir', set.dir])
        assert.equal(made.exitCode, 0, made.stderr)
        if (way === 'SIGHUP') served.process.kill('SIGHUP')
        const { serialNumber } = new X509Certificate(read(set.server))
        for (const port of [served.port, served.restPort]) {
          await eventually(async () => (await servedSerial(port, trust)) === serialNumber, 10_000)
        }
      }
      over = true
      const calls = await Promise.all(load)
      await open.closeConnection()
      assert.deepEqual(failures, [])
      for (const count of calls) assert.ok(count >= 10, `calls: ${calls.join(', ')}`)
    })
  })
}
