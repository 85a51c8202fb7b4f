/** The audit log of a real server: who did what, how they proved it, and nothing that is secret. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { DataType, type MilvusClient } from '@zilliz/milvus2-sdk-node'
import { make } from '../support/certificates.ts'
import { nodeClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { grpcClient } from '../support/grpc-client.ts'
import { MILVUS_SERVICE, rawGrpc, rawRest } from '../support/raw-http2.ts'
import { refusedStart, type Served, startRedkite, temporary } from '../support/server.ts'
import { type CertSet, createSet } from '../support/sets.ts'
import { type ClientTls, http1Call } from '../support/tls-client.ts'
import { answerEcho, fakeUpstream, startProxy } from '../support/upstream.ts'

type Line = Readonly<Record<string, unknown>>
const ROOT = { user: 'root', password: 'Canary-Root-91' }
const place = temporary()
let set: CertSet
let tls: ClientTls

before(async () => {
  set = await createSet(join(place.path, 'tls'))
  const read = (path: string) => readFileSync(path, 'utf8')
  tls = { ca: read(set.ca), cert: read(set.client), key: read(set.clientKey) }
})
after(() => place[Symbol.dispose]())

let started = 0
async function start(settings: readonly string[]): Promise<{ served: Served; path: string }> {
  const path = join(place.path, `audit-${started++}.log`)
  const all = [
    'common.security.authorizationEnabled=true',
    `common.security.defaultRootPassword=${ROOT.password}`,
    `redkite.audit.path=${path}`,
    ...settings,
  ]
  const args = ['--tls', 'mutual', '--tls-dir', set.dir, ...all.flatMap((value) => ['--set', value])]
  return { served: await startRedkite({ args }), path }
}

function lines(path: string): readonly Line[] {
  const text = readFileSync(path, 'utf8')
  assert.ok(text === '' || text.endsWith('\n'))
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line)
}

const calls = (path: string) => lines(path).filter((line) => line['event'] === 'call')
const rpcs = (path: string) => calls(path).map((line) => line['rpc'])

/** A day in the life of a collection, with canaries where secrets are. */
async function useEverything(client: MilvusClient): Promise<void> {
  await client.createCollection({
    collection_name: 'book',
    fields: [
      { name: 'id', data_type: DataType.Int64, is_primary_key: true },
      { name: 'title', data_type: DataType.VarChar, max_length: 100 },
      { name: 'v', data_type: DataType.FloatVector, dim: 4 },
    ],
  })
  await client.createIndex({ collection_name: 'book', field_name: 'v', index_type: 'FLAT', metric_type: 'L2' })
  await client.loadCollection({ collection_name: 'book' })
  await client.insert({ collection_name: 'book', data: [{ id: 1, title: 'canary-title', v: [0.4711, 0, 0, 0] }] })
  await client.search({
    collection_name: 'book',
    data: [[0.4711, 0, 0, 0]],
    filter: 'title != "canary-filter"',
    limit: 1,
  })
  await client.delete({ collection_name: 'book', filter: 'title == "canary-filter"' })
  await client.createUser({ username: 'eve', password: 'canary-password' })
  await client.createUser({ username: 'eve', password: 'canary-password' })
  await client.dropCollection({ collection_name: 'book' })
}

describe('the audit log', () => {
  it('records administration by default, with who, how, whence and what came of it', async () => {
    const { served, path } = await start([])
    await using _ = served
    const client = nodeClient(served.port, { kind: 'mutual', set }, ROOT)
    await useEverything(client)
    await client.closeConnection()
    assert.deepEqual(rpcs(path), [
      'CreateCollection',
      'CreateIndex',
      'LoadCollection',
      'CreateCredential',
      'CreateCredential',
      'DropCollection',
    ])
    const [first] = calls(path)
    const { time, peer, certificate, ms, ...rest } = first ?? {}
    assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000)
    assert.match(String(peer), /^127\.0\.0\.1:\d+$/)
    assert.ok(typeof ms === 'number' && ms > 0)
    assert.match(
      JSON.stringify(certificate),
      /^\{"subject":"CN=client","sha256":"([0-9A-F]{2}:){31}[0-9A-F]{2}","user":null\}$/,
    )
    assert.deepEqual(rest, {
      event: 'call',
      user: 'root',
      proof: 'password',
      listener: 'proxy',
      protocol: 'gRPC',
      tls: 'TLSv1.3',
      generation: 1,
      rpc: 'CreateCollection',
      db: 'default',
      collection: 'book',
      outcome: 'ok',
      code: 0,
    })
    const users = calls(path).filter((line) => line['rpc'] === 'CreateCredential')
    assert.deepEqual(
      users.map(({ target, outcome, code }) => [target, outcome, code]),
      [
        ['eve', 'ok', 0],
        ['eve', 'invalidParameter', 1100],
      ],
    )
    if (process.platform !== 'win32') assert.equal(statSync(path).mode & 0o777, 0o600)
  })

  for (const [level, more] of [
    ['write', ['Insert', 'Delete']],
    ['all', ['Insert', 'Search', 'Delete']],
  ] as const) {
    it(`records ${more.join(', ')} too at level ${level}, with the number of rows and nothing of them`, async () => {
      const { served, path } = await start([`redkite.audit.level=${level}`])
      await using _ = served
      const client = nodeClient(served.port, { kind: 'mutual', set }, ROOT)
      await useEverything(client)
      await client.closeConnection()
      const found = rpcs(path).filter((rpc) => rpc === 'Insert' || rpc === 'Search' || rpc === 'Delete')
      assert.deepEqual(found, more)
      assert.equal(calls(path).find((line) => line['rpc'] === 'Insert')?.['rows'], 1)
      assert.doesNotMatch(readFileSync(path, 'utf8'), /canary|4711|Canary/i)
      assert.equal(rpcs(path).includes('Connect'), level === 'all')
    })
  }

  it('records logins once a connection, and each refused one up to a bound', async () => {
    const { served, path } = await start([])
    await using _ = served
    const token = Buffer.from(`root:${ROOT.password}`).toString('base64')
    for (let i = 0; i < 2; i++) await rawGrpc(served.port, tls, `${MILVUS_SERVICE}GetVersion`, { authorization: token })
    await rawRest(served.port, tls, '/v2/vectordb/collections/list', { authorization: `Bearer root:${ROOT.password}` })
    const wrong = Buffer.from('root:canary-wrong').toString('base64')
    await rawGrpc(served.port, tls, `${MILVUS_SERVICE}GetVersion`, { authorization: wrong })
    await rawGrpc(served.port, tls, `${MILVUS_SERVICE}GetVersion`)
    await rawRest(served.port, tls, '/v2/vectordb/collections/list', { authorization: 'Bearer canary-key' })
    const logins = lines(path).map(({ event, user, outcome, protocol, reason }) => ({
      event,
      user,
      outcome,
      protocol,
      reason,
    }))
    const ok = (protocol: string) => ({ event: 'login', user: 'root', outcome: 'ok', protocol, reason: undefined })
    assert.deepEqual(logins, [
      ok('gRPC'),
      ok('gRPC'),
      ok('REST'),
      {
        event: 'login',
        user: 'root',
        outcome: 'unauthenticated',
        protocol: 'gRPC',
        reason: 'auth check failure, please check username and password are correct',
      },
      {
        event: 'login',
        user: null,
        outcome: 'unauthenticated',
        protocol: 'gRPC',
        reason: 'missing authorization in header',
      },
      {
        event: 'login',
        user: null,
        outcome: 'restUnauthenticated',
        protocol: 'REST',
        reason: "user hasn't authenticated",
      },
    ])
    assert.doesNotMatch(readFileSync(path, 'utf8'), /canary/i)
  })

  it('records clients refused for their certificate, once for each cause', async () => {
    const { served, path } = await start([])
    await using _ = served
    const stranger = await make({ cn: 'stranger', usages: ['clientAuth'] })
    const strange = { ca: tls.ca, cert: stranger.pem, key: stranger.key }
    for (let i = 0; i < 3; i++) await assert.rejects(rawGrpc(served.port, strange, `${MILVUS_SERVICE}GetVersion`))
    await assert.rejects(http1Call(served.port, { ...tls, maxVersion: 'TLSv1.2' }))
    await eventually(() => lines(path).length > 0)
    const [{ time, peer, certificate, ...line } = {}, ...more] = lines(path)
    assert.ok(time && peer)
    assert.deepEqual(more, [])
    assert.partialDeepStrictEqual(certificate, { subject: 'CN=stranger', issuer: 'CN=stranger' })
    assert.deepEqual(line, {
      event: 'connection',
      listener: 'proxy',
      tls: 'TLSv1.3',
      outcome: 'refused',
      reason: 'unknownAuthority',
    })
  })

  it('records a denied call, and who asks for the administration of the server', async () => {
    const { served, path } = await start([])
    await using _ = served
    const root = { authorization: `Bearer root:${ROOT.password}` }
    const body = JSON.stringify({ userName: 'ann', password: 'long-enough' })
    await rawRest(served.port, tls, '/v2/vectordb/users/create', root, body)
    const ann = { authorization: 'Bearer ann:long-enough' }
    await rawRest(served.port, tls, '/v2/vectordb/collections/drop', ann, '{"collectionName":"book"}')
    await rawRest(served.port, tls, '/redkite/v1/tls/status', { ...ann, ':method': 'GET' }, '')
    await rawRest(served.port, tls, '/redkite/v1/tls/status', { ...root, ':method': 'GET' }, '')
    const drop = calls(path).find((line) => line['rpc'] === 'DropCollection')
    assert.deepEqual(
      [drop?.['user'], drop?.['outcome'], drop?.['collection'], drop?.['protocol']],
      ['ann', 'permissionDenied', 'book', 'REST'],
    )
    const administration = lines(path).filter((line) => line['event'] === 'administration')
    assert.deepEqual(
      administration.map(({ user, what, outcome }) => [user, what, outcome]),
      [
        ['ann', 'GET /redkite/v1/tls/status', 'permissionDenied'],
        ['root', 'GET /redkite/v1/tls/status', 'ok'],
      ],
    )
  })

  it('goes on in a new file after SIGHUP, whole at the stop', {
    skip: process.platform === 'win32' && 'signals',
  }, async () => {
    const { served, path } = await start(['redkite.audit.level=all'])
    await using _ = served
    const client = nodeClient(served.port, { kind: 'mutual', set }, ROOT)
    await client.connectPromise
    let over = false
    const load = (async () => {
      let count = 0
      for (; !over; count++) await client.hasCollection({ collection_name: 'x' })
      return count
    })()
    await eventually(() => lines(path).length > 100)
    renameSync(path, `${path}.1`)
    served.process.kill('SIGHUP')
    await eventually(() => existsSync(path) && lines(path).length > 100)
    over = true
    const count = await load
    await client.closeConnection()
    assert.equal(await served.stop(), 0)
    const found = [...rpcs(`${path}.1`), ...rpcs(path)].filter(
      (rpc) => rpc === 'HasCollection' || rpc === 'DescribeCollection',
    )
    assert.equal(found.length, count)
  })

  it('a disk that is full stops nothing, and is said', {
    skip: process.platform !== 'linux' && '/dev/full',
  }, async () => {
    const full = join(place.path, 'full.log')
    symlinkSync('/dev/full', full)
    const { served } = await start([`redkite.audit.path=${full}`])
    await using _ = served
    const client = nodeClient(served.port, { kind: 'mutual', set }, ROOT)
    assert.equal((await client.createDatabase({ db_name: 'shop' })).error_code, 'Success')
    await client.closeConnection()
    await served.logged(/the audit log cannot be written: lines wait in memory.*ENOSPC/)
    const metrics = await (await fetch(`${served.ready.metrics}/metrics`)).text()
    assert.match(metrics, /redkite_audit_lines_total\{result="failed"\} 1/)
  })

  it('where it is required, what cannot be recorded is refused until it can', {
    skip: process.platform !== 'linux' && '/dev/full',
  }, async () => {
    const link = join(place.path, 'required.log')
    symlinkSync('/dev/full', link)
    const { served } = await start([`redkite.audit.path=${link}`, 'redkite.audit.required=true'])
    await using _ = served
    const client = nodeClient(served.port, { kind: 'mutual', set }, ROOT)
    await client.connectPromise
    const refused = await client.createDatabase({ db_name: 'shop' })
    assert.match(refused.reason, /the audit log cannot be written \(ENOSPC\), and it is required: service unavailable/)
    assert.equal((await client.listDatabases()).status.error_code, 'Success', 'what is not recorded goes on')
    const status = await rawRest(served.port, tls, '/redkite/v1/tls/reload', {
      authorization: `Bearer root:${ROOT.password}`,
    })
    assert.match(status.body.toString(), /audit log cannot be written/)
    rmSync(link)
    served.process.kill('SIGHUP')
    await served.logged(/the audit log is written again/)
    assert.equal((await client.createDatabase({ db_name: 'shop' })).error_code, 'Success')
    await client.closeConnection()
    assert.deepEqual(
      calls(link).map((line) => line['outcome']),
      ['serviceUnavailable', 'ok'],
    )
  })

  it('records what a proxy passes on, by what its name does', async () => {
    const path = join(place.path, 'proxy.log')
    await using upstream = await fakeUpstream(20)
    upstream.serve = answerEcho
    await using proxy = await startProxy(upstream.uri, ['--set', `redkite.audit.path=${path}`])
    using client = grpcClient(`127.0.0.1:${proxy.port}`)
    for (const method of ['CreateRole', 'HybridSearch', 'DropCollection', 'GetReplicas', 'Insert', 'TransferNode']) {
      assert.equal((await client.call(method, 'x', { metadata: { dbname: 'shop' } })).code, 0)
    }
    const recorded = calls(path).map(({ rpc, db, outcome }) => [rpc, db, outcome])
    assert.deepEqual(
      recorded,
      ['CreateRole', 'DropCollection', 'TransferNode'].map((rpc) => [rpc, 'shop', 'forwarded']),
    )
  })

  it('a path that cannot be opened ends the start', async () => {
    const failed = await refusedStart({ args: ['--set', `redkite.audit.path=${place.path}/no/such/audit.log`] })
    assert.equal(failed.exitCode, 73)
    assert.match(failed.stderr, /cannot open the audit log .*ENOENT/)
  })

  it('is off unless a path is given', async () => {
    await using served = await startRedkite({ args: ['--set', 'redkite.audit.level=all'] })
    const client = nodeClient(served.port, { kind: 'plain' })
    await client.createDatabase({ db_name: 'shop' })
    await client.closeConnection()
    const metrics = await (await fetch(`${served.ready.metrics}/metrics`)).text()
    assert.doesNotMatch(metrics, /redkite_audit_lines_total\{/)
  })
})
