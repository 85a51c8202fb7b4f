import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CollectionInfo } from '../model/calls.ts'
import { ops } from './registry.ts'
import { sdkDecode, sdkEncode } from './sdk-messages.test-support.ts'

const pair = (key: string, value: string) => ({ key, value })
const books = {
  name: 'books',
  description: 'read',
  enable_dynamic_field: true,
  fields: [
    { name: 'id', data_type: 5, is_primary_key: true, autoID: true },
    { name: 'title', data_type: 21, nullable: true, type_params: [pair('max_length', '100')] },
    { name: 'pages', data_type: 4, default_value: { int_data: 7 } },
    { name: 'vec', data_type: 101, type_params: [pair('dim', '8'), pair('mmap.enabled', 'true')] },
  ],
}

function decode(schema: object, message: object = {}) {
  const bytes = sdkEncode('milvus.CreateCollectionRequest', {
    collection_name: 'books',
    schema: sdkEncode('schema.CollectionSchema', schema),
    ...message,
  })
  return ops.CreateCollection.decode(bytes, { db: '' })
}

describe('CreateCollection', () => {
  it('reads the schema inside the request', () => {
    const request = decode(books, { consistency_level: 0, properties: [pair('collection.ttl.seconds', '60')] })
    const { schema } = request
    assert.deepEqual(
      [request.shards, request.consistency, request.partitionCount, request.properties],
      [1, 'Strong', 0, { 'collection.ttl.seconds': '60' }],
    )
    assert.deepEqual([schema.name, schema.autoId, schema.enableDynamicField], ['books', true, true])
    const [id, title, pages, vec] = schema.fields
    assert.deepEqual([id?.type, id?.isPrimary, id?.autoId], ['Int64', true, true])
    assert.deepEqual([title?.type, title?.maxLength, title?.nullable], ['VarChar', 100, true])
    assert.deepEqual([pages?.type, pages?.defaultValue], ['Int32', 7])
    assert.deepEqual([vec?.type, vec?.dim, vec?.typeParams], ['FloatVector', 8, { dim: '8', 'mmap.enabled': 'true' }])
  })

  it('takes autoID from the schema as from the field', () => {
    const { schema } = decode({ ...books, autoID: true, fields: [{ name: 'id', data_type: 5, is_primary_key: true }] })
    assert.equal(schema.fields[0]?.autoId, true)
  })

  it('refuses what is not served or cannot be', () => {
    const one = (field: object) => () => decode({ name: 'books', fields: [{ name: 'f', ...field }] })
    assert.throws(one({ data_type: 20 }), /string data type not supported yet, please use VarChar type instead/)
    assert.throws(one({ data_type: 99 }), /data type 99 of field f/)
    assert.throws(one({ data_type: 101, type_params: [pair('dim', 'many')] }), /dim of field f must be an integer/)
    const functions = [{ name: 'bm25', type: 1 }]
    assert.throws(() => decode({ ...books, functions }), { kind: 'unimplemented', message: /function bm25/ })
    const broken = { collection_name: 'books', schema: Buffer.from([0x0a, 200]) }
    assert.throws(() => ops.CreateCollection.decode(sdkEncode('milvus.CreateCollectionRequest', broken), { db: '' }), {
      kind: 'invalidParameter',
      message: /cannot decode CollectionSchema/,
    })
  })
})

describe('DescribeCollection', () => {
  const info: CollectionInfo = {
    db: 'default',
    dbId: 1n,
    id: 450000000000000001n,
    schema: decode(books).schema,
    aliases: ['b'],
    consistency: 'Bounded',
    shards: 1,
    partitionCount: 2,
    properties: { 'collection.ttl.seconds': '60' },
    createdAt: 1_700_000_000_000n << 18n,
    updatedAt: 1_700_000_000_001n << 18n,
  }

  it('gives the schema back as it came, and what the SDKs read beside it', () => {
    const reply = sdkDecode('milvus.DescribeCollectionResponse', ops.DescribeCollection.encode(info))
    const schema = reply['schema'] as { fields: Record<string, unknown>[] } & Record<string, unknown>
    assert.deepEqual(
      schema.fields.map((f) => [f['name'], f['data_type'], f['is_primary_key'], f['autoID'], f['nullable']]),
      [
        ['id', 'Int64', true, true, false],
        ['title', 'VarChar', false, false, true],
        ['pages', 'Int32', false, false, false],
        ['vec', 'FloatVector', false, false, false],
      ],
    )
    assert.deepEqual(schema.fields[3]?.['type_params'], [pair('dim', '8'), pair('mmap.enabled', 'true')])
    assert.deepEqual(schema.fields[2]?.['default_value'], { int_data: 7, data: 'int_data' })
    assert.equal(schema['enable_dynamic_field'], true)
    assert.equal(reply['collectionID'], '450000000000000001')
    assert.equal(reply['collection_name'], 'books')
    assert.equal(reply['consistency_level'], 'Bounded')
    assert.equal(reply['created_utc_timestamp'], '1700000000000')
    assert.equal(reply['num_partitions'], '2')
    assert.equal(reply['shards_num'], 1)
    assert.deepEqual(reply['aliases'], ['b'])
    assert.deepEqual(reply['properties'], [pair('collection.ttl.seconds', '60')])
    assert.equal((reply['virtual_channel_names'] as string[]).length, 1)
  })

  it('never shows the hidden dynamic field', () => {
    const hidden = { ...info.schema.fields[1], name: '$meta', isDynamic: true } as (typeof info.schema.fields)[number]
    const schema = { ...info.schema, fields: [...info.schema.fields, hidden] }
    const reply = sdkDecode('milvus.DescribeCollectionResponse', ops.DescribeCollection.encode({ ...info, schema }))
    assert.equal((reply['schema'] as { fields: unknown[] }).fields.length, 4)
  })

  it('asks by id where no name is given', () => {
    const bytes = sdkEncode('milvus.DescribeCollectionRequest', { collectionID: '5' })
    assert.deepEqual(ops.DescribeCollection.decode(bytes, { db: 'x' }), { db: 'x', collection: '', collectionId: 5n })
  })
})

describe('CreateIndex', () => {
  const decodeIndex = (extra_params: object[]) =>
    ops.CreateIndex.decode(
      sdkEncode('milvus.CreateIndexRequest', { collection_name: 'c', field_name: 'v', extra_params }),
      { db: '' },
    ).params

  it('opens the JSON of params into the flat ones', () => {
    const params = decodeIndex([pair('index_type', 'HNSW'), pair('metric_type', 'L2'), pair('params', '{"M":16}')])
    assert.deepEqual(params, { index_type: 'HNSW', metric_type: 'L2', M: '16' })
  })

  it('refuses a key said twice, and params that are no object', () => {
    assert.throws(
      () => decodeIndex([pair('M', '8'), pair('params', '{"M":16}')]),
      /duplicated index param \(key=M\) \(value=16\) found/,
    )
    assert.throws(() => decodeIndex([pair('params', '16')]), /params is not a JSON object: 16/)
  })
})

describe('the other calls', () => {
  it('Flush answers per collection, as both SDKs read it', () => {
    const bytes = ops.Flush.encode({ segments: { c: [1n, 2n] }, sealTimes: { c: 3n }, flushTs: { c: 4n } })
    const reply = sdkDecode('milvus.FlushResponse', bytes)
    assert.deepEqual(reply['coll_segIDs'], { c: { data: ['1', '2'] } })
    assert.deepEqual(reply['coll_seal_times'], { c: '3' })
    assert.deepEqual(reply['coll_flush_ts'], { c: '4' })
  })

  it('ShowCollections and ShowPartitions say what is loaded', () => {
    const one = { name: 'c', id: 1n, createdAt: 5n << 18n }
    const shown = ops.ShowCollections.encode({
      collections: [
        { ...one, loaded: true },
        { ...one, loaded: false },
      ],
    })
    const reply = sdkDecode('milvus.ShowCollectionsResponse', shown)
    assert.deepEqual(reply['inMemory_percentages'], ['100', '0'])
    assert.deepEqual(reply['created_utc_timestamps'], ['5', '5'])
    const asked = sdkEncode('milvus.ShowCollectionsRequest', { type: 1 })
    assert.equal(ops.ShowCollections.decode(asked, { db: '' }).loadedOnly, true)
  })

  it('GetLoadState and GetIndexState use the numbers of the protocol', () => {
    const load = sdkDecode('milvus.GetLoadStateResponse', ops.GetLoadState.encode({ state: 'NotLoad' }))
    assert.equal(load['state'], 'LoadStateNotLoad')
    const index = sdkDecode(
      'milvus.GetIndexStateResponse',
      ops.GetIndexState.encode({ state: 'Finished', failReason: '' }),
    )
    assert.equal(index['state'], 'Finished')
  })

  it('an insert reports every row, an upsert its own count too', () => {
    const ids = { kind: 'string' as const, values: ['a', 'b'] }
    const reply = sdkDecode('milvus.MutationResult', ops.Upsert.encode({ ids, count: 2, ts: 9n }))
    assert.deepEqual((reply['IDs'] as { str_id: unknown }).str_id, { data: ['a', 'b'] })
    assert.deepEqual(reply['succ_index'], [0, 1])
    assert.deepEqual([reply['insert_cnt'], reply['upsert_cnt'], reply['timestamp']], ['2', '2', '9'])
  })

  it('Connect shows a version and an identifier', () => {
    const reply = sdkDecode('milvus.ConnectResponse', ops.Connect.encode({ identifier: 7n }))
    assert.equal(reply['identifier'], '7')
    assert.match((reply['server_info'] as { build_tags: string }).build_tags, /^v\d+\.\d+\.\d+$/)
  })

  it('passwords come out of their base64, and never into a text', () => {
    const password = Buffer.from('Sésame:1').toString('base64')
    const request = sdkEncode('milvus.CreateCredentialRequest', { username: 'ann', password })
    const { user, password: secret } = ops.CreateCredential.decode(request, { db: '' })
    assert.deepEqual([user, secret.reveal(), String(secret)], ['ann', 'Sésame:1', '***'])
    const plain = sdkEncode('milvus.CreateCredentialRequest', { username: 'ann', password: 'in the clear!' })
    assert.throws(
      () => ops.CreateCredential.decode(plain, { db: '' }),
      (error: Error) => /decode password fail/.test(error.message) && !error.message.includes('clear'),
    )
  })

  it('a property is set or deleted, never both', () => {
    const both = { collection_name: 'c', properties: [pair('a', '1')], delete_keys: ['b'] }
    const bytes = sdkEncode('milvus.AlterCollectionRequest', both)
    assert.throws(() => ops.AlterCollection.decode(bytes, { db: '' }), /cannot provide both/)
  })
})
