/** Partition keys: rows spread by their key, named partitions refused, and everything else as without one. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
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

const tenant = { name: 'tenant', data_type: DataType.VarChar, max_length: 20, is_partition_key: true }

test('rows are spread by their key, found by it, moved by an upsert, and deleted', async () => {
  const { client } = server
  const where = { collection_name: 'tenants' }
  await loadedCollection(client, 'tenants', [tenant], { num_partitions: 8 })
  const data = Array.from({ length: 200 }, (_, id) => ({ id, tenant: `t${id % 50}`, v: [id, 0] }))
  succeeded(await client.insert({ ...where, data }))
  const described = await client.describeCollection(where)
  assert.equal(described.schema.fields.find((field) => field.name === 'tenant')?.is_partition_key, true)
  const { partition_names } = await client.showPartitions(where)
  assert.deepEqual(
    partition_names,
    Array.from({ length: 8 }, (_, i) => `_default_${i}`),
  )
  const counts = await Promise.all(
    partition_names.map(async (partition_name) => {
      return Number((await client.getPartitionStatistics({ ...where, partition_name })).data['row_count'])
    }),
  )
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    200,
  )
  assert.ok(counts.filter((count) => count > 0).length >= 6, String(counts))
  assert.deepEqual(await keysOf(client, 'tenants', 'tenant == "t7"'), [7, 57, 107, 157])
  assert.equal((await keysOf(client, 'tenants', 'tenant in ["t7", "t8"]')).length, 8)
  const hits = await client.search({ ...where, data: [0, 0], limit: 3, filter: 'tenant == "t7"' })
  assert.deepEqual(
    hits.results.map((hit) => hit.id),
    ['7', '57', '107'],
  )
  succeeded(await client.upsert({ ...where, data: [{ id: 7, tenant: 't8', v: [7, 0] }] }))
  assert.deepEqual(await keysOf(client, 'tenants', 'tenant == "t7"'), [57, 107, 157])
  succeeded(await client.delete({ ...where, filter: 'tenant == "t7" and id < 150' }))
  assert.deepEqual(await keysOf(client, 'tenants', 'tenant == "t7"'), [157])
  await server.restart()
  assert.deepEqual(await keysOf(server.client, 'tenants', 'tenant == "t8"'), [7, 8, 58, 108, 158])
})

test('partitions cannot be named, made, dropped, loaded or released', async () => {
  const { client } = server
  const where = { collection_name: 'named' }
  await loadedCollection(client, 'named', [tenant])
  assert.equal((await client.showPartitions(where)).partition_names.length, 16)
  const named = /not support manually specifying the partition names if partition key mode is used/
  const data = [{ id: 1, tenant: 'a', v: [0, 0] }]
  const partition_name = '_default_0'
  failed(await client.insert({ ...where, data, partition_name }), named)
  failed(await client.upsert({ ...where, data, partition_name }), named)
  failed(await client.delete({ ...where, filter: 'id == 1', partition_name }), named)
  failed(await client.query({ ...where, filter: 'id == 1', partition_names: [partition_name] }), named)
  failed(await client.search({ ...where, data: [0, 0], partition_names: [partition_name] }), named)
  failed(
    await client.createPartition({ ...where, partition_name: 'p' }),
    /disable create partition if partition key mode/,
  )
  failed(await client.dropPartition({ ...where, partition_name }), /disable drop partition if partition key mode/)
  failed(await client.loadPartitions({ ...where, partition_names: [partition_name] }), /disable load partitions/)
  failed(await client.releasePartitions({ ...where, partition_names: [partition_name] }), /disable release partitions/)
})

test('what cannot be a partition key is refused by name', async () => {
  const key = { fieldName: 'tenant', dataType: 'Int64', isPartitionKey: true }
  const cases: [object[], object, RegExp][] = [
    [[{ ...key, dataType: 'Bool' }], {}, /the data type of partition key should be Int64 or VarChar/],
    [[{ ...key, nullable: true }], {}, /partition key field not support nullable: tenant/],
    [[key, { ...key, fieldName: 'other' }], {}, /there are more than one partition key/],
    [[key], { partitionsNum: 2000 }, /partition number \(2000\) exceeds max configuration \(1024\)/],
    [[], { partitionsNum: 4 }, /num_partitions should only be specified with partition key field enabled/],
  ]
  for (const [more, params, expected] of cases) {
    const vector = { fieldName: 'v', dataType: 'FloatVector', elementTypeParams: { dim: 2 } }
    const fields = [{ fieldName: 'id', dataType: 'Int64', isPrimary: true }, ...more, vector]
    const reply = await server.post('collections/create', { collectionName: 'odd', schema: { fields }, params })
    assert.equal(reply.code, 1100)
    assert.match(reply.message ?? '', expected)
  }
})
