/** A server whose clock is set: what it says of certificates that end, and what its metrics show. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, mock, test } from 'node:test'
import { createMetrics } from '../../src/observe/metrics.ts'
import { openMaterial } from '../../src/tls/material.ts'
import { Upkeep } from '../../src/tls/upkeep.ts'
import { make } from '../support/certificates.ts'
import { startRedkite, temporary } from '../support/server.ts'
import { type CertSet, createSet } from '../support/sets.ts'
import { folder, recordingLog } from '../support/tls-port.ts'
import { faketime } from '../support/tools.ts'

const DAY_MS = 86_400_000

describe('the expiry ladder of a server', { skip: faketime.skip }, () => {
  const scratch = temporary()
  let set: CertSet
  let end: number
  before(async () => {
    set = await createSet(join(scratch.path, 'set'))
    end = new X509Certificate(readFileSync(set.server)).validToDate.getTime()
  })
  after(() => scratch[Symbol.dispose]())

  /** Starts with the clock so many days before the server certificate ends; gives what was said of certificates. */
  async function startedAt(daysBefore: number) {
    const offset = Math.round((end - daysBefore * DAY_MS - Date.now()) / 1000)
    const args = ['--tls', 'mutual', '--tls-dir', set.dir]
    await using served = await startRedkite({ args, env: faketime.at(`+${offset}s`) })
    await served.logged(/is renewed by hand/)
    const metrics = await (await fetch(`${served.ready.metrics}/metrics`)).text()
    await served.stop()
    return {
      lines: served
        .log()
        .split('\n')
        .filter((line) => /\["?tls certificate/.test(line)),
      metrics,
    }
  }

  for (const [days, level, says] of [
    [91, null, null],
    [89.5, 'WARN', 'tls certificate expires soon'],
    [29.5, 'WARN', 'tls certificate expires soon'],
    [6.5, 'WARN', 'tls certificate expires soon'],
    [0.5, 'ERROR', 'tls certificate is about to expire'],
    [-1.5, 'ERROR', 'tls certificate has expired'],
  ] as const) {
    test(`${days} days before the end: ${says ?? 'nothing'}`, async () => {
      const { lines, metrics } = await startedAt(days)
      const told = lines.filter((line) => !/renewed by hand/.test(line))
      assert.equal(told.length, says === null ? 0 : 1, told.join('\n'))
      if (says !== null) {
        const line = told[0] ?? ''
        for (const part of [
          `[${level}]`,
          `["${says}"]`,
          '[role=server]',
          `[path=${set.server}]`,
          '[element=0]',
          '[subject="CN=localhost"]',
          `[daysLeft=${Math.floor(days)}]`,
          `redkite certs renew --dir ${set.dir}`,
        ]) {
          assert.ok(line.includes(part), `${part} in ${line}`)
        }
      }
      const shown = [...metrics.matchAll(/^redkite_tls_certificate_not_after_seconds\{(.*)\} (\d+)$/gm)]
      assert.deepEqual(
        shown.map(([, labels]) => labels?.replaceAll(/subject="[^"]*",/g, '')),
        [
          `role="server",path="${set.server}",element="0"`,
          `role="server",path="${set.server}",element="1"`,
          `role="ca",path="${set.ca}",element="0"`,
        ],
      )
      assert.equal(Number(shown[0]?.[2]), end / 1000)
    })
  }
})

test('a server that runs on looks every hour', async () => {
  const ca = await make({ cn: 'root', ca: true, toDays: 3650 })
  const server = await make({ cn: 'localhost', by: ca, fromDays: -360, toDays: 31 })
  await using files = await folder({ 'server.pem': server.pem, 'server.key': server.key })
  const settings = {
    files: { kind: 'oneWay', serverPem: files.path('server.pem'), serverKey: files.path('server.key') },
    watchIntervalMs: 0,
  } as const
  await using material = await openMaterial(settings, recordingLog(), createMetrics())
  const log = recordingLog()
  const said = () =>
    log.lines.map(({ message }) => message).filter((message) => message !== 'tls certificate is renewed by hand')
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.now() })
  try {
    const metrics = createMetrics()
    const tools = { settings, log, metrics, current: () => material.current, reload: async () => {} }
    await using upkeep = new Upkeep(tools)
    const looked = mock.method(Date, 'now')
    upkeep.activated()
    const seen: (readonly [number, string])[] = []
    for (let hour = 0; hour <= 33 * 24; hour += 1) {
      const before = looked.mock.callCount()
      const lines = said().length
      if (hour > 0) mock.timers.tick(3_600_000)
      await settled(() => looked.mock.callCount() > before)
      for (const message of said().slice(lines)) seen.push([31 - hour / 24, message])
    }
    const at = (message: string) => seen.filter(([, said]) => said === message).map(([days]) => Math.ceil(days))
    assert.deepEqual(at('tls certificate expires soon'), [31, 30, 7, 6, 5, 4, 3, 2])
    assert.deepEqual(at('tls certificate is about to expire'), [1])
    assert.equal(at('tls certificate has expired').length, 3)
  } finally {
    mock.timers.reset()
    mock.restoreAll()
  }
})

/** Gives way to promises and I/O until the condition holds, without the clock that is being faked. */
async function settled(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000 && !condition(); turn += 1) await new Promise((resolve) => setImmediate(resolve))
  assert.ok(condition())
}
