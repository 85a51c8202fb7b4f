/** Rows D2 to D5 of the page "Encryption in Transit": clients, by the page's own lines. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startRedkite, temporary } from '../support/server.ts'
import { type CertSet, createSet } from '../support/sets.ts'
import { curl, python, run, runPython } from '../support/tools.ts'

const place = temporary()
let set: CertSet
before(async () => {
  set = await createSet(join(place.path, 'tls'))
})
after(() => place[Symbol.dispose]())

const PATH = '/v2/vectordb/collections/list'
const USE = `
client.create_collection("pages", dimension=4)
client.insert("pages", [{"id": i, "vector": [i, 1.0, 2.0, 3.0], "color": "red"} for i in range(10)])
found = client.search("pages", data=[[3.0, 1.0, 2.0, 3.0]], limit=1, output_fields=["color"], consistency_level="Strong")
print(found[0][0]["id"], found[0][0]["entity"]["color"], client.list_collections())
`

describe('D2: pymilvus, one-way', { skip: python.skip }, () => {
  it('works as written, trusting the leaf server.pem', async () => {
    await using served = await startRedkite({ args: ['--tls', 'one-way', '--tls-dir', set.dir] })
    const ran = await runPython(`
from pymilvus import MilvusClient
client = MilvusClient(uri="https://localhost:${served.port}", secure=True, server_pem_path="${set.server}", server_name="localhost")
${USE}`)
    assert.equal(ran.stdout.trim(), "3 red ['pages']", ran.stderr)
  })
})

describe('D3: pymilvus, two-way', { skip: python.skip }, () => {
  const program = (port: number, pem: string, key: string) => `
from pymilvus import MilvusClient
client = MilvusClient(uri="https://localhost:${port}", secure=True, client_pem_path="${pem}", client_key_path="${key}", ca_pem_path="${set.ca}", server_name="localhost")
${USE}`

  it('works as written; without or with a wrong client certificate it is refused', async () => {
    const other = await createSet(join(place.path, 'other'))
    await using served = await startRedkite({ args: ['--tls', 'mutual', '--tls-dir', set.dir] })
    const ran = await runPython(program(served.port, set.client, set.clientKey))
    assert.equal(ran.stdout.trim(), "3 red ['pages']", ran.stderr)
    const wrong = await runPython(program(served.port, other.client, other.clientKey))
    assert.notEqual(wrong.exitCode, 0)
    assert.match(wrong.stderr, /Fail connecting to server/)
    await served.logged(/connection refused.*reason=unknownAuthority.*issuer/)
    const without = await runPython(`
from pymilvus import MilvusClient
MilvusClient(uri="https://localhost:${served.port}", secure=True, server_pem_path="${set.server}", server_name="localhost")`)
    assert.match(without.stderr, /Fail connecting to server/)
    await served.logged(/connection refused.*reason=noClientCertificate/)
  })
})

describe('D4: curl, one-way', { skip: curl.skip }, () => {
  it('works as written, by GET and by POST, on the REST port', async () => {
    const args = ['--tls', 'one-way', '--tls-dir', set.dir, '--http-port', '0']
    await using served = await startRedkite({ args })
    const url = `https://localhost:${served.restPort}${PATH}`
    const get = await run(curl.path, ['-sS', '--cacert', set.ca, url])
    assert.deepEqual(JSON.parse(get.stdout), { code: 0, data: [] }, get.stderr)
    const post = await run(curl.path, ['-sS', '--cacert', set.ca, '-X', 'POST', '-d', '{}', url])
    assert.deepEqual(JSON.parse(post.stdout), { code: 0, data: [] }, post.stderr)
    const untrusting = await run(curl.path, ['-sS', url])
    assert.equal(untrusting.exitCode, 60, 'curl does not trust it without the CA')
  })
})

describe('D5: curl, two-way', { skip: curl.skip }, () => {
  it('works as written with the client pair; refused without', async () => {
    const args = ['--tls', 'mutual', '--tls-dir', set.dir, '--http-port', '0']
    await using served = await startRedkite({ args })
    const url = `https://localhost:${served.restPort}${PATH}`
    const pair = ['--cert', set.client, '--key', set.clientKey]
    const get = await run(curl.path, ['-sS', '--cacert', set.ca, ...pair, url])
    assert.deepEqual(JSON.parse(get.stdout), { code: 0, data: [] }, get.stderr)
    for (const version of ['--http1.1', '--http2']) {
      const without = await run(curl.path, ['-sS', version, '--cacert', set.ca, url])
      assert.notEqual(without.exitCode, 0)
      assert.equal(without.stdout, '')
    }
    await served.logged(/connection refused.*reason=noClientCertificate/)
  })
})
