import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { refusal, requestAt, run } from './run-route.test-support.ts'

describe('REST collections/create', () => {
  it('quick: creates, indexes and loads', async () => {
    const { calls } = await run('collections/create', { collectionName: 'c', dimension: 4, metricType: 'L2' })
    assert.deepEqual(
      calls.map((made) => made.rpc),
      ['CreateCollection', 'CreateIndex', 'LoadCollection'],
    )
    const { schema } = requestAt(calls, 0, 'CreateCollection')
    assert.equal(schema.enableDynamicField, true)
    assert.deepEqual(
      schema.fields.map((f) => [f.name, f.type, f.isPrimary, f.dim]),
      [
        ['id', 'Int64', true, 0],
        ['vector', 'FloatVector', false, 4],
      ],
    )
    const index = requestAt(calls, 1, 'CreateIndex')
    assert.deepEqual([index.field, index.params], ['vector', { index_type: 'AUTOINDEX', metric_type: 'L2' }])
  })

  it('quick: needs a dimension, a known id type, and a length for text ids', async () => {
    const message = async (body: object) =>
      (await refusal('collections/create', { collectionName: 'c', ...body })).message
    assert.match(await message({}), /dimension is required for quickly create collection/)
    assert.match(await message({ dimension: 4, idType: 'UUID' }), /idType can only be \[Int64, VarChar\]/)
    assert.match(await message({ dimension: 4, idType: 'VarChar' }), /max_length/)
  })

  it('full: takes the schema, and loads only what it indexes', async () => {
    const fields = [
      { fieldName: 'key', dataType: 'VarChar', isPrimary: true, elementTypeParams: { max_length: 64 } },
      { fieldName: 'vec', dataType: 'FloatVector', elementTypeParams: { dim: '8' } },
      { fieldName: 'n', dataType: 'Int64', nullable: true, defaultValue: 3 },
    ]
    const body = { collectionName: 'c', schema: { fields }, params: { consistencyLevel: 'Strong', ttlSeconds: 5 } }
    const bare = await run('collections/create', body)
    assert.deepEqual(
      bare.calls.map((made) => made.rpc),
      ['CreateCollection'],
    )
    const request = requestAt(bare.calls, 0, 'CreateCollection')
    assert.deepEqual([request.consistency, request.properties], ['Strong', { 'collection.ttl.seconds': '5' }])
    assert.deepEqual(
      request.schema.fields.map((f) => [f.maxLength, f.dim, f.nullable, f.defaultValue]),
      [
        [64, 0, false, null],
        [0, 8, false, null],
        [0, 0, true, 3],
      ],
    )
    const indexParams = [{ fieldName: 'vec', indexType: 'HNSW', metricType: 'L2', params: { M: 16 } }]
    const indexed = await run('collections/create', { ...body, indexParams })
    assert.deepEqual(
      indexed.calls.map((made) => made.rpc),
      ['CreateCollection', 'CreateIndex', 'LoadCollection'],
    )
    assert.deepEqual(requestAt(indexed.calls, 1, 'CreateIndex').params, {
      M: '16',
      index_type: 'HNSW',
      metric_type: 'L2',
    })
  })

  it('full: type names are case sensitive', async () => {
    const fields = [{ fieldName: 'a', dataType: 'int64' }]
    const wrong = await refusal('collections/create', { collectionName: 'c', schema: { fields } })
    assert.match(wrong.message, /data type int64 is invalid\(case sensitive\)/)
  })
})
