/** gRPC (by the Node SDK) against REST (by curl) on one server: the same operation has the same result. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { DataType, type MilvusClient } from '@zilliz/milvus2-sdk-node'
import { curlTo, nodeClient } from '../support/clients.ts'
import type { Served } from '../support/server.ts'
import { curl } from '../support/tools.ts'
import { type Certificates, makeCertificates, STRICT, serve } from './combinations.ts'

let certificates: Certificates
let served: Served
let client: MilvusClient
before(async () => {
  certificates = await makeCertificates()
  served = await serve(STRICT, certificates.set)
  client = nodeClient(served.port, certificates.show('mutual'), STRICT.login)
  await client.connectPromise
})
after(async () => {
  await client.closeConnection()
  await served[Symbol.asyncDispose]()
  certificates[Symbol.dispose]()
})

interface Reply {
  readonly code: number
  readonly message?: string
  readonly data?: unknown
  readonly topks?: readonly number[]
}

async function rest(path: string, body: object): Promise<Reply> {
  const url = `https://localhost:${served.port}/v2/vectordb/${path}`
  const ran = await curlTo(url, certificates.show('mutual'), STRICT.login, JSON.stringify(body))
  assert.equal(ran.exitCode, 0, ran.stderr)
  return JSON.parse(ran.stdout) as Reply
}

async function restData<T>(path: string, body: object): Promise<T> {
  const reply = await rest(path, body)
  assert.equal(reply.code, 0, JSON.stringify(reply))
  return reply.data as T
}

const byGrpc = { collection_name: 'by_grpc' }
const byRest = { collectionName: 'by_rest' }
const COUNT = 60
const rows = Array.from({ length: COUNT }, (_, i) => ({
  id: i,
  vec: [Math.sin(i), Math.cos(i), i / COUNT, 0.1],
  title: `title ${i % 7}`,
  ...(i % 5 === 0 ? {} : { n: i % 9 }),
  j: { a: i, list: [i, 'x'] },
  extra: i % 3,
}))

describe('gRPC and REST mean the same', { skip: curl.skip }, () => {
  before(async () => {
    const index = { index_type: 'HNSW', metric_type: 'IP', params: { M: 8, efConstruction: 64 } }
    await client.createCollection({
      ...byGrpc,
      description: 'made twice',
      enable_dynamic_field: true,
      consistency_level: 'Strong',
      fields: [
        { name: 'id', data_type: DataType.Int64, is_primary_key: true },
        { name: 'vec', data_type: DataType.FloatVector, dim: 4 },
        { name: 'title', data_type: DataType.VarChar, max_length: 32, description: 'a title' },
        { name: 'n', data_type: DataType.Int16, nullable: true },
        { name: 'j', data_type: DataType.JSON },
      ],
      index_params: [{ field_name: 'vec', index_name: 'by_vec', ...index }],
    })
    await client.loadCollectionSync(byGrpc)
    const { index_type: indexType, metric_type: metricType, params } = index
    await restData('collections/create', {
      ...byRest,
      description: 'made twice',
      consistencyLevel: 'Strong',
      schema: {
        autoID: false,
        enableDynamicField: true,
        fields: [
          { fieldName: 'id', dataType: 'Int64', isPrimary: true },
          { fieldName: 'vec', dataType: 'FloatVector', elementTypeParams: { dim: 4 } },
          { fieldName: 'title', dataType: 'VarChar', elementTypeParams: { max_length: 32 }, description: 'a title' },
          { fieldName: 'n', dataType: 'Int16', nullable: true },
          { fieldName: 'j', dataType: 'JSON' },
        ],
      },
      indexParams: [{ fieldName: 'vec', indexName: 'by_vec', indexType, metricType, params }],
    })
    const inserted = await client.insert({ ...byGrpc, data: rows })
    const restInserted = await restData<{ insertCount: number; insertIds: number[] }>('entities/insert', {
      ...byRest,
      data: rows,
    })
    assert.equal(restInserted.insertCount, Number(inserted.insert_cnt))
    assert.deepEqual(
      restInserted.insertIds,
      rows.map((row) => row.id),
    )
  })

  it('list and has', async () => {
    const { data } = await client.showCollections()
    const names = data.map((collection) => collection.name).sort()
    assert.deepEqual((await restData<string[]>('collections/list', {})).sort(), names)
    assert.deepEqual(names, ['by_grpc', 'by_rest'])
  })

  it('describe: a collection made by one is what the other would have made', async () => {
    for (const name of ['by_grpc', 'by_rest']) {
      const rpc = await client.describeCollection({ collection_name: name })
      const body = await restData<Record<string, unknown>>('collections/describe', { collectionName: name })
      assert.deepEqual(
        (body['fields'] as { name: string; type: string; id: number; nullable: boolean; description: string }[]).map(
          (field) => [field.name, field.type, String(field.id), field.nullable, field.description],
        ),
        rpc.schema.fields.map((field) => [
          field.name,
          field.data_type,
          String(field.fieldID),
          field.nullable,
          field.description,
        ]),
      )
      assert.deepEqual(
        [body['description'], body['enableDynamicField'], body['consistencyLevel'], body['shardsNum']],
        [rpc.schema.description, rpc.schema.enable_dynamic_field, rpc.consistency_level, rpc.shards_num],
      )
    }
    const [one, two] = await Promise.all(
      [byGrpc.collection_name, byRest.collectionName].map((collectionName) =>
        restData<Record<string, unknown>>('collections/describe', { collectionName }),
      ),
    )
    const { collectionID: _1, collectionName: _2, ...left } = one ?? {}
    const { collectionID: _3, collectionName: _4, ...right } = two ?? {}
    assert.deepEqual(left, right)
  })

  it('query: rows put in by one come out of the other', async () => {
    const filters = ['id >= 0', 'n > 4 and extra == 1', 'n is null', 'title like "title 3%"', 'j["a"] in [3, 4, 59]']
    for (const filter of filters) {
      const rpc = await client.query({ ...byGrpc, filter, output_fields: ['*'], limit: 1000 })
      const other = await client.query({ collection_name: 'by_rest', filter, output_fields: ['*'], limit: 1000 })
      assert.deepEqual(other.data, rpc.data, filter)
      const body = await restData<Record<string, unknown>[]>('entities/query', {
        collectionName: 'by_grpc',
        filter,
        limit: 1000,
      })
      assert.ok(body.length > 0, filter)
      // the encodings differ as Milvus' do: int64 text and $meta in the SDK; JSON text and flat dynamic keys in REST
      const flat = rpc.data.map(({ $meta, id, j, ...row }) => ({
        ...row,
        id: Number(id),
        j: JSON.stringify(j),
        ...$meta,
      }))
      const near = (vec: unknown) => (vec as number[]).map((x) => Math.fround(x))
      assert.deepEqual(
        body.map((row) => ({ ...row, vec: near(row['vec']) })),
        flat,
        filter,
      )
    }
    const count = await client.count({ ...byGrpc, expr: 'extra == 1' })
    assert.deepEqual(
      await restData('entities/query', { ...byRest, filter: 'extra == 1', outputFields: ['count(*)'] }),
      [{ 'count(*)': count.data }],
    )
  })

  it('search: ids, order and scores', async () => {
    const queries = [rows[3]?.vec ?? [], rows[44]?.vec ?? []]
    for (const filter of ['', 'n < 5', 'extra == 2 and id > 20']) {
      const rpc = await client.search({ ...byGrpc, data: queries, limit: 8, filter, output_fields: ['id'] })
      const hits = rpc.results.flat() as { id: string; score: number }[]
      const search = { data: queries, annsField: 'vec', limit: 8, filter }
      const reply = await rest('entities/search', { ...byRest, ...search })
      const body = reply.data as { id: number; distance: number }[]
      assert.deepEqual(reply.topks, [8, 8])
      assert.deepEqual(
        body.map((hit) => [String(hit.id), Math.fround(hit.distance)]),
        hits.map((hit) => [hit.id, Math.fround(hit.score)]),
      )
    }
  })

  it('upsert, delete and statistics', async () => {
    const upserted = await client.upsert({ ...byGrpc, data: [{ ...rows[5], title: 'x' }] })
    const body = await restData<object>('entities/upsert', { ...byRest, data: [{ ...rows[5], title: 'x' }] })
    assert.deepEqual(body, { upsertCount: Number(upserted.upsert_cnt), upsertIds: [5] })
    const removed = await client.delete({ ...byGrpc, filter: 'extra == 0 and id < 20' })
    const restRemoved = await restData('entities/delete', { ...byRest, filter: 'extra == 0 and id < 20' })
    assert.deepEqual(restRemoved, { deleteCount: Number(removed.delete_cnt) })
    assert.equal(removed.delete_cnt, '7')
    await client.flushSync({ collection_names: ['by_grpc', 'by_rest'] })
    const { data } = await client.getCollectionStatistics(byGrpc)
    assert.deepEqual(await restData('collections/get_stats', byRest), { rowCount: Number(data['row_count']) })
  })

  it('indexes, load state, users, databases', async () => {
    const { index_descriptions: rpcIndexes } = await client.describeIndex(byGrpc)
    const where = { ...byRest, indexName: 'by_vec' }
    const indexes = await restData<Record<string, unknown>[]>('indexes/describe', where)
    assert.deepEqual(
      indexes.map((i) => [i['fieldName'], i['indexName'], i['indexState'], String(i['totalRows']), i['indexType']]),
      rpcIndexes.map((i) => [i.field_name, i.index_name, i.state, i.total_rows, 'HNSW']),
    )
    const { state } = await client.getLoadState(byGrpc)
    assert.partialDeepStrictEqual(await restData('collections/get_load_state', byRest), { loadState: state })
    assert.deepEqual(await restData('users/list', {}), (await client.listUsers()).usernames)
    assert.deepEqual(await restData('databases/list', {}), (await client.listDatabases()).db_names)
  })

  it('refusals: the same code and text', async () => {
    const nope = 'nope'
    const vec = [1, 2, 3, 4]
    const pairs: readonly (readonly [string, Promise<{ status: { code: number; reason: string } }>, string, object])[] =
      [
        [
          'unknown collection',
          client.describeCollection({ collection_name: nope }) as never,
          'collections/describe',
          { collectionName: nope },
        ],
        [
          'bad filter',
          client.query({ ...byGrpc, filter: 'id ==' }) as never,
          'entities/query',
          { ...byRest, filter: 'id ==' },
        ],
        [
          'topk out of range',
          client.search({ ...byGrpc, data: vec, limit: 99_999 }) as never,
          'entities/search',
          { ...byRest, data: [vec], limit: 99_999 },
        ],
        [
          'arithmetic of two columns',
          client.query({ ...byGrpc, filter: 'n + extra == 2' }) as never,
          'entities/query',
          { ...byRest, filter: 'n + extra == 2' },
        ],
        [
          'unknown partition',
          client.search({ ...byGrpc, data: vec, limit: 1, partition_names: ['p'] }) as never,
          'entities/search',
          { ...byRest, data: [vec], limit: 1, partitionNames: ['p'] },
        ],
        [
          'unknown database',
          client.describeDatabase({ db_name: nope }) as never,
          'databases/describe',
          { dbName: nope },
        ],
      ]
    for (const [what, call, path, body] of pairs) {
      const { status } = await call
      const reply = await rest(path, body)
      assert.notEqual(reply.code, 0, what)
      assert.deepEqual([reply.code, reply.message], [status.code, status.reason], what)
    }
  })
})
