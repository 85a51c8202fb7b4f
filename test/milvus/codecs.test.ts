/**
 * The client side of the ops before servers that are not stubs: a real Milvus 2.3.5 and our own. Raw gRPC calls send
 * what `encodeRequest` makes, `decodeReply` reads the answers; then the REST routes run over the same calls. One
 * scenario for both, and what they show must be the same.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { RedkiteError } from '../../src/errors/error.ts'
import { type RequestOf, Secret } from '../../src/model/calls.ts'
import { columnsFromJson } from '../../src/model/json-rows.ts'
import type { CollectionSchema } from '../../src/model/schema.ts'
import type { RestCaller } from '../../src/ops/op.ts'
import { bareField } from '../../src/ops/rest/field.ts'
import { toRows } from '../../src/ops/rest/rows.ts'
import { restScenario } from '../clients/rest-over-codecs.ts'
import { eventually } from '../support/eventually.ts'
import { grpcClient, type TestClient } from '../support/grpc-client.ts'
import { opCaller } from '../support/op-caller.ts'
import { realMilvusTool, startRealMilvus } from '../support/real-milvus.ts'
import { startRedkite } from '../support/server.ts'

const where = { db: 'default', collection: 'codecs' }
const BIG = 9007199254740993n
const schema: CollectionSchema = {
  ...{ name: where.collection, description: 'é', autoId: false, enableDynamicField: true },
  fields: [
    { ...bareField('id', 'Int64'), isPrimary: true },
    { ...bareField('name', 'VarChar'), maxLength: 50, typeParams: { max_length: '50' } },
    ...(['Bool', 'Int8', 'Int16', 'Int32', 'Float', 'Double', 'JSON'] as const).map((type) => bareField(type, type)),
    { ...bareField('v', 'FloatVector'), dim: 4, typeParams: { dim: '4' } },
  ],
}
const rows = [0, 1, 2, 3].map((k) => ({
  ...{ id: BIG + BigInt(k), name: `é${k}`, Bool: k % 2 === 0, Int8: k - 128, Int16: 5 - k, Int32: k * 1e9 - 2e9 },
  ...{ Float: k / 2, Double: k / 3, JSON: { k, big: BIG }, v: [k, 0, 0, 1], color: `c${k}`, n: BIG },
}))
const query: RequestOf<'Query'> = {
  ...{ ...where, partitions: [], filter: 'id > 0', templates: {}, outputFields: ['*'], limit: 10, offset: 0 },
  ...{ consistency: 'Strong', guaranteeTs: 0n },
}
const search: RequestOf<'Search'> = {
  ...{
    ...where,
    partitions: [],
    field: 'v',
    filter: 'Int8 < 100',
    templates: {},
    outputFields: ['name', 'color', 'v'],
  },
  ...{
    vectors: Float32Array.of(0, 0, 0, 1, 3, 0, 0, 1),
    nq: 2,
    vectorBytes: 16,
    ids: null,
    grouping: null,
    topk: 2,
    offset: 0,
    metric: 'L2',
  },
  ...{ params: { ef: 10 }, roundDecimal: -1, iterator: null, consistency: 'Strong', guaranteeTs: 0n },
}

async function refusal(promise: Promise<unknown>): Promise<RedkiteError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof RedkiteError, String(error))
  return error
}

interface Server extends AsyncDisposable {
  readonly port: number
}
const servers: readonly { name: string; skip: string | false; start: () => Promise<Server> }[] = [
  { name: 'a real Milvus 2.3.5', skip: realMilvusTool.skip, start: () => startRealMilvus({ tlsMode: 0 }) },
  { name: 'our own server', skip: false, start: () => startRedkite() },
]

for (const { name, skip, start } of servers) {
  describe(`ops as clients of ${name}`, { skip }, () => {
    let server: Server
    let client: TestClient
    let call: RestCaller
    before(async () => {
      server = await start()
      client = grpcClient(`127.0.0.1:${server.port}`)
      call = opCaller(client)
    })
    after(async () => {
      client[Symbol.dispose]()
      await server[Symbol.asyncDispose]()
    })

    it('probe it', async () => {
      assert.match((await call('GetVersion', {})).version, /^v2\.\d+\.\d+/)
      assert.deepEqual(await call('CheckHealth', {}), { healthy: true, reasons: [] })
      assert.deepEqual(await call('GetComponentStates', {}), { healthy: true })
      assert.ok((await call('AllocTimestamp', {})).ts > 1n << 58n)
      const client = { sdkType: 'test', sdkVersion: '1', user: '', host: 'h', localTime: '' }
      assert.ok((await call('Connect', { db: 'default', client })).identifier > 0n)
    })

    it('see what is not there, by the codes that it has', async () => {
      assert.deepEqual(await call('HasCollection', where), { value: false })
      assert.deepEqual(await call('GetLoadState', { ...where, partitions: [] }), { state: 'NotExist' })
      const missing = await refusal(call('DescribeCollection', { ...where, collectionId: 0n }))
      assert.deepEqual([missing.kind, missing.row.code], ['collectionNotFound', 100])
      assert.match(missing.message, /can't find collection.*\[database=default\]\[collection=codecs\]/)
    })

    it('create, insert, flush and index', async () => {
      const options = { shards: 1, consistency: 'Strong' as const, properties: {}, partitionCount: 0 }
      await call('CreateCollection', { ...where, schema, ...options })
      const noIndex = await refusal(call('DescribeIndex', { ...where, name: '', field: '' }))
      assert.deepEqual([noIndex.kind, noIndex.row.code], ['indexNotFound', 700])
      const info = await call('DescribeCollection', { ...where, collectionId: 0n })
      assert.deepEqual([info.consistency, info.shards, info.partitionCount], ['Strong', 1, 1])
      assert.deepEqual({ ...info.schema, fields: info.schema.fields.map((f) => ({ ...f, id: 0 })) }, schema)
      const written = {
        ...where,
        partition: '',
        rows: columnsFromJson(schema, rows),
      }
      const { ids, count } = await call('Insert', written)
      assert.deepEqual([[...ids.values], count], [rows.map((row) => row.id), 4])
      const { segments, flushTs } = await call('Flush', { db: 'default', collections: [where.collection] })
      const flushed = { ...where, segmentIds: segments['codecs'] ?? [], flushTs: flushTs['codecs'] ?? 0n }
      assert.ok(flushed.flushTs > 0n)
      await eventually(async () => (await call('GetFlushState', flushed)).flushed, 15_000)
      const params = { index_type: 'HNSW', metric_type: 'L2', M: '8', efConstruction: '64' }
      await call('CreateIndex', { ...where, field: 'v', name: 'vi', params })
      await eventually(
        async () => (await call('GetIndexState', { ...where, name: 'vi', field: '' })).state === 'Finished',
      )
      const [index] = (await call('DescribeIndex', { ...where, name: '', field: '' })).indexes
      assert.deepEqual([index?.name, index?.field, index?.params], ['vi', 'v', params])
      assert.equal((await call('GetIndexStatistics', { ...where, name: 'vi' })).indexes.length, 1)
      assert.ok((await call('GetIndexBuildProgress', { ...where, name: 'vi', field: 'v' })).totalRows >= 0n)
      assert.deepEqual(await call('GetCollectionStatistics', where), { rowCount: 4n })
    })

    it('load, list', async () => {
      await call('LoadCollection', { ...where, refresh: false })
      const progress = async () => (await call('GetLoadingProgress', { ...where, partitions: [] })).progress
      await eventually(async () => (await progress()) === 100, 15_000)
      assert.deepEqual(await call('GetLoadState', { ...where, partitions: [] }), { state: 'Loaded' })
      const loaded = await call('ShowCollections', { db: 'default', loadedOnly: true, names: [] })
      assert.deepEqual(
        loaded.collections.map((c) => [c.name, c.loaded]),
        [['codecs', true]],
      )
      const { partitions } = await call('ShowPartitions', { ...where, partitions: [] })
      assert.deepEqual(
        partitions.map((p) => p.name),
        ['_default'],
      )
    })

    it('query: all columns, some dynamic keys, a count, nothing, nonsense', async () => {
      const shown = async (request: RequestOf<'Query'>) => {
        const reply = await call('Query', request)
        return toRows(reply.columns, reply.rowCount, true).sort((a, b) => (Number(a['id']) < Number(b['id']) ? -1 : 1))
      }
      const all = await shown(query)
      const expected = rows.map((row) => ({ ...row, JSON: `{"k":${row.JSON.k},"big":${BIG}}` }))
      assert.deepEqual(all, expected)
      // a Milvus before 2.4 sends `$meta` whole
      const some = await shown({ ...query, filter: 'Int8 < -126', outputFields: ['id', 'name', 'color'] })
      assert.deepEqual(
        some,
        rows.slice(0, 2).map(({ id, name, color }) => ({ id, name, color })),
      )
      assert.deepEqual(await shown({ ...query, outputFields: ['count(*)'], limit: null }), [{ 'count(*)': 4n }])
      assert.deepEqual(await shown({ ...query, filter: 'id < 0' }), [])
      const window = await call('Query', { ...query, limit: 2, offset: 1 })
      assert.equal(window.rowCount, 2)
      assert.match(
        (await refusal(call('Query', { ...query, filter: 'id <' }))).message,
        /cannot parse expression: id </,
      )
    })

    it('search: two queries, columns, no hits, another level', async () => {
      const reply = await call('Search', search)
      assert.deepEqual([[...reply.counts], [...reply.scores], reply.topk], [[2, 2], [0, 1, 0, 1], 2])
      assert.deepEqual([...reply.ids.values], [BIG, BIG + 1n, BIG + 3n, BIG + 2n])
      const shown = [0, 1, 3, 2].map((k) => ({ name: `é${k}`, color: `c${k}`, v: [k, 0, 0, 1] }))
      assert.deepEqual(toRows(reply.columns, 4, true), shown)
      const none = await call('Search', { ...search, filter: 'Int8 > 100' })
      assert.deepEqual([[...none.counts], none.ids.values.length], [[0, 0], 0])
      const nearest = { ...search, nq: 1, vectors: Float32Array.of(3, 0, 0, 1), topk: 1, outputFields: [] }
      const bare = await call('Search', { ...nearest, filter: '', metric: '', consistency: null, offset: 1 })
      assert.deepEqual([...bare.ids.values], [BIG + 2n])
      assert.deepEqual([...(await call('Search', { ...nearest, params: { ef: 9, radius: 0.5 } })).scores], [0])
    })

    it('partitions, aliases, users, databases', async () => {
      const part = { ...where, partition: 'p' }
      await call('CreatePartition', part)
      assert.deepEqual(await call('HasPartition', part), { value: true })
      assert.deepEqual(await call('GetPartitionStatistics', { ...where, partition: '_default' }), { rowCount: 4n })
      const missing = await refusal(call('GetPartitionStatistics', { ...where, partition: 'nope' }))
      assert.equal(missing.row.code, 200)
      await call('CreateAlias', { ...where, alias: 'other' })
      await call('AlterAlias', { ...where, alias: 'other' })
      const described = await call('DescribeAlias', { db: 'default', alias: 'other' })
      assert.deepEqual(described, { db: 'default', alias: 'other', collection: 'codecs' })
      assert.deepEqual(await call('ListAliases', where), { aliases: ['other'] })
      await call('DropAlias', { db: 'default', alias: 'other' })
      await call('AlterCollection', { ...where, set: { 'collection.ttl.seconds': '3600' }, remove: [] })
      const user = { user: 'ops', password: new Secret('Passw0rd!') }
      await call('CreateCredential', user)
      const twice = await refusal(call('CreateCredential', user))
      assert.match(twice.message, /user already exists: ops/)
      const newPassword = new Secret('Passw0rd!2')
      await call('UpdateCredential', { user: 'ops', oldPassword: user.password, newPassword })
      assert.deepEqual([...(await call('ListCredUsers', {})).users].sort(), ['ops', 'root'])
      await call('DeleteCredential', { user: 'ops' })
      await call('CreateDatabase', { db: 'more', properties: {} })
      const { databases } = await call('ListDatabases', {})
      assert.deepEqual(
        databases.map((db) => db.name),
        ['default', 'more'],
      )
      await call('DropDatabase', { db: 'more' })
    })

    it('delete, release, rename and drop', async () => {
      const filter = `id in [${BIG}, ${BIG + 1n}]`
      assert.equal((await call('Delete', { ...where, partition: '', filter, templates: {} })).count, 2)
      const left = await call('Query', { ...query, outputFields: ['count(*)'], limit: null })
      assert.deepEqual(toRows(left.columns, left.rowCount, true), [{ 'count(*)': 2n }])
      const rewritten = columnsFromJson(schema, rows.slice(0, 1))
      const { ids, count } = await call('Upsert', { ...where, partition: '_default', rows: rewritten })
      assert.deepEqual([[...ids.values], count], [[BIG], 1])
      await call('ReleaseCollection', where)
      await call('LoadPartitions', { ...where, partitions: ['p'] })
      await call('ReleasePartitions', { ...where, partitions: ['p'] })
      await call('DropPartition', { ...where, partition: 'p' })
      await call('ReleaseCollection', where)
      await call('RenameCollection', { ...where, newName: 'renamed', newDb: 'default' })
      const renamed = { db: 'default', collection: 'renamed' }
      await call('DropIndex', { ...renamed, name: 'vi', field: '' })
      await call('DropCollection', renamed)
      const { collections } = await call('ShowCollections', { db: 'default', loadedOnly: false, names: [] })
      assert.deepEqual(collections, [])
    })

    it('serve REST', () => restScenario(call))
  })
}
