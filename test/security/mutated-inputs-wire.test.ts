/**
 * Property 8, over real sockets: mutated handshakes, frames, messages, bodies and files to a running server. It closes
 * or answers each within the watchdog's time, logs no fault of its own, keeps its memory, and serves on.
 */
import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { ClientHttp2Session } from 'node:http2'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { opByRpc, ops } from '../../src/ops/registry.ts'
import { samples } from '../../src/ops/samples.test-support.ts'
import { MILVUS_SERVICE, requestOn } from '../support/raw-http2.ts'
import { type Served, startRedkite } from '../support/server.ts'
import { setIn } from '../support/sets.ts'
import { until } from '../support/tls-port.ts'
import { settings } from '../support/upstream.ts'
import { amount, report, TEST_MS_MAX } from './support/budget.ts'
import { FLAG, frame, PREFACE, requestBlock, settings as settingsFrame, TYPE } from './support/frames.ts'
import { grpcCall, LOGIN, restCall, session, type Target } from './support/good-calls.ts'
import { afterHandshake, each, midHandshake, sendRaw } from './support/hostile-tls.ts'
import { type Material, makeMaterial, PASSPHRASE } from './support/material.ts'
import { mutations, SEED } from './support/mutation.ts'
import { scratchFolder } from './support/parsers.ts'
import { heldBytes, megabytes, ms, settled } from './support/readings.ts'

const RAW = amount(1_200, 30_000)
const HANDSHAKES = amount(300, 10_000)
const FRAMES = amount(500, 20_000)
const MESSAGES = amount(1_000, 20_000)
const BODIES = amount(1_000, 20_000)
const FILES = amount(300, 5_000)
const HELD_MAX = 64 << 20
const WATCHDOG_MS = 10_000

const place = scratchFolder()
const set = setIn(place.path)
const lists = {
  deny: join(place.path, 'deny.txt'),
  crl: join(place.path, 'ca.crl'),
  phrase: join(place.path, 'phrase'),
}
let material: Material
let served: Served
let target: Target
let held: number
/** Characters of its log that were looked at. */
let read = 0

before(async () => {
  material = await makeMaterial(place.path)
  writeGood()
  const args = settings({
    'common.security.authorizationEnabled': 'true',
    'redkite.tls.handshakeTimeoutMs': '2000',
    'redkite.tls.reloadIntervalMs': '50',
    'redkite.tls.denyListPath': lists.deny,
    'redkite.tls.crlPath': lists.crl,
    'redkite.tls.passphraseFile': lists.phrase,
  })
  served = await startRedkite({ args: ['--tls', 'mutual', '--tls-dir', place.path, ...args] })
  target = { port: served.port, tls: { ca: material.ca, cert: material.client.pem, key: material.client.key } }
  held = await heldBytes(served)
})
after(async () => {
  // how it ended says more than that nobody answers any more
  if (served.process.exitCode !== 0) process.stderr.write(served.log().slice(-2_000))
  await served[Symbol.asyncDispose]()
  place[Symbol.dispose]()
})

function writeGood(): void {
  const key = createPrivateKey(material.key).export({
    ...{ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc' },
    passphrase: PASSPHRASE,
  } as { type: 'pkcs8'; format: 'pem'; cipher: string; passphrase: string })
  const files = { [set.server]: material.pem, [set.serverKey]: key, [set.ca]: material.ca, [lists.deny]: '# none\n' }
  for (const [path, content] of Object.entries({ ...files, [lists.phrase]: PASSPHRASE }))
    writeFileSync(path, content, { mode: 0o600 })
  writeFileSync(lists.crl, material.goodCrl)
}

/** What must hold after each kind: it serves, and nothing in its log is a fault of its own. */
async function stillWell(): Promise<void> {
  const on = session(target)
  await grpcCall(on)
  await restCall(on, '/v2/vectordb/collections/list')
  on.destroy()
  const fresh = served.log().slice(read)
  read += fresh.length
  const faults = fresh
    .split('\n')
    .filter((line) => /unexpectedly|uncaught|unhandled|(Type|Range|Syntax)Error/i.test(line))
  assert.deepEqual(faults.slice(0, 3), [])
  assert.equal(served.process.exitCode, null)
}

/** A request on one of a few sessions that root is logged in on; the milliseconds until its answer. */
async function timed(pool: Sessions, headers: Record<string, string>, body: Buffer): Promise<number> {
  const began = performance.now()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer to ${headers[':path']} ${body.toString('hex')}`)), WATCHDOG_MS)
  })
  try {
    await Promise.race([requestOn(pool.next(), headers, body), late])
  } finally {
    clearTimeout(timer)
  }
  return performance.now() - began
}

class Sessions implements Disposable {
  readonly #open: ClientHttp2Session[] = []
  #turn = 0
  next(): ClientHttp2Session {
    const at = this.#turn++ % 4
    const known = this.#open[at]
    if (known && !known.closed && !known.destroyed) return known
    const fresh = session(target)
    this.#open[at] = fresh
    return fresh
  }
  [Symbol.dispose](): void {
    for (const one of this.#open) one.destroy()
  }
}

const framed = (message: Buffer): Buffer => {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

describe('mutated inputs, over sockets', () => {
  test(`${RAW} first flights`, { timeout: TEST_MS_MAX }, async (t) => {
    const records = [20, 21, 22, 23].map((type) => Buffer.from([type, 3, 3, 0, 4, 1, 0, 0, 0]))
    const longest = await each(mutations([...material.hellos, ...records], RAW), 40, (bytes) => sendRaw(target, bytes))
    report(t, { sent: RAW, 'the longest': ms(longest) })
    await stillWell()
  })

  test(`${HANDSHAKES} handshakes changed in the middle`, { timeout: TEST_MS_MAX }, async (t) => {
    const seeds = Array.from({ length: HANDSHAKES }, (_, index) => index)
    const longest = await each(seeds, 10, (index) =>
      midHandshake(target, (flight) => mutations([flight], 1, SEED + index)[0] ?? flight),
    )
    report(t, { sent: HANDSHAKES, 'the longest': ms(longest) })
    await stillWell()
  })

  test(`${FRAMES} series of HTTP/2 frames`, { timeout: TEST_MS_MAX }, async (t) => {
    const head = requestBlock(`${MILVUS_SERVICE}GetVersion`, 'application/grpc')
    const body = frame(TYPE.data, FLAG.endStream, 1, Buffer.alloc(5))
    const series = [
      [settingsFrame([3, 100], [4, 65_535]), frame(TYPE.headers, FLAG.endHeaders, 1, head), body],
      [
        settingsFrame(),
        frame(TYPE.ping, 0, 0, Buffer.alloc(8)),
        frame(TYPE.windowUpdate, 0, 0, Buffer.from([0, 0, 1, 0])),
      ],
      [
        settingsFrame(),
        frame(TYPE.headers, 0, 1, head.subarray(0, 40)),
        frame(TYPE.continuation, 4, 1, head.subarray(40)),
      ],
      [settingsFrame(), frame(7, 0, 0, Buffer.alloc(8)), frame(TYPE.reset, 0, 1, Buffer.alloc(4))],
    ].map((frames) => Buffer.concat(frames))
    const longest = await each(mutations(series, FRAMES), 10, (bytes) =>
      afterHandshake(target, Buffer.concat([PREFACE, bytes])),
    )
    report(t, { sent: FRAMES, 'the longest': ms(longest) })
    await stillWell()
  })

  test(`${MESSAGES} messages of every RPC`, { timeout: TEST_MS_MAX }, async (t) => {
    const names = Object.keys(ops)
    using pool = new Sessions()
    const each1 = Math.ceil(MESSAGES / names.length)
    const inputs = names.flatMap((name, index) => {
      const op = opByRpc(name)
      assert.ok(op)
      const good = samples[op.rpc].requests.map((one) => Buffer.from(op.encodeRequest(one as never)))
      const plain = mutations(good, each1, SEED + index).map(framed)
      // the frame's own head is mutated too, now and then
      return [...plain.slice(1), ...mutations(good.map(framed), 1, SEED + index)].map((body) => ({ name, body }))
    })
    const longest = await each(inputs, 16, ({ name, body }) => {
      const path = MILVUS_SERVICE + name
      const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...LOGIN }
      return timed(pool, headers, body)
    })
    report(t, { sent: inputs.length, 'the longest': ms(longest) })
    await stillWell()
  })

  test(`${BODIES} bodies of every REST route`, { timeout: TEST_MS_MAX }, async (t) => {
    const routes = Object.keys(ops).flatMap((name) => opByRpc(name)?.rest ?? [])
    using pool = new Sessions()
    const share = Math.ceil(BODIES / routes.length)
    const inputs = routes.flatMap(({ method, path }, index) =>
      mutations(JSON_BODIES, share, SEED + index).map((body) => ({ method, path, body })),
    )
    const longest = await each(inputs, 16, ({ method, path, body }) => {
      const headers = { ':method': method, ':path': path, 'content-type': 'application/json' }
      return timed(pool, { ...headers, authorization: 'Bearer root:Milvus' }, method === 'GET' ? Buffer.alloc(0) : body)
    })
    report(t, { sent: inputs.length, 'the longest': ms(longest) })
    await stillWell()
  })

  test(`${FILES} files by reload`, { timeout: TEST_MS_MAX }, async (t) => {
    const kinds: readonly (readonly [path: string, good: readonly (string | Buffer)[]])[] = [
      [set.server, material.pems],
      [set.serverKey, material.keys],
      [set.ca, material.pems],
      [lists.deny, material.denyLists],
      [lists.crl, material.crls],
      [lists.phrase, [PASSPHRASE]],
    ]
    using pool = new Sessions()
    const reload = { ':method': 'POST', ':path': '/redkite/v1/tls/reload', authorization: 'Bearer root:Milvus' }
    let longest = 0
    for (const [index, [path, good]] of kinds.entries())
      for (const bytes of mutations(good, Math.ceil(FILES / kinds.length), SEED + index)) {
        writeFileSync(path, bytes)
        // what is damaged may be the authority of our own client: then it is sent away, which is an answer too
        const sentAway = (error: unknown) => (/no answer/.test(String(error)) ? Promise.reject(error) : 0)
        longest = Math.max(longest, await timed(pool, reload, Buffer.alloc(0)).catch(sentAway))
        writeGood()
        const isGood = () => timed(pool, reload, Buffer.alloc(0)).then(Boolean, () => false)
        await until('the good files serve again', isGood)
      }
    report(t, { reloads: FILES, 'the longest': ms(longest) })
    await stillWell()
  })

  test('memory comes back', { timeout: TEST_MS_MAX }, async (t) => {
    const kept = (await settled(served, heldBytes, held + HELD_MAX)) - held
    report(t, { 'in use': `${megabytes(held)} + ${megabytes(kept)}` })
    assert.ok(kept < HELD_MAX, megabytes(kept))
    assert.equal(await served.stop(), 0)
  })
})

const JSON_BODIES = [
  '{"dbName":"default","collectionName":"c","newCollectionName":"d","partitionName":"p","partitionNames":["p"],"aliasName":"a"}',
  '{"collectionName":"c","dimension":4,"schema":{"autoId":false,"enableDynamicField":true,"fields":[{"fieldName":"id","dataType":"Int64","isPrimary":true},{"fieldName":"v","dataType":"FloatVector","elementTypeParams":{"dim":"4"}}]},"indexParams":[{"fieldName":"v","metricType":"L2","indexType":"AUTOINDEX"}]}',
  '{"collectionName":"c","data":[{"id":1,"v":[1,2,3,4],"x":{"y":[true,null,1e5]}}],"filter":"id in [1,2]","limit":3,"offset":0,"outputFields":["*"]}',
  '{"collectionName":"c","data":[[1,2,3,4]],"annsField":"v","limit":3,"filter":"x[\\"y\\"] > 1","searchParams":{"metricType":"L2","params":{"radius":1.5,"range_filter":0.5}},"groupingField":"id"}',
  '{"userName":"eve","password":"password1","newPassword":"password2","roleName":"r","indexName":"i","fieldName":"v","id":[1,2],"properties":{"collection.ttl.seconds":"10"}}',
]
