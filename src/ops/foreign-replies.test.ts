import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RedkiteError } from '../errors/error.ts'
import type { ReplyOf } from '../model/calls.ts'
import type { Column } from '../model/columns.ts'
import { ops } from './registry.ts'
import { sdkEncode } from './sdk-messages.test-support.ts'

const MAX = '9223372036854775807'
const scalar = (field_name: string, type: number, data: object, more: object = {}): object => ({
  ...{ field_name, type, scalars: data },
  ...more,
})
const longs = (...data: (number | string)[]) => ({ long_data: { data } })
const json = (...texts: string[]) => ({ json_data: { data: texts.map((text) => Buffer.from(text)) } })
const vector = (field_name: string, dim: number, data: number[], more: object = {}) => ({
  ...{ field_name, type: 101, vectors: { dim, float_vector: { data } } },
  ...more,
})

/** What a Query that answers these fields is read as. */
function found(fields: object[], output_fields: string[] = [], packed = true): ReplyOf<'Query'> {
  const bytes = sdkEncode('milvus.QueryResults', { fields_data: fields, output_fields }, { packed })
  return ops.Query.decodeReply(bytes)
}
function hits(results: object): ReplyOf<'Search'> {
  return ops.Search.decodeReply(sdkEncode('milvus.SearchResults', { results, collection_name: 'c' }))
}
const values = ({ data }: Column): unknown[] => Array.from<unknown>(data.values)

function refusal(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    assert.ok(error instanceof RedkiteError, String(error))
    return `${error.kind} ${error.message}`
  }
  throw new Error('not refused')
}

describe('columns of another server', () => {
  it('may hold floats one by one', () => {
    const reply = found(
      [vector('v', 2, [1, 2.5, -3, 4]), scalar('f', 10, { float_data: { data: [0.5, 7] } })],
      [],
      false,
    )
    assert.equal(reply.rowCount, 2)
    assert.deepEqual(reply.columns.map(values), [
      [1, 2.5, -3, 4],
      [0.5, 7],
    ])
  })

  it('tell the number of rows whatever the first column is', () => {
    const rows = (field: object) => found([field]).rowCount
    assert.equal(rows(vector('v', 3, [1, 2, 3, 4, 5, 6])), 2)
    assert.equal(rows(scalar('f', 10, { float_data: { data: [1, 2, 3] } })), 3)
    assert.equal(rows(scalar('j', 23, json('{}'))), 1)
    assert.equal(rows(scalar('n', 5, longs(7), { valid_data: [false, true, false] })), 3)
    assert.equal(rows(scalar('n', 5, longs())), 0)
    assert.deepEqual([found([]).rowCount, found([]).columns], [0, []])
  })

  it('may have nulls: full length or compact, even a vector without any value', () => {
    const bits = { valid_data: [true, false] }
    const { columns } = found([
      scalar('full', 5, longs(MAX, 0), bits),
      scalar('compact', 21, { string_data: { data: ['é'] } }, bits),
      vector('v', 2, [1, 2], bits),
      { field_name: 'none', type: 101, valid_data: [false, false] },
    ])
    assert.deepEqual(columns.map(values), [[BigInt(MAX), 0n], ['é', ''], [1, 2, 0, 0], []])
    assert.deepEqual(
      columns.map(({ valid }) => [...(valid ?? [])]),
      [
        [1, 0],
        [1, 0],
        [1, 0],
        [0, 0],
      ],
    )
  })

  it('that cannot be given are refused by field and type, never left out', () => {
    const cases = [
      [
        { field_name: 'tags', type: 22, scalars: { array_data: { data: [{ timestamptz_data: { data: [1] } }] } } },
        /arrays of timestamptzData \(field tags\)/,
      ],
      [{ field_name: 'w', type: 106, vectors: { dim: 8, vector_array: {} } }, /vectorArray \(field w\)/],
      [scalar('t', 26, {}), /Timestamptz of field t/],
      [scalar('s', 21, { array_data: { data: [] } }), /arrayData \(field s\)/],
    ] as const
    for (const [field, text] of cases) {
      const why = refusal(() => found([field]))
      assert.match(why, /^unimplemented /)
      assert.match(why, text)
    }
  })

  it('that contradict one another are the upstream’s fault', () => {
    assert.match(
      refusal(() => found([scalar('a', 5, longs(1)), scalar('b', 5, longs(1, 2))])),
      /^serviceInternal .*field b has 2 values for 1 rows/,
    )
    assert.match(
      refusal(() => found([scalar('a', 99, longs(1))])),
      /^serviceInternal .*unknown data type 99 of field a/,
    )
    assert.match(
      refusal(() => found([vector('v', 2, [1, 2, 3])])),
      /^serviceInternal .*should divide the dim/,
    )
    assert.match(
      refusal(() => found([scalar('a', 5, longs(1)), { field_name: 'v', type: 101 }])),
      /field v has 0 values/,
    )
  })
})

describe('the dynamic column of another server', () => {
  const meta = (...texts: string[]) => scalar('$meta', 23, json(...texts), { is_dynamic: true })
  const id = scalar('id', 5, longs(1, 2))
  const shown = (outputFields: string[]) => {
    const { columns } = found([id, meta('{"a": 1, "big":9007199254740993, "c":1e2}', '{}')], outputFields)
    return columns.filter(({ dynamic }) => dynamic).flatMap(values)
  }

  it('keeps the keys that were asked for, digits and all', () => {
    assert.deepEqual(shown(['id', 'big']), ['{"big":9007199254740993}', '{}'])
    assert.deepEqual(shown(['$meta["a"]', 'id']), ['{"a":1}', '{}'])
  })

  it('that is no JSON is the upstream’s fault', () => {
    assert.match(
      refusal(() => found([scalar('id', 5, longs(1)), meta('{')], ['k'])),
      /^serviceInternal .*holds no JSON/,
    )
  })

  it('stays as it is where it was asked for whole', () => {
    const whole = ['{"a": 1, "big":9007199254740993, "c":1e2}', '{}']
    assert.deepEqual(shown(['id', '$meta']), whole)
    assert.deepEqual(shown(['$meta', 'a']), whole)
    assert.deepEqual(shown(['*']), whole)
    assert.deepEqual(shown([]), whole)
    assert.deepEqual(shown(['a', 'big', 'c']), whole)
  })
})

describe('hits of another server', () => {
  const ids = { int_id: { data: [MAX, 2] } }

  it('may not say the name of the key, the ids of nothing, or anything', () => {
    const reply = hits({ num_queries: 2, top_k: 1, topks: [1, 1], scores: [0.5, 1], ids })
    assert.deepEqual([reply.primaryField, [...reply.counts], [...reply.ids.values]], ['', [1, 1], [BigInt(MAX), 2n]])
    const nothing = hits({ num_queries: 3, topks: [0, 0, 0] })
    assert.deepEqual(
      [[...nothing.counts], nothing.ids, nothing.iterator],
      [[0, 0, 0], { kind: 'long', values: new BigInt64Array(0) }, null],
    )
    assert.deepEqual([...ops.Search.decodeReply(new Uint8Array(0)).counts], [])
  })

  it('are counted by top_k where topks is absent', () => {
    assert.deepEqual([...hits({ num_queries: 2, top_k: 1, scores: [0.5, 1], ids }).counts], [1, 1])
    assert.deepEqual([...hits({ num_queries: 2, top_k: 0 }).counts], [0, 0])
  })

  it('that do not add up are the upstream’s fault', () => {
    assert.match(
      refusal(() => hits({ topks: [2], scores: [1, 2] })),
      /^serviceInternal .*2 hits are counted, but there are 2 scores and 0 ids/,
    )
    assert.match(
      refusal(() => hits({ num_queries: 1, top_k: 3, scores: [1, 2], ids })),
      /3 hits are counted/,
    )
    const short = scalar('a', 5, longs(1))
    assert.match(
      refusal(() => hits({ topks: [2], scores: [1, 2], ids, fields_data: [short] })),
      /field a has 1 values for 2 rows/,
    )
  })
})

describe('other replies of another server', () => {
  it('leave out what older ones do not know', () => {
    const dbs = ops.ListDatabases.decodeReply(sdkEncode('milvus.ListDatabasesResponse', { db_names: ['default'] }))
    assert.deepEqual(dbs, { databases: [{ name: 'default', id: 0n, createdAt: 0n }] })
    const shown = sdkEncode('milvus.ShowCollectionsResponse', { collection_names: ['c'], inMemory_percentages: [100] })
    assert.deepEqual(ops.ShowCollections.decodeReply(shown).collections, [
      { name: 'c', id: 0n, createdAt: 0n, loaded: true },
    ])
  })

  it('describe a collection whole, without $meta; functions cannot be shown', () => {
    const fields = [
      { fieldID: 100, name: 'id', data_type: 5, is_primary_key: true, autoID: true },
      {
        fieldID: 101,
        name: 'tags',
        data_type: 22,
        element_type: 5,
        type_params: [{ key: 'max_capacity', value: '9' }],
      },
      { fieldID: 102, name: '$meta', data_type: 23, is_dynamic: true },
    ]
    const told = (schema: object) =>
      ops.DescribeCollection.decodeReply(
        sdkEncode('milvus.DescribeCollectionResponse', { schema, consistency_level: 2 }),
      )
    const { schema, db, consistency } = told({ name: 'c', fields })
    assert.deepEqual(
      schema.fields.map((f) => [f.name, f.type, f.elementType, f.maxCapacity]),
      [
        ['id', 'Int64', null, 0],
        ['tags', 'Array', 'Int64', 9],
      ],
    )
    assert.deepEqual([schema.autoId, db, consistency], [true, 'default', 'Bounded'])
    assert.match(
      refusal(() => told({ name: 'c', fields, functions: [{ name: 'bm25' }] })),
      /^unimplemented .*bm25/,
    )
    assert.match(
      refusal(() => ops.DescribeCollection.decodeReply(new Uint8Array(0))),
      /^serviceInternal .*no schema/,
    )
  })

  it('with states and counts that nobody knows are the upstream’s fault', () => {
    const state = (n: number) => ops.GetLoadState.decodeReply(sdkEncode('milvus.GetLoadStateResponse', { state: n }))
    assert.match(
      refusal(() => state(9)),
      /^serviceInternal .*load state 9/,
    )
    const index = (n: number) =>
      ops.GetIndexState.decodeReply(sdkEncode('milvus.GetIndexStateResponse', { state: n })).state
    assert.deepEqual([0, 1, 2, 3, 4, 5].map(index), [
      'Unissued',
      'Unissued',
      'InProgress',
      'Finished',
      'Failed',
      'InProgress',
    ])
    assert.match(
      refusal(() => index(77)),
      /index state 77/,
    )
    assert.match(
      refusal(() => ops.GetCollectionStatistics.decodeReply(new Uint8Array(0))),
      /row_count/,
    )
  })

  it('say how many rows they wrote', () => {
    const bytes = sdkEncode('milvus.MutationResult', { insert_cnt: 2, delete_cnt: 1, upsert_cnt: 3, timestamp: 7 })
    assert.equal(ops.Insert.decodeReply(bytes).count, 2)
    assert.equal(ops.Upsert.decodeReply(bytes).count, 3)
    assert.deepEqual(ops.Delete.decodeReply(bytes), { count: 1, ts: 7n })
  })
})
