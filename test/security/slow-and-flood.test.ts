/**
 * Property 7: clients that are slow or flood, with no login, take nothing from those who call: every good call is
 * answered meanwhile, the hostile connections end, nothing stays pending, and the memory comes back.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { type Served, startRedkite, temporary } from '../support/server.ts'
import { type CertSet, createSet } from '../support/sets.ts'
import { slowSockets } from '../support/slow-sockets.ts'
import { until } from '../support/tls-port.ts'
import { openssl } from '../support/tools.ts'
import { attack } from './support/attackers.ts'
import { ATTACKS, type AttackName } from './support/attacks.ts'
import { amount, report, TEST_MS_MAX } from './support/budget.ts'
import { clientHello } from './support/client-hello.ts'
import { grpcCall, type Loops, loops, restCall, session, type Target } from './support/good-calls.ts'
import { keyUpdates, renegotiations } from './support/openssl-client.ts'
import { heldBytes, megabytes, ms, quantile, reading, residentBytes, settled } from './support/readings.ts'
import { trickled, trickledRequest } from './support/trickle.ts'

const ATTACK_MS = amount(700, 10_000)
const CONNECTIONS = 4
const SLOW = amount(2_000, 2_000)
/** Resident memory from a cold start, and what is in use of it. */
const GROWTH_MAX = 400 << 20
const HELD_MAX = 24 << 20
/** What ends hostile connections, short enough to see it happen. */
const SETTINGS = [
  'common.security.authorizationEnabled=true',
  'redkite.tls.handshakeTimeoutMs=2000',
  'redkite.limits.pingAfterMs=1000',
  'redkite.limits.pingTimeoutMs=1000',
  'redkite.limits.bodyTimeoutMs=1000',
  'proxy.http.requestTimeoutMs=2000',
  'proxy.http.readHeaderTimeout=2s',
].flatMap((one) => ['--set', one])
/** The longest of them, and the time to see it. */
const PATIENCE_MS = 8_000
/** The same for calls that end while their connection stays. */
const CALLS_MS_MAX = 3_500

const place = temporary()
let set: CertSet
before(async () => {
  set = await createSet(place.path)
})
after(() => place[Symbol.dispose]())

interface Mode {
  readonly tls: 'one-way' | 'mutual'
  readonly pair: { readonly cert: string; readonly key: string } | null
}

const MODES: Readonly<Record<string, () => Mode>> = {
  'mode 1, no login': () => ({ tls: 'one-way', pair: null }),
  'mode 2, a good certificate, no login': () => ({ tls: 'mutual', pair: { cert: set.client, key: set.clientKey } }),
}

function targetOf(served: Served, { tls }: Mode): Target {
  const pair = tls === 'mutual' ? { cert: readFileSync(set.client), key: readFileSync(set.clientKey) } : {}
  return { port: served.port, tls: { ca: readFileSync(set.ca), ...pair } }
}

/** Callers with a login: over a session that is kept, and over new ones. */
function callers(target: Target): Loops & Disposable {
  const kept = session(target)
  const fresh = async () => {
    const one = session(target)
    await grpcCall(one)
    one.destroy()
  }
  const list = () => restCall(kept, '/v2/vectordb/collections/list')
  const running = loops({ call: [() => grpcCall(kept), list], handshake: [fresh] })
  return { ...running, [Symbol.dispose]: () => kept.destroy() }
}

/** Runs something hostile beside the callers, who must not notice more than that it takes longer. */
async function beside<T>(target: Target, hostile: () => Promise<T>): Promise<{ result: T; told: string }> {
  using good = callers(target)
  await until('callers are served', () => (good.times.get('handshake')?.length ?? 0) > 0)
  const result = await hostile()
  await good.stop()
  const [calls, handshakes] = ['call', 'handshake'].map((name) => good.times.get(name) ?? [])
  assert.ok(calls && handshakes && calls.length > 0)
  const told = (times: readonly number[]) => `${times.length}, p99 ${ms(quantile(times, 0.99))}`
  return { result, told: `calls ${told(calls)}; handshakes ${told(handshakes)}` }
}

interface Listed {
  readonly data: { readonly connections: readonly { readonly peer: string; readonly requestsOpen: number }[] }
}

/** Open requests of the hostile addresses. */
async function hostileRequests(target: Target): Promise<number> {
  const one = session(target)
  const { data } = (await restCall(one, '/redkite/v1/tls/connections', '', 'GET')) as Listed
  one.destroy()
  const hostile = data.connections.filter(({ peer }) => !peer.startsWith('127.0.0.1:'))
  return hostile.reduce((sum, { requestsOpen }) => sum + requestsOpen, 0)
}

async function nothingLeft(served: Served): Promise<void> {
  await until('no pending handshake', async () => (await reading(served, 'redkite_tls_handshakes_pending')) === 0)
  await until('no connection', async () => (await reading(served, 'redkite_connections')) === 0, PATIENCE_MS)
}

for (const [name, modeOf] of Object.entries(MODES)) {
  describe(name, () => {
    let served: Served
    let mode: Mode
    let target: Target
    before(async () => {
      mode = modeOf()
      served = await startRedkite({ args: ['--tls', mode.tls, '--tls-dir', set.dir, ...SETTINGS] })
      target = targetOf(served, mode)
    })
    after(() => served[Symbol.asyncDispose]())

    async function run(attackName: AttackName) {
      const { ends } = ATTACKS[attackName]
      const wish = { port: served.port, connections: CONNECTIONS, ms: ATTACK_MS, ca: set.ca, pair: mode.pair }
      const patienceMs = ends === 'connection' ? PATIENCE_MS : CALLS_MS_MAX
      const running = attack({ ...wish, name: attackName, patienceMs })
      if (ends === 'connection') return { ...(await running), ends }
      await wait(ATTACK_MS)
      await until('its calls end', async () => (await hostileRequests(target)) === 0, CALLS_MS_MAX)
      return { ...(await running), ends }
    }

    test(`HTTP/2 floods: ${Object.keys(ATTACKS).length} kinds`, { timeout: TEST_MS_MAX }, async (t) => {
      const names = Object.keys(ATTACKS) as AttackName[]
      const [start, held] = [await residentBytes(served), await heldBytes(served)]
      for (const attackName of names) {
        const { result, told } = await beside(target, () => run(attackName))
        report(t, { [attackName]: `${megabytes(result.bytes)} sent, closed after ${ms(result.ms)}; ${told}` })
        if (result.ends === 'connection') assert.equal(result.open, 0, `${attackName}: ${result.open} stayed open`)
      }
      await nothingLeft(served)
      // the heap and what hangs on it comes back; the process keeps some of the room that these loads needed
      const kept = (await settled(served, heldBytes, held + HELD_MAX)) - held
      const grown = (await settled(served, residentBytes, start + GROWTH_MAX, 5_000)) - start
      report(t, {
        resident: `${megabytes(start)} + ${megabytes(grown)}`,
        'in use': `${megabytes(held)} + ${megabytes(kept)}`,
      })
      assert.ok(kept < HELD_MAX, `${megabytes(kept)} more in use than before`)
      assert.ok(grown < GROWTH_MAX, `${megabytes(grown)} more than before`)
    })

    test(`${SLOW} silent and ${SLOW} partial sockets`, { timeout: TEST_MS_MAX }, async (t) => {
      const from = Array.from({ length: 8 }, (_, index) => `127.0.0.${index + 2}`)
      const { result, told } = await beside(target, async () => {
        const began = performance.now()
        await using slow = await slowSockets({ port: served.port, silent: SLOW, partial: SLOW, from })
        const seen = await reading(served, 'redkite_tls_handshakes_pending')
        await until('all closed', async () => (await slow.closed()) === 2 * SLOW, 30_000)
        return { seen, took: performance.now() - began }
      })
      report(t, { 'pending at once': result.seen, 'all closed after': ms(result.took), meanwhile: told })
      assert.ok(result.seen > SLOW, 'they were held at one time')
      await nothingLeft(served)
    })

    test('a ClientHello byte by byte is not waited for', { timeout: TEST_MS_MAX }, async (t) => {
      const hello = await clientHello()
      const { result, told } = await beside(target, async () => {
        const began = performance.now()
        await Promise.all(Array.from({ length: 50 }, () => trickled(served.port, hello, 100)))
        return performance.now() - began
      })
      report(t, { '50 closed after': ms(result), meanwhile: told })
      await nothingLeft(served)
    })

    test('HTTP/1.1 headers and bodies that trickle', { timeout: TEST_MS_MAX }, async (t) => {
      const { told } = await beside(target, () =>
        Promise.all(Array.from({ length: 50 }, (_, i) => trickledRequest(target, i % 2 === 0 ? 'headers' : 'body'))),
      )
      report(t, { meanwhile: told })
      await nothingLeft(served)
    })

    test('renegotiation and KeyUpdates without end', { skip: openssl.skip, timeout: TEST_MS_MAX }, async (t) => {
      const files = { port: served.port, ca: set.ca, pair: mode.pair }
      const { result, told } = await beside(target, () => keyUpdates(files, amount(300, 5_000)))
      report(t, {
        'KeyUpdates sent': result.sent,
        'connection afterwards': result.open ? 'open' : 'closed',
        meanwhile: told,
      })
      // TLS 1.3 has none; mode 2 does not speak TLS 1.2
      if (mode.tls === 'one-way') {
        const { result: refused } = await beside(target, () => renegotiations(files))
        assert.match(refused, /no renegotiation/)
      }
      await nothingLeft(served)
    })
  })
}
