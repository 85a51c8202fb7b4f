/**
 * A real Milvus 2.3.5 behind a proxy with mutual TLS outside: in plaintext, and in its own tlsMode 1 and 2. Clients do
 * through the proxy what they do without it. One real Milvus at a time.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { MilvusClient } from '@zilliz/milvus2-sdk-node'
import { fill, samePartitions, sameQueries, sameSearches } from '../clients/data-parity.ts'
import { curlTo, nodeClient, pythonArguments } from '../support/clients.ts'
import { type RealMilvus, realMilvusTool, startRealMilvus } from '../support/real-milvus.ts'
import { type Served, temporary } from '../support/server.ts'
import { type CertSet, createSet } from '../support/sets.ts'
import { curl, python, runPython } from '../support/tools.ts'
import { healthOf, settings, startProxy } from '../support/upstream.ts'

const place = temporary()
let set: CertSet
before(async () => {
  if (realMilvusTool.skip === false) set = await createSet(join(place.path, 'tls'))
})
after(() => place[Symbol.dispose]())

/** Everyday work of pymilvus on a Milvus of any age. */
const WORK = (args: string) => `
from pymilvus import DataType, MilvusClient
client = MilvusClient(${args})
name = "work"
if client.has_collection(name):
    client.drop_collection(name)
schema = client.create_schema(auto_id=False, enable_dynamic_field=True)
schema.add_field("id", DataType.INT64, is_primary=True)
schema.add_field("vec", DataType.FLOAT_VECTOR, dim=8)
client.create_collection(name, schema=schema, consistency_level="Strong")
index = client.prepare_index_params()
index.add_index("vec", index_type="HNSW", metric_type="L2", params={"M": 8, "efConstruction": 64})
client.create_index(name, index)
client.load_collection(name)
rows = [{"id": i, "vec": [float(i)] + [1.0] * 7, "color": "red" if i % 2 else "blue"} for i in range(200)]
assert client.insert(name, rows)["insert_count"] == 200
hits = client.search(name, [[41.0] + [1.0] * 7], limit=3, output_fields=["color"])[0]
assert [h["id"] for h in hits][0] == 41 and hits[0]["entity"]["color"] == "red", hits
found = client.query(name, filter="id in [3, 5]", output_fields=["color"])
assert sorted(r["id"] for r in found) == [3, 5], found
client.delete(name, ids=[3])
assert client.query(name, filter="id == 3") == []
try:
    client.describe_collection("nowhere")
    raise SystemExit("found what is not there")
except Exception as error:
    assert "nowhere" in str(error), error
client.drop_collection(name)
print("done", client.get_server_version())
`

/** How the proxy reaches each. */
function linkTo(real: RealMilvus, mode: 0 | 1 | 2): readonly [uri: string, args: readonly string[]] {
  if (mode === 0) return [`http://127.0.0.1:${real.port}`, []]
  const ca = { 'redkite.upstream.caPemPath': set.ca }
  const pair = { 'redkite.upstream.clientPemPath': set.client, 'redkite.upstream.clientKeyPath': set.clientKey }
  return [`https://localhost:${real.port}`, settings(mode === 1 ? ca : { ...ca, ...pair })]
}

for (const mode of [0, 1, 2] as const) {
  describe(`a proxy before a real Milvus in tlsMode ${mode}`, { skip: realMilvusTool.skip }, () => {
    let real: RealMilvus
    let proxy: Served
    const show = () => ({ kind: 'mutual', set }) as const
    before(async () => {
      const files = mode === 0 ? {} : { serverPem: set.server, serverKey: set.serverKey, caPem: set.ca }
      real = await startRealMilvus({ tlsMode: mode, ...files })
      const [uri, args] = linkTo(real, mode)
      proxy = await startProxy(uri, ['--tls', 'mutual', '--tls-dir', set.dir, '--host', '127.0.0.1', ...args])
      const version =
        mode === 0 ? /\[tls=off\]/ : mode === 1 ? /\[version=TLSv1\.[23]\].*verified/ : /\[version=TLSv1\.3\]/
      await proxy.logged(new RegExp(`"upstream connected".*${version.source}`))
    })
    after(async () => {
      await proxy?.[Symbol.asyncDispose]()
      await real?.[Symbol.asyncDispose]()
    })

    it('pymilvus: create, insert, index, load, search, query, delete', { skip: python.skip }, async () => {
      const ran = await runPython(WORK(pythonArguments(proxy.port, show())))
      assert.match(ran.stdout, /^done v2\.3\.5/m, ran.stderr)
      assert.equal(await healthOf(proxy), '200 OK')
    })

    it('REST by curl becomes the same calls', { skip: curl.skip }, async () => {
      const ask = async (path: string, body: object) => {
        const url = `https://localhost:${proxy.restPort}/v2/vectordb/${path}`
        return JSON.parse((await curlTo(url, show(), null, JSON.stringify(body))).stdout) as Record<string, unknown>
      }
      const where = { collectionName: 'by_rest' }
      const params = { consistencyLevel: 'Strong' }
      assert.deepEqual(await ask('collections/create', { ...where, dimension: 4, params }), { code: 0, data: {} })
      const data = [1, 2, 3].map((id) => ({ id, vector: [id, 0, 0, 1], tag: `t${id}` }))
      assert.partialDeepStrictEqual(await ask('entities/insert', { ...where, data }), { code: 0 })
      const query = { ...where, filter: 'id >= 2', outputFields: ['id', 'tag'], consistencyLevel: 'Strong' }
      const found = await ask('entities/query', query)
      assert.deepEqual(
        found['data'],
        [
          { id: 2, tag: 't2' },
          { id: 3, tag: 't3' },
        ],
        JSON.stringify(found),
      )
      const refusal = await ask('collections/describe', { collectionName: 'nowhere' })
      assert.notEqual(refusal['code'], 0)
      assert.match(String(refusal['message']), /nowhere/)
      assert.deepEqual(await ask('collections/drop', where), { code: 0, data: {} })
    })

    it('Node SDK: the same rows, searches and queries as without the proxy', {
      skip: mode !== 2 && 'once is enough: it takes a quarter of a minute',
    }, async () => {
      const direct = nodeClient(real.port, mode === 0 ? { kind: 'plain' } : show())
      const through = nodeClient(proxy.port, show())
      const clients: readonly MilvusClient[] = [direct, through]
      try {
        await Promise.all(clients.map((client) => client.connectPromise))
        await fill(through)
        await sameSearches(direct, through)
        await sameQueries(direct, through)
        await samePartitions(through)
      } finally {
        await Promise.all(clients.map((client) => client.closeConnection()))
      }
    })
  })
}
