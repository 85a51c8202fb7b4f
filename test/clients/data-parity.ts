/** The same rows and questions put to two servers by the Node SDK; what a newer Milvus answers otherwise is listed. */
import assert from 'node:assert/strict'
import { DataType, type MilvusClient } from '@zilliz/milvus2-sdk-node'

const COUNT = 300
const DIM = 16
const SCORE_TOLERANCE = 1e-4
export const METRICS = ['L2', 'IP', 'COSINE'] as const

/** Numbers in [-1, 1) that look random and are the same in every run (mulberry32). */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1
  }
}
const next = random(5)
const vector = () => Array.from({ length: DIM }, next)
const rows = Array.from({ length: COUNT }, (_, i) => ({
  id: i,
  vec: vector(),
  n: i % 10,
  d: i / 7,
  s: `s${i % 7}`,
  ok: i % 3 === 0,
  j: { a: i, b: `x${i % 3}`, c: [i % 4, 9] },
  extra: i % 4,
}))
const queries = [vector(), vector(), vector()]

/** Creates and fills one collection for each metric. */
export async function fill(client: MilvusClient): Promise<void> {
  await Promise.all(
    METRICS.map(async (metric) => {
      const where = { collection_name: `parity_${metric}` }
      const fields = [
        { name: 'id', data_type: DataType.Int64, is_primary_key: true },
        { name: 'vec', data_type: DataType.FloatVector, dim: DIM },
        { name: 'n', data_type: DataType.Int32 },
        { name: 'd', data_type: DataType.Double },
        { name: 's', data_type: DataType.VarChar, max_length: 32 },
        { name: 'ok', data_type: DataType.Bool },
        { name: 'j', data_type: DataType.JSON },
      ]
      success(await client.createCollection({ ...where, fields, enable_dynamic_field: true }))
      success(await client.createIndex({ ...where, field_name: 'vec', index_type: 'FLAT', metric_type: metric }))
      const inserted = await client.insert({ ...where, data: rows })
      assert.equal(inserted.insert_cnt, String(COUNT))
      success(await client.loadCollectionSync(where))
      const removed = await client.delete({ ...where, filter: 'id in [7, 8, 9]' })
      assert.equal(removed.delete_cnt, '3')
    }),
  )
}

function success(status: { error_code: unknown; reason: string }): void {
  assert.equal(status.error_code, 'Success', status.reason)
}

const filters = [
  'n < 3 and s == "s1"',
  'extra == 2 and id < 50',
  'j["a"] > 190',
  's like "s3%" and n in [1, 2, 3]',
  'not (n > 1) && id > 150',
  '1 < id <= 5 or d > 41.5',
  'j["b"] == "x1" and id < 30',
  'n + 1 == 3',
  'n % 4 == 1 and id < 40',
  'ok == true and id < 60',
  'n not in [0, 1, 2, 3, 4, 5, 6, 7, 8]',
  'json_contains(j["c"], 2) and id < 100',
  'id in []',
  'nope > 3',
]

/** Ids with their scores, per query. */
export async function searchIn(client: MilvusClient, metric: string, filter: string): Promise<readonly Hit[][]> {
  const { results, status } = await client.search({
    collection_name: `parity_${metric}`,
    data: queries,
    limit: 10,
    filter,
    output_fields: ['id'],
    consistency_level: 'Strong' as never,
  })
  success(status)
  return results as unknown as Hit[][]
}

interface Hit {
  readonly id: string
  readonly score: number
}

export async function sameSearches(real: MilvusClient, ours: MilvusClient): Promise<void> {
  for (const metric of METRICS) {
    for (const filter of ['', ...filters.slice(0, 4)]) {
      const [expected, actual] = await Promise.all([real, ours].map((client) => searchIn(client, metric, filter)))
      assert.ok(expected && actual)
      const what = `${metric} with ${filter || 'no filter'}`
      assert.deepEqual(
        actual.map((hits) => hits.map((hit) => hit.id)),
        expected.map((hits) => hits.map((hit) => hit.id)),
        what,
      )
      const scores = expected.flat().map((hit) => hit.score)
      actual.flat().forEach((hit, at) => {
        const score = scores[at] ?? Number.NaN
        assert.ok(Math.abs(hit.score - score) <= SCORE_TOLERANCE, `${what}: ${hit.score} is not ${score}`)
      })
      if (filter === '') assert.equal(scores.length, 30, what)
    }
  }
}

export async function sameQueries(real: MilvusClient, ours: MilvusClient): Promise<void> {
  const fields = ['id', 'vec', 'n', 'd', 's', 'ok', 'j']
  let seen = 0
  for (const filter of filters) {
    const [expected, actual] = await Promise.all(
      [real, ours].map((client) =>
        client.query({
          collection_name: 'parity_L2',
          filter,
          output_fields: fields,
          consistency_level: 'Strong' as never,
        }),
      ),
    )
    assert.ok(expected && actual)
    success(expected.status)
    success(actual.status)
    assert.deepEqual(actual.data, expected.data, filter)
    seen += actual.data.length
  }
  assert.ok(seen > 100, `${seen} rows compared`)
  const counts = await Promise.all([real, ours].map((client) => client.count({ collection_name: 'parity_IP' })))
  assert.deepEqual(
    counts.map((count) => count.data),
    [COUNT - 3, COUNT - 3],
  )
}

/** A partition is released on its own, and dropped while the rest stays loaded. */
export async function samePartitions(client: MilvusClient): Promise<void> {
  const collection = { collection_name: 'parity_COSINE' }
  const side = { ...collection, partition_name: 'side' }
  success(await client.createPartition(side))
  await client.insert({ ...side, data: [{ ...rows[0], id: 1000 }] })
  success(await client.loadPartitions({ ...collection, partition_names: ['side'] }))
  const search = { ...collection, data: rows[0]?.vec ?? [], limit: 2, consistency_level: 'Strong' as never }
  const ids = async () => {
    const { results, status } = await client.search({ ...search, output_fields: ['id'] })
    success(status)
    return results.map((hit) => hit.id)
  }
  assert.deepEqual((await ids()).sort(), ['0', '1000'])
  success(await client.releasePartitions({ ...collection, partition_names: ['side'] }))
  assert.deepEqual((await ids()).includes('1000'), false)
  const { status } = await client.search({ ...search, partition_names: ['side'] })
  assert.match(status.reason, /partition not loaded/)
  assert.equal((await client.getLoadState(collection)).state, 'LoadStateLoaded')
  assert.equal((await client.getLoadState({ ...side, partition_names: ['side'] })).state, 'LoadStateNotLoad')
  success(await client.dropPartition(side))
  assert.equal((await client.count(collection)).data, COUNT - 3)
}

type Refusal = (client: MilvusClient) => Promise<{ status: { code?: number | undefined; reason: string } }>
const where = { collection_name: 'parity_L2' }
const vec = queries[0] ?? []

/** Both refuse; the texts are those of two versions, and what they have in common must be in both. */
export const refusals: readonly (readonly [what: string, ask: Refusal, text: RegExp])[] = [
  [
    'unknown collection',
    (c) => c.describeCollection({ collection_name: 'no' }),
    /can't find collection.*collection=no/,
  ],
  [
    'query of one',
    (c) => c.query({ collection_name: 'no', filter: 'id > 0' }),
    /collection not found\[database=default\]\[collection=no\]/,
  ],
  ['topk', (c) => c.search({ ...where, data: vec, limit: 16_385 }), /topk \[16385\] is invalid/],
  [
    'offset',
    (c) => c.search({ ...where, data: vec, limit: 16_384, offset: 1 }),
    /should be in range \[1, 16384\], but got 16385/,
  ],
  [
    'metric',
    (c) => c.search({ ...where, data: vec, limit: 1, metric_type: 'IP' }),
    /metric type not match: invalid parameter\[expected=L2\]\[actual=IP\]/,
  ],
  ['dim', (c) => c.search({ ...where, data: [1, 2], limit: 1 }), /vector dimension mismatch/],
  [
    'partition',
    (c) => c.search({ ...where, data: vec, limit: 1, partition_names: ['p'] }),
    /partition name p not found/,
  ],
  ['syntax', (c) => c.query({ ...where, filter: 'id ==' }), /cannot parse expression: id ==.*line 1:5/],
  [
    'no predicate',
    (c) => c.query({ ...where, filter: 'n' }),
    /predicate is not a boolean expression: n, data type: Int32/,
  ],
  [
    'types',
    (c) => c.query({ ...where, filter: 's > 3' }),
    /comparisons between VarChar.* and Int64.* are not supported/,
  ],
  ['no limit', (c) => c.query({ ...where, filter: '' }), /empty expression should be used with limit/],
  ['no index', (c) => c.describeIndex({ ...where, index_name: 'no' }), /index not found\[indexName=no\]/],
]
