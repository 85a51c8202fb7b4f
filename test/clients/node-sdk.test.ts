/**
 * The real Node SDK against the built server, in every combination of TLS and authentication: its quick start over
 * gRPC, and over REST by its `HttpClient`.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  DataType,
  FunctionType,
  HttpClient,
  type HybridSearchReq,
  type MilvusClient,
  RRFRanker,
  WeightedRanker,
} from '@zilliz/milvus2-sdk-node'
import { type Login, nodeClient, ROOT, type Show } from '../support/clients.ts'
import { run } from '../support/tools.ts'
import { type Certificates, type Combination, combinations, makeCertificates, STRICT, serve } from './combinations.ts'
import { secureFetch } from './secure-fetch.ts'

let certificates: Certificates
before(async () => {
  certificates = await makeCertificates()
})
after(() => certificates[Symbol.dispose]())

const DIM = 8
const NAME = 'quick'
const COUNT = 100
/** One number differs from row to row: row i is nearest to the query of row i, by L2. */
const vectorOf = (i: number) => Array.from({ length: DIM }, (_, d) => (d === 0 ? i : 1))
const rows = Array.from({ length: COUNT }, (_, i) => ({
  id: i,
  vector: vectorOf(i),
  text: `doc ${i}`,
  color: i % 2 ? 'red' : 'blue',
}))

const done = { error_code: 'Success', code: 0, reason: '' }
/** Awaits a call and demands success. */
async function ok<T extends { status: object } | object>(call: Promise<T>): Promise<T> {
  const reply = await call
  const status = 'status' in reply ? reply.status : reply
  assert.partialDeepStrictEqual(status, done)
  return reply
}

/** Runs `use` with a client that is closed afterwards. */
async function withClient(combination: Combination, use: (client: MilvusClient) => Promise<void>): Promise<void> {
  await using served = await serve(combination, certificates.set)
  const client = nodeClient(served.port, certificates.show(combination.kind), combination.login)
  try {
    await client.connectPromise
    await use(client)
  } finally {
    await client.closeConnection()
  }
}

async function quickStart(client: MilvusClient): Promise<void> {
  assert.equal((await ok(client.checkHealth())).isHealthy, true)
  const fields = [
    { name: 'id', data_type: DataType.Int64, is_primary_key: true },
    { name: 'vector', data_type: DataType.FloatVector, dim: DIM },
    { name: 'text', data_type: DataType.VarChar, max_length: 512 },
  ]
  await ok(client.createCollection({ collection_name: NAME, fields, enable_dynamic_field: true }))
  assert.equal((await ok(client.hasCollection({ collection_name: NAME }))).value, true)
  const index = { collection_name: NAME, field_name: 'vector', index_type: 'HNSW', metric_type: 'L2' }
  await ok(client.createIndex({ ...index, params: { M: 16, efConstruction: 256 } }))
  await ok(client.loadCollectionSync({ collection_name: NAME }))
  assert.equal((await ok(client.getLoadState({ collection_name: NAME }))).state, 'LoadStateLoaded')

  const inserted = await ok(client.insert({ collection_name: NAME, data: rows }))
  assert.equal(inserted.insert_cnt, String(COUNT))
  await ok(client.flushSync({ collection_names: [NAME] }))
  assert.equal((await ok(client.getCollectionStatistics({ collection_name: NAME }))).data['row_count'], String(COUNT))

  const found = await ok(
    client.search({ collection_name: NAME, data: vectorOf(41), limit: 3, output_fields: ['id', 'text', 'color'] }),
  )
  assert.deepEqual(found.results, [
    { score: 0, id: '41', text: 'doc 41', color: 'red' },
    { score: 1, id: '40', text: 'doc 40', color: 'blue' },
    { score: 1, id: '42', text: 'doc 42', color: 'blue' },
  ])
  const filtered = await ok(
    client.search({
      collection_name: NAME,
      data: [vectorOf(10), vectorOf(20)],
      limit: 2,
      filter: 'color == "red"',
      output_fields: ['id'],
    }),
  )
  assert.deepEqual(
    filtered.results.map((hits) => (Array.isArray(hits) ? hits.map((hit) => hit.id) : hits)),
    [
      ['9', '11'],
      ['19', '21'],
    ],
  )
  // the SDK leaves the dynamic keys of a query in `$meta`, also with Milvus itself
  const queried = await ok(
    client.query({ collection_name: NAME, filter: 'id in [7, 8]', output_fields: ['id', 'vector', 'color'] }),
  )
  assert.deepEqual(queried.data, [
    { id: '7', vector: vectorOf(7), $meta: { color: 'red' } },
    { id: '8', vector: vectorOf(8), $meta: { color: 'blue' } },
  ])
  assert.equal((await ok(client.delete({ collection_name: NAME, ids: [7] }))).delete_cnt, '1')
  assert.equal((await ok(client.count({ collection_name: NAME, expr: '' }))).data, COUNT - 1)
  await ok(client.releaseCollection({ collection_name: NAME }))
  await ok(client.dropCollection({ collection_name: NAME }))
  assert.deepEqual((await ok(client.showCollections())).data, [])
}

describe('Node SDK over gRPC', () => {
  for (const combination of combinations) {
    it(`quick start: ${combination.name}`, () => withClient(combination, quickStart))
  }

  it(`everyday calls: ${STRICT.name}`, () =>
    withClient(STRICT, async (client) => {
      const where = { collection_name: 'daily' }
      await ok(client.createCollection({ ...where, dimension: DIM, metric_type: 'IP', auto_id: false }))
      await partitions(client, where)
      await aliases(client, where)
      await indexes(client, where)
      await databases(client)
      await users(client)
      await iterators(client)
      await hybrids(client)
      await refusals(client, where)
      assert.match((await ok(client.getVersion())).version, /^v2\.6\./)
    }))
})

/** Every row once although most scores are equal: the SDK speaks iterator v2 only. */
async function iterators(client: MilvusClient): Promise<void> {
  const where = { collection_name: 'paged' }
  await ok(client.createCollection({ ...where, dimension: 4, metric_type: 'L2' }))
  const data = Array.from({ length: 500 }, (_, id) => ({ id, vector: [id % 7, id % 3, 1, 2] }))
  await ok(client.insert({ ...where, data }))
  const pages = await client.searchIterator({ ...where, data: [1, 2, 3, 4], batchSize: 60, limit: 230 })
  const seen = new Set<unknown>()
  let count = 0
  for await (const page of pages) {
    count += page.length
    for (const hit of page) seen.add(hit['id'])
  }
  assert.deepEqual([count, seen.size], [230, 230])
  await ok(client.dropCollection(where))
}

/** Two searches of one field, ranked by each of the SDK's rankers, and groups. */
async function hybrids(client: MilvusClient): Promise<void> {
  const where = { collection_name: 'hybrid' }
  await ok(client.createCollection({ ...where, dimension: 2, metric_type: 'L2' }))
  const data = Array.from({ length: 8 }, (_, id) => ({ id, vector: [id, 0], color: id % 2 ? 'red' : 'blue' }))
  await ok(client.insert({ ...where, data }))
  const searches = [
    { data: [2, 0], anns_field: 'vector', limit: 3 },
    { data: [4, 0], anns_field: 'vector', limit: 3, expr: 'id != 3' },
  ]
  const ranked = async (rerank: object, limit: number) => {
    const { results } = await ok(
      client.search({ ...where, data: searches, rerank, limit, output_fields: ['id', 'color'] } as HybridSearchReq),
    )
    return results.map(({ id, score, color }) => [id, score, color])
  }
  // 2 1 3 and 4 5 2, equal distances by key
  const shares = new Map([2, 1, 3].map((id, rank) => [id, 1 / (rank + 2)]))
  for (const [rank, id] of [4, 5, 2].entries()) shares.set(id, (shares.get(id) ?? 0) + 1 / (rank + 2))
  const expected = [...shares].sort(([a, x], [b, y]) => y - x || a - b).slice(0, 4)
  assert.deepEqual(
    await ranked(RRFRanker(1), 4),
    expected.map(([id, score]) => [String(id), Math.fround(score), id % 2 ? 'red' : 'blue']),
  )
  const weighted = await ranked(WeightedRanker([1, 0]), 2)
  assert.deepEqual(
    weighted.map(([id]) => id),
    ['2', '1'],
  )
  const rrf = { name: 'r', type: FunctionType.RERANK, input_field_names: [], params: { reranker: 'rrf', k: 1 } }
  assert.deepEqual(await ranked(rrf, 4), await ranked(RRFRanker(1), 4))
  await ok(client.dropCollection(where))
}

interface Where {
  readonly collection_name: string
}

async function partitions(client: MilvusClient, where: Where): Promise<void> {
  const side = { ...where, partition_name: 'side' }
  await ok(client.createPartition(side))
  assert.equal((await ok(client.hasPartition(side))).value, true)
  assert.deepEqual((await ok(client.listPartitions(where))).partition_names, ['_default', 'side'])
  await ok(client.insert({ ...side, data: rows.slice(0, 10) }))
  await ok(client.insert({ ...where, data: rows.slice(10, 30) }))
  const found = await ok(
    client.search({ ...where, data: vectorOf(1), limit: 100, partition_names: ['side'], output_fields: ['id'] }),
  )
  assert.deepEqual(
    found.results.map((hit) => Number(hit.id)),
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
  )
  assert.equal((await ok(client.getPartitionStatistics(side))).data['row_count'], '10')
  const upserted = await ok(client.upsert({ ...where, data: [{ ...rows[12], text: 'new' }] }))
  assert.equal(upserted.upsert_cnt, '1')
  const got = await ok(client.get({ ...where, ids: [12], output_fields: ['text'] }))
  assert.deepEqual(got.data, [{ id: '12', $meta: { text: 'new' } }])
  await ok(client.releasePartitions({ ...where, partition_names: ['side'] }))
  await ok(client.dropPartition(side))
  assert.equal((await ok(client.count(where))).data, 20)
}

async function aliases(client: MilvusClient, where: Where): Promise<void> {
  await ok(client.createAlias({ ...where, alias: 'nick' }))
  assert.equal((await ok(client.describeAlias({ ...where, alias: 'nick' }))).collection, 'daily')
  assert.deepEqual((await ok(client.listAliases(where))).aliases, ['nick'])
  assert.equal((await ok(client.count({ collection_name: 'nick' }))).data, 20)
  await ok(client.dropAlias({ alias: 'nick' }))
}

async function indexes(client: MilvusClient, where: Where): Promise<void> {
  const described = await ok(client.describeIndex(where))
  assert.partialDeepStrictEqual(described.index_descriptions, [{ field_name: 'vector', state: 'Finished' }])
  assert.deepEqual(
    new Map(described.index_descriptions[0]?.params.map(({ key, value }) => [key, value])).get('metric_type'),
    'IP',
  )
  assert.equal((await ok(client.getIndexState(where))).state, 'Finished')
  assert.equal(Number((await ok(client.getIndexBuildProgress({ ...where, field_name: 'vector' }))).total_rows), 20)
  const schema = await ok(client.describeCollection(where))
  assert.deepEqual(
    schema.schema.fields.map((field) => [field.name, field.data_type]),
    [
      ['id', 'Int64'],
      ['vector', 'FloatVector'],
    ],
  )
  await ok(client.renameCollection({ ...where, new_collection_name: 'nightly' }))
  await ok(client.renameCollection({ collection_name: 'nightly', new_collection_name: 'daily' }))
}

async function databases(client: MilvusClient): Promise<void> {
  await ok(client.createDatabase({ db_name: 'shop' }))
  assert.deepEqual([...(await ok(client.listDatabases())).db_names].sort(), ['default', 'shop'])
  await client.useDatabase({ db_name: 'shop' })
  assert.deepEqual((await ok(client.showCollections())).data, [])
  await client.useDatabase({ db_name: 'default' })
  await ok(client.dropDatabase({ db_name: 'shop' }))
}

async function users(client: MilvusClient): Promise<void> {
  await ok(client.createUser({ username: 'ida', password: 'Secret1' }))
  assert.deepEqual([...(await ok(client.listUsers())).usernames].sort(), ['ida', 'root'])
  await ok(client.updateUser({ username: 'ida', oldPassword: 'Secret1', newPassword: 'Secret2' }))
  await ok(client.deleteUser({ username: 'ida' }))
}

async function refusals(client: MilvusClient, where: Where): Promise<void> {
  const unknown = await client.describeCollection({ collection_name: 'nope' })
  assert.partialDeepStrictEqual(unknown.status, { error_code: 'CollectionNotExists', code: 100 })
  const bad = await client.query({ ...where, filter: 'id ==' })
  assert.partialDeepStrictEqual(bad.status, { error_code: 'IllegalArgument', code: 1100 })
  assert.match(bad.status.reason, /cannot parse expression: id ==: line 1:5/)
  const short = await client.insert({ ...where, data: [{ id: 1, vector: [1, 2] }] }).catch(String)
  assert.match(typeof short === 'string' ? short : short.status.reason, /dim/)
  await ok(client.releaseCollection(where))
  const unloaded = await client.search({ ...where, data: vectorOf(1), limit: 1 })
  assert.partialDeepStrictEqual(unloaded.status, { code: 101 })
  assert.match(unloaded.status.reason, /collection not loaded/)
}

function httpClient(port: number, show: Show, login: Login): HttpClient {
  return new HttpClient({
    endpoint: `${show.kind === 'plain' ? 'http' : 'https'}://localhost:${port}`,
    timeout: 10_000,
    ...(login ? { username: login.user, password: login.password } : {}),
    ...(show.kind === 'plain' ? {} : { fetch: secureFetch(show) }),
  })
}

async function httpQuickStart(client: HttpClient): Promise<void> {
  const where = { collectionName: NAME }
  const yes = { code: 0 }
  assert.partialDeepStrictEqual(await client.createCollection({ ...where, dimension: DIM, metricType: 'L2' }), yes)
  assert.deepEqual((await client.hasCollection({ ...where, dbName: 'default' })).data, { has: true })
  assert.deepEqual((await client.listCollections()).data, [NAME])
  const inserted = await client.insert({ ...where, data: rows })
  assert.partialDeepStrictEqual(inserted, { code: 0, data: { insertCount: COUNT } })
  const found = await client.search({ ...where, data: [vectorOf(41)], limit: 2, outputFields: ['text', 'color'] })
  // the client asks for int64 as text
  assert.partialDeepStrictEqual(found, {
    code: 0,
    data: [
      { distance: 0, id: '41', text: 'doc 41', color: 'red' },
      { distance: 1, id: '40', text: 'doc 40', color: 'blue' },
    ],
  })
  const queried = await client.query({ ...where, filter: 'color == "red" and id < 4', outputFields: ['color'] })
  assert.deepEqual(queried.data, [
    { id: '1', color: 'red' },
    { id: '3', color: 'red' },
  ])
  assert.partialDeepStrictEqual((await client.get({ ...where, id: [5], outputFields: ['text'] })).data, [
    { id: '5', text: 'doc 5' },
  ])
  assert.partialDeepStrictEqual(await client.upsert({ ...where, data: [{ ...rows[5], text: 'new' }] }), yes)
  assert.partialDeepStrictEqual(await client.delete({ ...where, filter: 'id in [6]' }), yes)
  assert.partialDeepStrictEqual(await client.flushCollection(where), yes)
  assert.deepEqual((await client.getCollectionStatistics(where)).data, { rowCount: COUNT - 1 })
  assert.partialDeepStrictEqual((await client.getCollectionLoadState(where)).data, { loadState: 'LoadStateLoaded' })
  assert.deepEqual((await client.listIndexes(where)).data, ['vector'])
  assert.deepEqual((await client.listPartitions(where)).data, ['_default'])
  assert.partialDeepStrictEqual(await client.createAlias({ ...where, aliasName: 'nick' }), yes)
  assert.partialDeepStrictEqual(await client.dropAlias({ aliasName: 'nick' }), yes)
  assert.deepEqual((await client.listUsers()).data, ['root'])
  assert.partialDeepStrictEqual(await client.dropCollection(where), yes)
  assert.deepEqual((await client.listCollections()).data, [])
}

describe('Node SDK over REST (HttpClient)', () => {
  for (const combination of combinations) {
    it(`quick start: ${combination.name}`, async () => {
      await using served = await serve(combination, certificates.set)
      await httpQuickStart(httpClient(served.port, certificates.show(combination.kind), combination.login))
    })
  }

  it('with the global fetch and NODE_EXTRA_CA_CERTS', async () => {
    await using served = await serve({ ...STRICT, kind: 'oneWay' }, certificates.set)
    const sdk = import.meta.resolve('@zilliz/milvus2-sdk-node')
    const program = `
      import sdk from ${JSON.stringify(sdk)}
      const client = new sdk.HttpClient({ endpoint: 'https://localhost:${served.port}', token: 'root:Milvus' })
      console.log(JSON.stringify(await client.listCollections()))`
    const args = ['--input-type=module', '-e', program]
    const trusting = await run(process.execPath, args, { env: { NODE_EXTRA_CA_CERTS: certificates.set.ca } })
    assert.deepEqual(JSON.parse(trusting.stdout || trusting.stderr), { code: 0, data: [] })
    const doubting = await run(process.execPath, args)
    assert.notEqual(doubting.exitCode, 0, 'without the CA the client must not trust the server')
  })

  it('a wrong password is HTTP 401', async () => {
    await using served = await serve(STRICT, certificates.set)
    const wrong = httpClient(served.port, certificates.show('mutual'), { ...ROOT, password: 'nonsense' } as Login)
    await assert.rejects(wrong.listCollections(), /HTTP 401.*"code":1800,"message":"user hasn't authenticated"/)
  })
})
