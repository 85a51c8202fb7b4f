import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fault } from '../../errors/error.ts'
import type { Column } from '../../model/columns.ts'
import { columnsFromJson } from '../../model/json-rows.ts'
import { bareField } from './field.ts'
import { shortFloat } from './rows.ts'
import { refusal, requestAt, run } from './run-route.test-support.ts'

const HUGE = 9223372036854775807n
const columns: Column[] = [
  { field: 'id', dynamic: false, valid: null, data: { kind: 'long', values: BigInt64Array.of(HUGE, 2n) } },
  { field: 'score', dynamic: false, valid: null, data: { kind: 'float', values: Float32Array.of(0.1, 2) } },
  { field: 'tag', dynamic: false, valid: Uint8Array.of(0, 1), data: { kind: 'string', values: ['', 'x'] } },
  { field: 'doc', dynamic: false, valid: null, data: { kind: 'json', values: ['{"a":1}', '[]'] } },
  {
    field: '$meta',
    dynamic: true,
    valid: null,
    data: { kind: 'json', values: ['{"color":"red","big":9223372036854775807}', '{}'] },
  },
  {
    field: 'vec',
    dynamic: false,
    valid: null,
    data: { kind: 'floatVector', dim: 2, values: Float32Array.of(0.1, 0.25, 1, 2) },
  },
]
const queried = { collection: 'c', primaryField: 'id', rowCount: 2, columns, outputFields: ['*'], sessionTs: 1n }

describe('REST rows', () => {
  it('are encoded as Milvus does: JSON as text, dynamic keys flat, null, floats short', async () => {
    const { data, extra } = await run('entities/query', { collectionName: 'c', filter: 'id > 0' }, { Query: queried })
    assert.deepEqual(data, [
      { id: HUGE, score: 0.1, tag: null, doc: '{"a":1}', color: 'red', big: HUGE, vec: [0.1, 0.25] },
      { id: 2n, score: 2, tag: 'x', doc: '[]', vec: [1, 2] },
    ])
    assert.deepEqual(extra, { cost: 0 })
  })

  it('carry int64 as text where the client asked for it', async () => {
    const { data } = await run('entities/query', { collectionName: 'c' }, { Query: queried }, false)
    assert.deepEqual((data as { id: string }[])[0]?.id, String(HUGE))
  })

  it('of a search are flat, with distances, and topks to split them', async () => {
    const answers = {
      Search: {
        collection: 'c',
        primaryField: 'key',
        counts: Int32Array.of(1, 1),
        ids: { kind: 'string' as const, values: ['a', 'b'] },
        scores: Float32Array.of(0.1, 0.7),
        columns: columns.slice(1, 2),
        outputFields: ['score'],
        topk: 1,
        sessionTs: 1n,
        iterator: null,
        groupValues: null,
      },
    }
    const body = {
      collectionName: 'c',
      data: [
        [1, 2],
        [3, 4],
      ],
      annsField: 'vec',
      limit: 1,
      outputFields: ['score'],
      searchParams: { metricType: 'L2', params: { ef: 10 }, radius: 0.5 },
    }
    const { data, extra, calls } = await run('entities/search', body, answers)
    assert.deepEqual(data, [
      { distance: 0.1, key: 'a', score: 0.1 },
      { distance: 0.7, key: 'b', score: 2 },
    ])
    assert.deepEqual(extra, { cost: 0, topks: [1, 1] })
    const request = requestAt(calls, 1, 'Search')
    assert.deepEqual(
      [request.field, request.metric, request.topk, request.nq, request.vectorBytes, request.params],
      ['vec', 'L2', 1, 2, 8, { radius: 0.5, ef: 10 }],
    )
    assert.deepEqual([...request.vectors], [1, 2, 3, 4])
  })

  it('print a float32 as its shortest decimal', () => {
    for (const text of ['0.1', '3.14159', '1e-10', '123456.79', '-0.05', '16777216', '1.1754944e-38', '0.33333334']) {
      assert.equal(shortFloat(Math.fround(Number(text))), Number(text), text)
    }
    for (let i = 0; i < 2000; i++) {
      const value = Math.fround((Math.random() - 0.5) * 10 ** (i % 30) * 1e-15)
      assert.equal(Math.fround(shortFloat(value)), value)
    }
  })
})

describe('REST bodies', () => {
  it('name every missing field in Milvus’ words', async () => {
    const one = await refusal('collections/drop', {})
    assert.equal(one.row.code, 1802)
    assert.equal(
      one.message,
      "missing required parameters, error: Key: 'CollectionNameReq.CollectionName' " +
        "Error:Field validation for 'CollectionName' failed on the 'required' tag",
    )
    const two = await refusal('entities/delete', { filter: '' })
    assert.match(two.message, /'CollectionFilterReq\.CollectionName'.*\n.*'CollectionFilterReq\.Filter'/)
    assert.match((await refusal('entities/get', { collectionName: 'c' })).message, /'CollectionIDReq\.ID'/)
    assert.equal((await refusal('databases/create', { dbName: null })).row.code, 1802)
  })

  it('of the wrong type are 1801 and say which', async () => {
    const wrong = await refusal('collections/drop', { collectionName: 5 })
    assert.equal(wrong.row.code, 1801)
    assert.match(wrong.message, /collectionName must be a string, got a number/)
    const ragged = await refusal('entities/search', { collectionName: 'c', data: [[1, 2], [3]] })
    assert.match(ragged.message, /data\[1\] has 1 numbers where data\[0\] has 2/)
    assert.match((await refusal('entities/search', { collectionName: 'c', data: [['x']] })).message, /data\[0\]\[0\]/)
  })

  it('with bad rows are 1804', async () => {
    for (const data of [[1], [], ['row'], [[]]]) {
      assert.equal((await refusal('entities/insert', { collectionName: 'c', data })).row.code, 1804)
    }
  })

  it('ask for nothing that is not served', async () => {
    const ordered = await refusal('entities/search', { collectionName: 'c', data: [[1]], orderByFields: ['a'] })
    assert.equal(ordered.kind, 'unimplemented')
    const partial = await refusal('entities/upsert', { collectionName: 'c', data: [{}], partialUpdate: true })
    assert.equal(partial.kind, 'unimplemented')
  })
})

/** What DescribeCollection answers. */
const info = {
  db: 'default',
  dbId: 1n,
  id: 5n,
  schema: {
    name: 'c',
    description: '',
    autoId: false,
    enableDynamicField: false,
    fields: [
      { ...bareField('key', 'VarChar'), isPrimary: true, id: 100, maxLength: 9, typeParams: { max_length: '9' } },
    ],
  },
  aliases: [],
  consistency: 'Bounded' as const,
  shards: 1,
  partitionCount: 1,
  properties: {},
  createdAt: 1n,
  updatedAt: 1n,
}

describe('REST writes', () => {
  const reply = { ids: { kind: 'long' as const, values: BigInt64Array.of(HUGE) }, count: 1, ts: 1n }

  it('make columns of the rows by the schema that is described, of one object as of a list of one', async () => {
    const answers = { Insert: reply, Upsert: reply, DescribeCollection: info }
    const row = { key: 'a' }
    const { data, calls } = await run('entities/insert', { collectionName: 'c', data: row }, answers)
    assert.deepEqual(data, { insertCount: 1, insertIds: [HUGE] })
    assert.deepEqual(requestAt(calls, 0, 'DescribeCollection'), { db: 'default', collection: 'c', collectionId: 0n })
    const rows = columnsFromJson(info.schema, [row])
    assert.deepEqual(requestAt(calls, 1, 'Insert'), { db: 'default', collection: 'c', partition: '', rows })
    const upserted = await run('entities/upsert', { collectionName: 'c', data: [row] }, answers, false)
    assert.deepEqual(upserted.data, { upsertCount: 1, upsertIds: [String(HUGE)] })
    const wrong = await refusal('entities/insert', { collectionName: 'c', data: [{ key: 5 }] }, answers)
    assert.equal(wrong.row.code, 1804)
  })

  it('delete by filter with parameters', async () => {
    const body = { collectionName: 'c', filter: 'id in {ids}', exprParams: { ids: [1, HUGE], f: 0.5 } }
    const { data, calls } = await run('entities/delete', body, { Delete: { count: 2, ts: 1n } })
    assert.deepEqual(data, { deleteCount: 2 })
    assert.deepEqual(requestAt(calls, 0, 'Delete').templates, { ids: [1n, HUGE], f: 0.5 })
  })
})

describe('REST reads', () => {
  it('get rows by keys, quoted as the filter language wants', async () => {
    const answers = { DescribeCollection: info, Query: { ...queried, rowCount: 0, columns: [] } }
    const { calls } = await run('entities/get', { collectionName: 'c', id: ['a"b', 'c'] }, answers)
    assert.equal(requestAt(calls, 1, 'Query').filter, 'key in ["a\\"b","c"]')
    assert.equal((await refusal('entities/get', { collectionName: 'c', id: [1] }, answers)).row.code, 1806)
  })

  it('describe a collection whole, with load state and indexes', async () => {
    const answers = {
      DescribeCollection: info,
      GetLoadState: { state: 'Loaded' as const },
      DescribeIndex: fault('indexNotFound', { collection: 'c' }),
    }
    const { data, extra } = await run('collections/describe', { collectionName: 'c' }, answers)
    assert.deepEqual(extra, { message: '' })
    const told = data as Record<string, unknown>
    assert.equal(told['load'], 'LoadStateLoaded')
    assert.deepEqual(told['indexes'], [])
    assert.deepEqual(told['fields'], [
      {
        name: 'key',
        id: 100,
        type: 'VarChar',
        primaryKey: true,
        partitionKey: false,
        clusteringKey: false,
        autoId: false,
        nullable: false,
        description: '',
        params: [{ key: 'max_length', value: '9' }],
      },
    ])
  })

  it('a search names the key itself where the reply does not', async () => {
    const hit = {
      ids: { kind: 'string' as const, values: ['a'] },
      counts: Int32Array.of(1),
      scores: Float32Array.of(1),
    }
    const rest = {
      collection: 'c',
      primaryField: '',
      columns: [],
      outputFields: [],
      topk: 1,
      sessionTs: 1n,
      iterator: null,
      groupValues: null,
    }
    const answers = { Search: { ...hit, ...rest }, DescribeCollection: info }
    const { data, calls } = await run('entities/search', { collectionName: 'c', data: [[1]] }, answers)
    assert.deepEqual(data, [{ distance: 1, key: 'a' }])
    assert.equal(calls.length, 3)
  })

  it('the load state of a missing collection is code 100', async () => {
    const missing = await refusal(
      'collections/get_load_state',
      { collectionName: 'x' },
      { GetLoadState: { state: 'NotExist' } },
    )
    assert.deepEqual([missing.row.code, missing.message], [100, 'collection not found[database=default][collection=x]'])
  })
})
