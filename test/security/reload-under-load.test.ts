/**
 * Property 1: certificates are replaced 50 times a second, every second time by something that must not serve, while
 * clients connect and call. No handshake and no call fails, only good files advance the generation, memory stays.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import type { ClientHttp2Session } from 'node:http2'
import { after, before, describe, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { type Made, make } from '../support/certificates.ts'
import { type Served, startRedkite, temporary } from '../support/server.ts'
import { setIn } from '../support/sets.ts'
import { amount, report, TEST_MS_MAX } from './support/budget.ts'
import { grpcCall, loops, restCall, session } from './support/good-calls.ts'
import { megabytes, ms, quantile, reading, residentBytes, settled } from './support/readings.ts'

const LOAD_SECONDS = amount(12, 60)
const RELOADS = amount(1_500, 10_000)
const WARM_UP = 200
const PERIOD_MS = 20
/** Between the calls of one loop: the machine shall have time left for the reloads. */
const PAUSE_MS = 100
const GROWTH_MAX = 50 << 20

const place = temporary()
const set = setIn(place.path)
let pairs: Made[]
let ca: Made
let client: Made
let served: Served

before(async () => {
  ca = await make({ cn: 'root', ca: true })
  client = await make({ cn: 'client', by: ca, usages: ['clientAuth'] })
  const kinds = ['ec', 'ed25519', 'ec', 'rsa'] as const
  pairs = await Promise.all(kinds.map((keyKind) => make({ cn: 'localhost', by: ca, usages: ['serverAuth'], keyKind })))
  write({ pem: pair(0).pem, key: pair(0).key })
  const settings = ['redkite.tls.reloadIntervalMs=50', 'common.security.authorizationEnabled=true']
  const args = ['--tls', 'mutual', '--tls-dir', place.path, ...settings.flatMap((one) => ['--set', one])]
  served = await startRedkite({ args })
})
after(async () => {
  await served[Symbol.asyncDispose]()
  place[Symbol.dispose]()
})

function pair(index: number): Made {
  const found = pairs[index % pairs.length]
  assert.ok(found)
  return found
}

/** Written as an editor does it: one file after the other, in place. */
function write({ pem, key, trust = ca.pem }: { pem: string; key: string; trust?: string }): void {
  writeFileSync(set.ca, trust)
  writeFileSync(set.server, pem)
  writeFileSync(set.serverKey, key, { mode: 0o600 })
}

/** Files that must not serve, made of the pair that serves and the next one. */
const BAD: Readonly<Record<string, (now: Made, next: Made) => Parameters<typeof write>[0]>> = {
  mismatched: (now, next) => ({ pem: now.pem, key: next.key }),
  'half a certificate': (_, next) => ({ pem: next.pem.slice(0, 300), key: next.key }),
  'half a key': (_, next) => ({ pem: next.pem, key: next.key.slice(0, next.key.length / 2) }),
  'no certificate': (_, next) => ({ pem: '', key: next.key }),
  'half an authority': (_, next) => ({ pem: next.pem, key: next.key, trust: ca.pem.slice(0, 200) }),
  'authority and a half': (_, next) => ({ pem: next.pem, key: next.key, trust: ca.pem + ca.pem.slice(0, 200) }),
  noise: (_, next) => ({ pem: `\0\x01${next.pem.replaceAll('M', '!')}`, key: next.key }),
}
const bad = Object.values(BAD)

const target = () => ({ port: served.port, tls: { ca: ca.pem, cert: client.pem, key: client.key } })

interface Answer {
  readonly code: number
  readonly message?: string
  readonly data?: { readonly materials: readonly { readonly generation: number }[] }
}

/** The generation that serves after a reload; null where the files were refused. */
async function reload(on: ClientHttp2Session): Promise<number | null> {
  const { code, message, data } = (await restCall(on, '/redkite/v1/tls/reload', '')) as Answer
  if (code !== 0) assert.match(message ?? '', /server\.pem|server\.key|ca\.pem/, 'a refusal names the file')
  return data?.materials[0]?.generation ?? null
}

/** Bad files, then good ones: the two halves of a round, `PERIOD_MS` each where the machine keeps up. */
async function rounds(on: ClientHttp2Session, first: number, more: (round: number) => boolean, periodMs: number) {
  let round = first
  let generation = (await reload(on)) ?? assert.fail('the files at hand are good')
  for (; more(round); round += 1) {
    const [now, next] = [pair(round), pair(round + 1)]
    const began = performance.now()
    write(bad[round % bad.length]?.(now, next) ?? assert.fail())
    assert.equal(await reload(on), null, `${Object.keys(BAD)[round % bad.length]} was taken`)
    await wait(Math.max(0, periodMs - (performance.now() - began)))
    write(next)
    // once, whoever of API and watcher saw it first; and what was bad has not counted
    assert.equal(await reload(on), generation + 1)
    generation += 1
    await wait(Math.max(0, 2 * periodMs - (performance.now() - began)))
  }
  return round
}

describe('reload under load, mutual TLS', () => {
  test('0 failed handshakes, 0 failed calls, only good files serve', { timeout: TEST_MS_MAX }, async (t) => {
    const admin = session(target())
    const warm = await rounds(admin, 0, (round) => round < WARM_UP / 2, 0)
    const before = await settled(served, residentBytes, 0, 6_000)
    const handshake = async () => {
      const fresh = session(target())
      await grpcCall(fresh)
      fresh.destroy()
      await wait(PAUSE_MS)
    }
    const kept = Array.from({ length: 4 }, () => session(target()))
    const calls = Array.from({ length: 20 }, (_, index) => async () => {
      await grpcCall(kept[index % kept.length] ?? admin)
      await wait(PAUSE_MS)
    })
    const running = loops({ handshake: Array.from({ length: 8 }, () => handshake), call: calls })
    const end = Date.now() + LOAD_SECONDS * 1_000
    const going = () => Date.now() < end && running.failure() === null
    const loaded = await rounds(admin, warm, going, PERIOD_MS)
    await running.stop()
    for (const one of kept) {
      assert.ok(!one.closed && !one.destroyed, 'an open session notices nothing')
      one.destroy()
    }
    const last = await rounds(admin, loaded, (round) => round < RELOADS / 2, 0)
    const grown = (await settled(served, residentBytes, before + GROWTH_MAX)) - before
    const [handshakes, onOpen] = ['handshake', 'call'].map((name) => running.times.get(name) ?? [])
    assert.ok(handshakes && onOpen)
    report(t, {
      'reloads under load': `${2 * (loaded - warm)} in ${LOAD_SECONDS} s`,
      'reloads in all': 2 * last,
      handshakes: `${handshakes.length}, p99 ${ms(quantile(handshakes, 0.99))}`,
      'calls on open sessions': `${onOpen.length}, p99 ${ms(quantile(onOpen, 0.99))}`,
      'memory before': megabytes(before),
      grown: megabytes(grown),
    })
    assert.ok(grown < GROWTH_MAX, `${megabytes(grown)} more after ${2 * last} reloads`)
    assert.ok(handshakes.length > 8 * LOAD_SECONDS && onOpen.length > 20 * LOAD_SECONDS)
    assert.ok(loaded - warm > LOAD_SECONDS, `only ${2 * (loaded - warm)} reloads`)
    assert.equal(await reading(served, 'redkite_tls_handshakes_total', /refused/), 0)
    admin.destroy()
  })
})
