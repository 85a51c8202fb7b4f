/**
 * Property 12: whether a user exists does not show in the time of a refusal, logins do not hold up queries, who is
 * locked out is locked out alone, and without privileges or without a login nothing is reached.
 */
import assert from 'node:assert/strict'
import type { ClientHttp2Session } from 'node:http2'
import { after, before, describe, test } from 'node:test'
import { opByRpc, ops } from '../../src/ops/registry.ts'
import { samples } from '../../src/ops/samples.test-support.ts'
import { nodeClient } from '../support/clients.ts'
import { MILVUS_SERVICE, type RawAnswer, requestOn } from '../support/raw-http2.ts'
import { type Served, startRedkite } from '../support/server.ts'
import { amount, report, TEST_MS_MAX } from './support/budget.ts'
import { grpcCall, loops, session, sessionFrom } from './support/good-calls.ts'
import { ms, quantile } from './support/readings.ts'
import { bodyFor } from './support/rest-bodies.ts'
import { difference, median } from './support/statistics.ts'

const TRIES = amount(120, 2_000)
const DIFFERENCE_MAX = 0.05
const PARALLEL = 200
/** Milvus' public role: what every user has (`src/auth/role-keeper.ts`). */
const PUBLIC = new Set(['PrivilegeDescribeCollection', 'PrivilegeListAliases', 'PrivilegeIndexDetail'])
const ALICE = { user: 'alice', password: 'alice-password' }

let served: Served
let target: { readonly port: number; readonly tls: null }
before(async () => {
  served = await startRedkite({
    args: ['--set', 'common.security.authorizationEnabled=true', '--set', 'redkite.auth.passwordAttemptsMax=1000000'],
  })
  target = { port: served.port, tls: null }
  const root = nodeClient(served.port, { kind: 'plain' }, { user: 'root', password: 'Milvus' })
  const made = await root.createUser({ username: ALICE.user, password: ALICE.password })
  assert.equal(made.error_code, 'Success')
  const collection = await root.createCollection({ collection_name: 'c', dimension: 2 })
  assert.equal(collection.error_code, 'Success')
  await root.closeConnection()
})
after(() => served[Symbol.asyncDispose]())

interface Login {
  readonly user: string
  readonly password: string
}

function rpc(on: ClientHttp2Session, name: string, login: Login | null, message = Buffer.alloc(0)): Promise<RawAnswer> {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  const token = login && Buffer.from(`${login.user}:${login.password}`).toString('base64')
  return requestOn(
    on,
    {
      ':method': 'POST',
      ':path': MILVUS_SERVICE + name,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(token === null ? {} : { authorization: token }),
    },
    Buffer.concat([head, message]),
  )
}

function rest(on: ClientHttp2Session, method: string, path: string, login: Login | null, body: object) {
  const auth = login ? { authorization: `Bearer ${login.user}:${login.password}` } : {}
  const head = { ':method': method, ':path': path, 'content-type': 'application/json', ...auth }
  return requestOn(on, head, method === 'GET' ? '' : JSON.stringify(body))
}

describe('refusals', () => {
  test(`${TRIES} tries each: an unknown user takes as long as a wrong password`, {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const on = session(target)
    const times = { known: [] as number[], unknown: [] as number[] }
    const refused = async (login: Login): Promise<number> => {
      const began = performance.now()
      const { all } = await rpc(on, 'GetVersion', login)
      const took = performance.now() - began
      assert.equal(all['grpc-status'], '16')
      return took
    }
    const texts = new Set<unknown>()
    for (let index = 0; index < TRIES; index += 1) {
      const password = `wrong-${index}`
      const known = async () => times.known.push(await refused({ user: ALICE.user, password }))
      const unknown = async () => times.unknown.push(await refused({ user: 'mallo', password }))
      // the order changes: what slows down the machine slows down both
      for (const one of index % 2 === 0 ? [known, unknown] : [unknown, known]) await one()
    }
    for (const user of [ALICE.user, 'mallo'])
      texts.add((await rpc(on, 'GetVersion', { user, password: 'wrong' })).all['grpc-message'])
    on.destroy()
    const { share, interval } = difference(times.known, times.unknown, 7)
    const percent = (value: number) => `${(value * 100).toFixed(1)} %`
    report(t, {
      'wrong password': ms(median(times.known)),
      'unknown user': ms(median(times.unknown)),
      difference: `${percent(share)}, 99 % interval ${interval.map(percent).join(' to ')}`,
    })
    assert.equal(texts.size, 1, 'nor does it show in the text')
    const isNoise = interval[0] <= 0 && interval[1] >= 0
    assert.ok(Math.abs(share) < DIFFERENCE_MAX || isNoise, percent(share))
  })

  test(`${PARALLEL} logins at once do not hold up those who are logged in`, { timeout: TEST_MS_MAX }, async (t) => {
    const [on, other] = [session(target), session(target)]
    await grpcCall(on)
    const running = loops({ query: Array.from({ length: 4 }, () => () => grpcCall(on, 'ListDatabases')) })
    const began = performance.now()
    const tries = Array.from({ length: PARALLEL }, (_, index) =>
      rpc(other, 'GetVersion', { user: ALICE.user, password: `wrong-${index}` }),
    )
    const outcomes = (await Promise.all(tries)).map(({ all }) => String(all['grpc-status']))
    const took = performance.now() - began
    await running.stop()
    const queries = running.times.get('query') ?? []
    const overloaded = outcomes.filter((status) => status === '8').length
    report(t, {
      logins: `${PARALLEL} in ${ms(took)}, ${overloaded} turned away as overload`,
      queries: `${queries.length}, p99 ${ms(quantile(queries, 0.99))}, the longest ${ms(Math.max(...queries))}`,
    })
    assert.ok(outcomes.every((status) => status === '16' || status === '8'))
    assert.ok(queries.length > 50)
    assert.equal(Number((await rpc(on, 'GetVersion', ALICE)).all['grpc-status']), 0, 'the right password still works')
    for (const one of [on, other]) one.destroy()
  })

  test('who fails too often at one address is locked out there alone', { timeout: TEST_MS_MAX }, async () => {
    await using strict = await startRedkite({
      args: ['--set', 'common.security.authorizationEnabled=true', '--set', 'redkite.auth.passwordAttemptsMax=3'],
    })
    const place = { port: strict.port, tls: null }
    const [hostile, good, third] = ['127.0.0.2', '127.0.0.1', '127.0.0.3'].map((address) => sessionFrom(place, address))
    assert.ok(hostile && good && third)
    const root = { user: 'root', password: 'Milvus' }
    const texts: string[] = []
    for (let index = 0; index < 4; index += 1) {
      const { all } = await rpc(hostile, 'GetVersion', { user: 'root', password: `wrong-${index}` })
      texts.push(decodeURIComponent(String(all['grpc-message'])))
    }
    assert.match(texts.at(-1) ?? '', /too many failed logins/)
    const locked = await rpc(hostile, 'GetVersion', root)
    assert.equal(locked.all['grpc-status'], '16', 'not even the right password is looked at')
    for (const on of [good, third]) assert.equal((await rpc(on, 'GetVersion', root)).all['grpc-status'], '0')
    for (const one of [hostile, good, third]) one.destroy()
  })
})

describe('default deny', () => {
  const names = Object.keys(ops)
  const isOpen = (name: string) => {
    const access = opByRpc(name)?.access
    return access?.kind === 'login' || (access?.kind === 'privilege' && PUBLIC.has(access.privilege))
  }

  test(`every RPC: ${names.length}`, async (t) => {
    const on = session(target)
    const done = { denied: 0, 'open to every user': 0 }
    for (const name of names) {
      const op = opByRpc(name)
      assert.ok(op)
      for (const request of samples[op.rpc].requests) {
        const message = Buffer.from(op.encodeRequest(request as never))
        const stranger = await rpc(on, name, null, message)
        assert.equal(stranger.all['grpc-status'], '16', `${name} without a login`)
        assert.ok(stranger.body.length === 0, `${name} tells a stranger something`)
        const { all } = await rpc(on, name, ALICE, message)
        if (isOpen(name)) done['open to every user'] += 1
        else {
          assert.equal(all['grpc-status'], '7', `${name} as a user without roles: ${all['grpc-message']}`)
          done.denied += 1
        }
      }
    }
    on.destroy()
    report(t, done)
  })

  test('every REST route', async (t) => {
    const on = session(target)
    const done = { denied: 0, 'open to every user': 0, 'not served': 0 }
    for (const name of names)
      for (const { method, path } of opByRpc(name)?.rest ?? []) {
        const stranger = await rest(on, method, path, null, bodyFor(path))
        assert.equal(stranger.all[':status'], 401, `${path} without a login`)
        const query = method === 'GET' ? '?collectionName=c' : ''
        const asked = bodyFor(path)
        const { body } = await rest(on, method, path + query, ALICE, asked)
        const { code, message } = JSON.parse(body.toString()) as { code: number; message?: string }
        if (isOpen(name)) done['open to every user'] += 1
        else if (/is not served yet/.test(message ?? '')) done['not served'] += 1
        else {
          assert.match(message ?? '', /permission deny/, `${path} as a user without roles: ${code} ${message}`)
          done.denied += 1
        }
      }
    for (const path of ADMINISTRATION) {
      const method = /reload|rollback|close/.test(path) ? 'POST' : 'GET'
      assert.equal((await rest(on, method, path, null, {})).all[':status'], 401, `${path} without a login`)
      assert.equal((await rest(on, method, path, ALICE, {})).all[':status'], 403, `${path} as a user`)
      done.denied += 1
    }
    on.destroy()
    report(t, done)
  })
})

const ADMINISTRATION = [
  'status',
  'connections',
  'certificates',
  'reload',
  'rollback',
  'connections/close',
  'nothing',
].map((name) => `/redkite/v1/tls/${name}`)
