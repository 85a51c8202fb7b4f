import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SearchRequest } from '../model/calls.ts'
import { ops } from './registry.ts'
import { sdkDecode, sdkEncode } from './sdk-messages.test-support.ts'

const FLOAT_VECTOR = 101

function group(vectors: readonly number[][], type = FLOAT_VECTOR): Uint8Array {
  const values = vectors.map((vector) => Buffer.from(Float32Array.from(vector).buffer))
  return sdkEncode('common.PlaceholderGroup', { placeholders: [{ tag: '$0', type, values }] })
}

const DEFAULTS = { anns_field: 'vec', topk: '5', metric_type: 'L2', params: '{"ef":64,"radius":0.5}' }

function decode(params: Record<string, string> = {}, message: object = {}): SearchRequest {
  const pairs = Object.entries({ ...DEFAULTS, ...params }).map(([key, value]) => ({ key, value }))
  const given = { collection_name: 'c', search_params: pairs, placeholder_group: group([[1, 2]]), ...message }
  return ops.Search.decode(sdkEncode('milvus.SearchRequest', given), { db: '' })
}

describe('a search request', () => {
  it('is read as the SDKs send it', () => {
    const request = decode(
      { offset: '2', round_decimal: '3', ignore_growing: 'False', nprobe: '16' },
      {
        placeholder_group: group([
          [1, 2],
          [3, 4],
        ]),
        nq: '2',
        dsl: 'a > {x}',
        partition_names: ['p'],
        output_fields: ['*'],
        guarantee_timestamp: '9223372036854775807',
        use_default_consistency: true,
        expr_template_values: {
          x: { int64_val: '9223372036854775807' },
          y: { array_val: { long_data: { data: ['1'] } } },
        },
      },
    )
    assert.deepEqual(request, {
      db: 'default',
      collection: 'c',
      field: 'vec',
      partitions: ['p'],
      filter: 'a > {x}',
      templates: { x: 9223372036854775807n, y: [1n] },
      vectors: Float32Array.of(1, 2, 3, 4),
      nq: 2,
      vectorBytes: 8,
      topk: 5,
      offset: 2,
      metric: 'L2',
      params: { ef: 64, radius: 0.5, nprobe: 16 },
      outputFields: ['*'],
      roundDecimal: 3,
      iterator: null,
      ids: null,
      grouping: null,
      consistency: null,
      guaranteeTs: 9223372036854775807n,
    })
  })

  it('names its level where the default is not asked for', () => {
    assert.equal(decode({}, { consistency_level: 2 }).consistency, 'Bounded')
    assert.throws(() => decode({}, { consistency_level: 9 }), /consistency level 9 is invalid/)
  })

  it('that cannot be read is refused with a text that names the parameter', () => {
    const cases: [Record<string, string>, object, RegExp][] = [
      [{ topk: '' }, {}, /^topk is required: invalid parameter$/],
      [{ topk: 'ten' }, {}, /topk \[ten\] is invalid/],
      [{ offset: '1.5' }, {}, /offset \[1\.5\] is invalid/],
      [{ round_decimal: '7' }, {}, /round_decimal \[7\] is invalid, should be -1 or an integer in range \[0, 6\]/],
      [{ ignore_growing: 'perhaps' }, {}, /parse ignore growing field failed/],
      [{ params: '{"ef":' }, {}, /search params is not a JSON object/],
      [{ params: '[1]' }, {}, /search params is not a JSON object: \[1\]/],
      [{}, { nq: '3' }, /nq \(3\) is not equal to the number of query vectors \(1\)/],
      [{}, { placeholder_group: group([[1, 2], [1]]) }, /vector 0 has 8 bytes, vector 1 has 4/],
      [{}, { placeholder_group: group([[1, 2], [1]], 102) }, /vector 0 has 8 bytes, vector 1 has 4/],
      [{}, { placeholder_group: Buffer.from([0x0a, 9, 1]) }, /cannot decode PlaceholderGroup/],
    ]
    for (const [params, message, text] of cases) {
      assert.throws(() => decode(params, message), { kind: 'invalidParameter', message: text })
    }
  })

  it('that asks for what is not served is refused, never answered without it', () => {
    for (const params of [
      { group_by_fields: 'a,b' },
      { group_by_field: 'a', json_path: '$.x' },
      { order_by_fields: 'a:asc' },
      { params: '{"order_by_fields":"a"}' },
    ]) {
      assert.throws(() => decode(params), { kind: 'unimplemented' })
    }
    assert.throws(() => decode({}, { search_by_primary_keys: true }), { message: /search_by_primary_keys/ })
  })
})

describe('a search reply', () => {
  it('lies behind one another as the SDKs take it apart', () => {
    const bytes = ops.Search.encode({
      collection: 'c',
      primaryField: 'id',
      counts: Int32Array.of(2, 0, 1),
      ids: { kind: 'long', values: BigInt64Array.of(9223372036854775807n, 2n, 3n) },
      scores: Float32Array.of(0.25, 0.5, 1),
      columns: [
        { field: 'title', dynamic: false, valid: null, data: { kind: 'string', values: ['a', 'b', 'c'] } },
        { field: '$meta', dynamic: true, valid: null, data: { kind: 'json', values: ['{"k":1}', '{}', '{}'] } },
      ],
      outputFields: ['title', 'k'],
      topk: 5,
      sessionTs: 7n,
      iterator: null,
      groupValues: null,
    })
    const reply = sdkDecode('milvus.SearchResults', bytes) as {
      results: Record<string, unknown> & { ids: { int_id: unknown } }
      session_ts: string
    }
    const { results } = reply
    assert.equal(results['num_queries'], '3')
    assert.equal(results['top_k'], '2')
    assert.deepEqual(results['topks'], ['2', '0', '1'])
    assert.deepEqual(results['scores'], [0.25, 0.5, 1])
    assert.deepEqual(results.ids.int_id, { data: ['9223372036854775807', '2', '3'] })
    assert.deepEqual(results['output_fields'], ['title', 'k'])
    assert.equal(results['primary_field_name'], 'id')
    assert.equal(reply.session_ts, '7')
  })

  it('without hits has a zero for each query', () => {
    const none = { kind: 'string' as const, values: [] }
    const bytes = ops.Search.encode({
      collection: 'c',
      primaryField: 'id',
      counts: new Int32Array(2),
      ids: none,
      scores: new Float32Array(0),
      columns: [],
      outputFields: [],
      topk: 5,
      sessionTs: 1n,
      iterator: null,
      groupValues: null,
    })
    const { results } = sdkDecode('milvus.SearchResults', bytes) as { results: Record<string, unknown> }
    assert.deepEqual([results['num_queries'], results['top_k'], results['topks']], ['2', '0', ['0', '0']])
  })
})

describe('a query request', () => {
  const decodeQuery = (pairs: Record<string, string>) =>
    ops.Query.decode(
      sdkEncode('milvus.QueryRequest', {
        collection_name: 'c',
        query_params: Object.entries(pairs).map(([key, value]) => ({ key, value })),
      }),
      { db: '' },
    )

  it('knows a limit from none, and counts an offset only with one', () => {
    assert.deepEqual([decodeQuery({}).limit, decodeQuery({ offset: '3' }).offset], [null, 0])
    const { limit, offset } = decodeQuery({ limit: '10', offset: '3', ignore_growing: 'False' })
    assert.deepEqual([limit, offset], [10, 3])
    assert.throws(() => decodeQuery({ limit: 'all' }), /limit \[all\] is invalid/)
  })
})
