/** Real clients that are a user by their certificate alone, and what they print when they are refused and told why. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { curlArguments, curlTo, nodeClient, nodeConnects, withPymilvus } from '../support/clients.ts'
import { type Served, startRedkite, temporary } from '../support/server.ts'
import { type CertSet, createSet } from '../support/sets.ts'
import { curl, python, run } from '../support/tools.ts'

const place = temporary()
let set: CertSet
let served: Served

before(async () => {
  set = await createSet(join(place.path, 'tls'))
  const settings = [
    'common.security.authorizationEnabled=true',
    'redkite.identity.rules=dn=CN=client -> root',
    'redkite.identity.policy=root=certificate',
    'redkite.tls.explain=true',
  ]
  served = await startRedkite({
    args: ['--tls', 'mutual', '--tls-dir', set.dir, ...settings.flatMap((value) => ['--set', value])],
  })
})
after(async () => {
  await served?.[Symbol.asyncDispose]()
  place[Symbol.dispose]()
})

describe('a client certificate, and no password', () => {
  it('is a user for the Node SDK', async () => {
    const client = nodeClient(served.port, { kind: 'mutual', set })
    const made = await client.createDatabase({ db_name: 'node' })
    await client.closeConnection()
    assert.equal(made.error_code, 'Success', made.reason)
  })
  it('is a user for curl', { skip: curl.skip }, async () => {
    const ran = await curlTo(`${served.ready.rest}/v2/vectordb/users/list`, { kind: 'mutual', set }, null, '{}')
    assert.deepEqual(JSON.parse(ran.stdout), { code: 0, data: ['root'] })
  })
  it('is a user for pymilvus', { skip: python.skip }, async () => {
    const ran = await withPymilvus(served.port, { kind: 'mutual', set }, null, 'print(client.list_users())')
    assert.equal(ran.stdout.trim(), "['root']", ran.stderr)
  })
  it('goes with its password, and not with a wrong one', async () => {
    const root = { user: 'root', password: 'Milvus' }
    assert.equal(await nodeConnects(served.port, { kind: 'mutual', set }, root), 'ok')
    const wrong = await nodeConnects(served.port, { kind: 'mutual', set }, { ...root, password: 'not-this' })
    assert.match(wrong, /check username and password/)
  })
})

describe('no certificate, explained', () => {
  const show = () => ({ kind: 'oneWay', set }) as const
  const says = /client certificate refused \(noClientCertificate\).*tlsMode 2 needs one/
  it('the Node SDK prints it', async () => {
    assert.match(await nodeConnects(served.port, show()), says)
  })
  for (const version of ['--http1.1', '--http2']) {
    it(`curl ${version} prints it, also while it sends 3 MB`, { skip: curl.skip }, async () => {
      const big = join(place.path, 'big.json')
      writeFileSync(big, `{"x":"${'y'.repeat(3_000_000)}"}`)
      const url = `${served.ready.rest}/v2/vectordb/entities/insert`
      for (const data of ['{}', `@${big}`]) {
        const ran = await run(curl.path, [...curlArguments(show()), version, '--data-binary', data, url])
        assert.match(ran.stdout, says, ran.stderr)
      }
    })
  }
  it('pymilvus prints it', { skip: python.skip }, async () => {
    const ran = await withPymilvus(served.port, show(), null, 'print(client.list_users())')
    assert.match(ran.stderr, says)
  })
})
