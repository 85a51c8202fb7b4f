/** `collection.ttl.seconds`: no answer shows an expired row. Indexes on scalar fields: names, texts, describe, drop. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import {
  DataType,
  failed,
  keysOf,
  loadedCollection,
  type SchemaServer,
  schemaServer,
  succeeded,
} from './schema-support.ts'

let server: SchemaServer
before(async () => {
  server = await schemaServer()
})
after(() => server[Symbol.asyncDispose]())

test('expired rows are in no query, search or count, and stay away after a restart', async () => {
  const { client } = server
  const where = { collection_name: 'brief' }
  await loadedCollection(client, 'brief', [], { properties: { 'collection.ttl.seconds': '3' } })
  succeeded(await client.insert({ ...where, data: [{ id: 1, v: [1, 0] }] }))
  assert.deepEqual(await keysOf(client, 'brief', 'id > 0'), [1])
  await eventually(async () => (await keysOf(client, 'brief', 'id > 0')).length === 0)
  succeeded(await client.insert({ ...where, data: [{ id: 2, v: [2, 0] }] }))
  const hits = await client.search({ ...where, data: [0, 0], limit: 5 })
  assert.deepEqual(
    hits.results.map((hit) => hit.id),
    ['2'],
  )
  assert.equal(Number((await client.getCollectionStatistics(where)).data['row_count']), 1)
  succeeded(await client.alterCollectionProperties({ ...where, properties: { 'collection.ttl.seconds': 3600 } }))
  succeeded(await client.insert({ ...where, data: [{ id: 3, v: [3, 0] }] }))
  await server.restart()
  assert.deepEqual(await keysOf(server.client, 'brief', 'id > 0'), [2, 3])
  succeeded(await server.client.alterCollectionProperties({ ...where, properties: { 'collection.ttl.seconds': 1 } }))
  await eventually(async () => {
    const { results } = await server.client.search({ ...where, data: [0, 0], limit: 5 })
    return results.length === 0
  })
  const odd = { ...where, properties: { 'collection.ttl.seconds': 'soon' } }
  failed(await server.client.alterCollectionProperties(odd), /collection.ttl.seconds \(soon\) is invalid/)
})

test('indexes on scalar fields are made, described, idempotent and dropped; wrong ones are refused', async () => {
  const { client } = server
  const where = { collection_name: 'indexed' }
  await loadedCollection(client, 'indexed', [
    { name: 'n', data_type: DataType.Int64 },
    { name: 's', data_type: DataType.VarChar, max_length: 20 },
    { name: 'flag', data_type: DataType.Bool },
    { name: 'd', data_type: DataType.Double },
    { name: 'doc', data_type: DataType.JSON },
    { name: 'tags', data_type: DataType.Array, element_type: DataType.Int64, max_capacity: 4 },
  ])
  const row = (id: number) => ({
    id,
    n: id,
    s: `s${id}`,
    flag: id % 2 === 0,
    d: id / 2,
    doc: { k: id },
    tags: [id],
    v: [id, 0],
  })
  succeeded(await client.insert({ ...where, data: [row(1), row(2), row(3)] }))
  const create = (field_name: string, index_type: string | undefined, params: object = {}) =>
    client.createIndex({ ...where, field_name, index_type, ...params } as never)
  for (const [field, type] of [
    ['n', 'STL_SORT'],
    ['s', 'Trie'],
    ['flag', 'BITMAP'],
    ['d', 'INVERTED'],
    ['tags', 'AUTOINDEX'],
  ] as const) {
    succeeded(await create(field, type))
  }
  succeeded(await create('doc', 'INVERTED', { params: { json_path: 'doc["k"]', json_cast_type: 'double' } }))
  succeeded(await create('n', 'STL_SORT'))
  failed(await create('n', 'INVERTED'), /at most one distinct index is allowed per field/)
  failed(await create('doc', 'STL_SORT'), /STL_SORT are only supported on numeric, varchar or timestamptz field/)
  failed(await create('n', 'Trie'), /TRIE are only supported on varchar field/)
  failed(await create('d', 'BITMAP'), /bitmap index are only supported on bool, int, string/)
  failed(await create('id', 'BITMAP'), /bitmap index on primary key not supported/)
  failed(await create('n', 'HNSW'), /invalid index type: HNSW/)
  const described = async () => (await client.describeIndex({ ...where, field_name: 's' })).index_descriptions[0]
  await eventually(async () => (await described())?.state === 'Finished')
  assert.equal((await described())?.params.find(({ key }) => key === 'index_type')?.value, 'Trie')
  assert.deepEqual(await keysOf(client, 'indexed', 'n == 2 or s == "s3" or d == 0.5'), [1, 2, 3])
  succeeded(await client.dropIndex({ ...where, index_name: 'n' }))
  failed(await client.describeIndex({ ...where, index_name: 'n' }), /index not found/)
  assert.deepEqual(await keysOf(client, 'indexed', 'n == 2'), [2])
  await server.restart()
  assert.deepEqual(await keysOf(server.client, 'indexed', 's == "s3" and flag == false'), [3])
})
