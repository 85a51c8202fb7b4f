import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createMetrics } from '../observe/metrics.ts'
import { ExpiryGauge, ExpiryLadder, rungOf } from './expiry.ts'
import { renewalDue } from './renewal.ts'
import type { CertificateStatus } from './status.ts'

const DAY_MS = 86_400_000
const end = Date.UTC(2030, 0, 1)
const at = (daysBefore: number) => new Date(end - daysBefore * DAY_MS)

function certificate(lifeDays: number, more: Partial<CertificateStatus> = {}): CertificateStatus {
  return {
    role: 'server',
    path: '/tls/server.pem',
    index: 0,
    subject: 'CN=localhost',
    issuer: 'CN=root',
    serial: '01',
    subjectAltName: null,
    extendedKeyUsage: [],
    keyType: 'ed25519',
    fingerprint256: 'AA',
    notBefore: at(lifeDays).toISOString(),
    notAfter: at(0).toISOString(),
    daysLeft: 0,
    lifeLeft: 0,
    ...more,
  }
}

describe('rungOf', () => {
  for (const [life, rungs] of [
    [397, { 91: null, 90: 90, 31: 90, 30: 30, 7.5: 30, 7: 7, 1.5: 7, 1: 1, 0.01: 1, 0: 0, '-5': 0 }],
    [90, { 89: null, 31: null, 30: 30, 7: 7, 1: 1, 0: 0 }],
    [10, { 9: null, 7: null, 2: null, 1: 1, 0: 0 }],
    [1, { 0.9: null, 0.34: null, 0.33: 1 / 3, 0: 0 }],
  ] as const) {
    it(`of a certificate that lives ${life} days`, () => {
      for (const [days, rung] of Object.entries(rungs)) {
        assert.equal(rungOf(at(life), at(0), at(Number(days))), rung, `${days} days before its end`)
      }
    })
  }
})

describe('the ladder', () => {
  const climb = (certificates: readonly CertificateStatus[], hoursBetween: number, fromDays: number) => {
    const told: string[] = []
    const tell =
      (level: string) =>
      (message: string, fields: object = {}) =>
        void told.push(`${level} ${message} ${Object.values(fields).join(' ')}`)
    const log = { debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error'), at: () => log }
    const ladder = new ExpiryLadder(log)
    const renewal = { kind: 'byHand', why: '', remedy: 'redkite certs renew' } as const
    for (let days = fromDays; days > -2; days -= hoursBetween / 24) ladder.look(certificates, at(days), renewal)
    return told
  }

  it('tells once a rung, from a week on once a day, by file and element', () => {
    const told = climb([certificate(397)], 1, 100)
    assert.equal(told.filter((line) => line.startsWith('warn tls certificate expires soon')).length, 2 + 6)
    assert.equal(told.filter((line) => line.startsWith('error tls certificate is about to expire')).length, 1)
    assert.equal(told.filter((line) => line.startsWith('error tls certificate has expired')).length, 2)
    assert.match(told[0] ?? '', /server \/tls\/server\.pem 0 CN=localhost .* redkite certs renew$/)
    const two = climb([certificate(397), certificate(397, { index: 1, subject: 'CN=root' })], 1, 100)
    assert.equal(two.length, told.length * 2)
    assert.match(two[1] ?? '', /CN=root .*put the next CA certificate into \/tls\/server\.pem beside this one/)
  })

  it('goes by the rung that holds when nobody looked for long', () => {
    assert.equal(climb([certificate(397)], 24 * 50, 100).length, 2)
  })
})

it('the gauge shows each element, and takes away only what is its own', async () => {
  const metrics = createMetrics()
  const external = new ExpiryGauge(metrics, 'tls')
  const internal = new ExpiryGauge(metrics, 'internaltls')
  external.show([certificate(90), certificate(397, { role: 'ca', path: '/tls/ca.pem', subject: 'CN=root' })])
  internal.show([certificate(90)])
  external.show([certificate(90)])
  const { values } = await metrics.notAfter.get()
  const shown = values.map(({ labels, value }) => [labels.role, labels.path, labels.element, value])
  assert.deepEqual(shown, [
    ['internalServer', '/tls/server.pem', '0', end / 1000],
    ['server', '/tls/server.pem', '0', end / 1000],
  ])
})

it('a renewal is due at two thirds of the life, or up to a tenth of that earlier', () => {
  const due = (jitter: number) =>
    renewalDue({ validFromDate: at(90), validToDate: at(0) } as Parameters<typeof renewalDue>[0], jitter)
  assert.equal(due(0), at(30).getTime())
  assert.equal(Math.round(due(1)), at(36).getTime())
})
