/**
 * Clients before a proxy before a second Redkite, whose internal port it reaches over mutual TLS: the suites of this
 * folder, unchanged, and what `redkite.upstream.credentials` makes of a login.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { curlTo, nodeClient, nodeConnects, ROOT } from '../support/clients.ts'
import { type Served, startRedkite, temporary } from '../support/server.ts'
import { type CertSet, createSet } from '../support/sets.ts'
import { curl, python, run } from '../support/tools.ts'
import { internalTls, linkTls, settings, startProxy } from '../support/upstream.ts'

const strict = ['--test-name-pattern=mutual, authentication on']
const suites: readonly (readonly [file: string, args: readonly string[], skip: string | false])[] = [
  ['pymilvus', strict, python.skip],
  ['node-sdk', strict, false],
  ['rest-endpoints', [], curl.skip],
  ['parity', [], curl.skip],
]

describe('behind a proxy, clients do what they do without it', () => {
  for (const [file, args, skip] of suites) {
    it(`${file}.test.ts`, { skip }, async () => {
      const path = fileURLToPath(new URL(`../clients/${file}.test.ts`, import.meta.url))
      const env = { REDKITE_TEST_BEHIND_PROXY: '1' }
      const ran = await run(process.execPath, ['--test', '--test-reporter=tap', ...args, path], { env })
      assert.equal(ran.exitCode, 0, ran.stdout)
      assert.match(ran.stdout, /^# pass [1-9]/m)
    })
  }
})

describe('redkite.upstream.credentials', () => {
  const place = temporary()
  const plain = { kind: 'plain' } as const
  const loginWanted = settings({ 'common.security.authorizationEnabled': 'true' })
  let set: CertSet
  let node: Served
  before(async () => {
    set = await createSet(join(place.path, 'tls'))
    node = await startRedkite({ args: [...loginWanted, ...internalTls(set)] })
  })
  after(async () => {
    await node[Symbol.asyncDispose]()
    place[Symbol.dispose]()
  })
  const proxyOf = (mode: Readonly<Record<string, string>>, args: readonly string[] = loginWanted) =>
    startProxy(node.ready.internal ?? '', [...args, ...linkTls(set, mode)])

  it('passed: the login goes upstream, which decides', async () => {
    await using proxy = await proxyOf({}, [])
    assert.equal(await nodeConnects(proxy.port, plain, ROOT), 'ok')
    assert.match(await nodeConnects(proxy.port, plain, { user: 'root', password: 'nonsense' }), /UNAUTHENTICATED/)
    assert.match(await nodeConnects(proxy.port, plain), /UNAUTHENTICATED/)
  })

  it('mapped: checked here, and upstream sees the one user; users are kept here', async () => {
    const mode = { 'redkite.upstream.credentials': 'mapped', 'redkite.upstream.user': 'root' }
    const password = { 'redkite.upstream.password': 'Milvus' }
    const own = settings({ 'common.security.defaultRootPassword': 'Another1' })
    await using proxy = await proxyOf({ ...mode, ...password }, [...loginWanted, ...own])
    const root = { user: 'root', password: 'Another1' }
    assert.equal(await nodeConnects(proxy.port, plain, root), 'ok')
    assert.match(await nodeConnects(proxy.port, plain, ROOT), /UNAUTHENTICATED/)
    const client = nodeClient(proxy.port, plain, root)
    assert.equal((await client.createUser({ username: 'reader', password: 'Reader_1' })).code, 0)
    assert.deepEqual((await client.listUsers()).usernames, ['root', 'reader'])
    assert.equal((await client.createCollection({ collection_name: 'm', dimension: 4 })).code, 0)
    await client.closeConnection()
    const behind = nodeClient(node.port, plain, ROOT)
    assert.deepEqual((await behind.listUsers()).usernames, ['root'], 'the node knows nothing of them')
    await behind.closeConnection()
    const reader = nodeClient(proxy.port, plain, { user: 'reader', password: 'Reader_1' })
    assert.equal((await reader.describeCollection({ collection_name: 'm' })).status.code, 0)
    await assert.rejects(reader.dropCollection({ collection_name: 'm' }), /PERMISSION_DENIED/)
    const url = `http://127.0.0.1:${proxy.port}/v2/vectordb/collections/list`
    if (curl.skip === false) assert.equal((await curlTo(url, plain, root, '{}')).stdout, '{"code":0,"data":["m"]}')
    assert.doesNotMatch(proxy.log() + proxy.stdout(), /Milvus"|Another1/)
  })

  it('checked: checked here, and nothing goes upstream', async () => {
    await using proxy = await proxyOf({ 'redkite.upstream.credentials': 'checked' })
    assert.match(
      await nodeConnects(proxy.port, plain, { user: 'root', password: 'nonsense' }),
      /UNAUTHENTICATED: auth check/,
    )
    assert.match(await nodeConnects(proxy.port, plain, ROOT), /UNAUTHENTICATED: missing authorization in header/)
    await using open = await startRedkite({ args: internalTls(set) })
    const checked = linkTls(set, { 'redkite.upstream.credentials': 'checked' })
    await using before = await startProxy(open.ready.internal ?? '', [...loginWanted, ...checked])
    assert.equal(await nodeConnects(before.port, plain, ROOT), 'ok')
    assert.match(await nodeConnects(before.port, plain), /UNAUTHENTICATED: missing authorization/)
  })
})
