/**
 * Hybrid search, grouping and search by keys over the wire of a running server, against a model that computes every
 * distance. Vectors are small whole numbers: scores are exact, and ties are many.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { RedkiteError } from '../../src/errors/error.ts'
import type { SearchReply, SearchRequest } from '../../src/model/calls.ts'
import { columnsFromJson } from '../../src/model/json-rows.ts'
import type { CollectionSchema } from '../../src/model/schema.ts'
import type { HybridSearchRequest } from '../../src/model/search-calls.ts'
import type { RestCaller } from '../../src/ops/op.ts'
import { bareField } from '../../src/ops/rest/field.ts'
import { grpcClient, type TestClient } from '../support/grpc-client.ts'
import { opCaller } from '../support/op-caller.ts'
import { type Served, startRedkite } from '../support/server.ts'
import { fusedBy, groupedBy, groupsOfFused, type Hit, nearest, type Row } from './search-model.ts'

const where = { db: 'default', collection: 'kinds' }
const DIM = 4
const COUNT = 240
const vector = (name: string) => ({ ...bareField(name, 'FloatVector'), dim: DIM, typeParams: { dim: String(DIM) } })
const schema: CollectionSchema = {
  ...{ name: where.collection, description: '', autoId: false, enableDynamicField: false },
  fields: [
    { ...bareField('id', 'Int64'), isPrimary: true },
    { ...bareField('color', 'VarChar'), maxLength: 20, typeParams: { max_length: '20' }, nullable: true },
    bareField('shelf', 'Int32'),
    bareField('sold', 'Bool'),
    bareField('price', 'Double'),
    vector('a'),
    vector('b'),
  ],
}
const METRICS = { a: 'L2', b: 'IP' } as const
/** Small whole numbers, the same in every run. */
let seed = 7
const next = (below: number) => {
  seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
  return (seed >> 8) % below
}
const vectorOf = () => Array.from({ length: DIM }, () => next(7) - 3)
const rows: readonly Row[] = Array.from({ length: COUNT }, (_, id) => ({
  ...{ id, color: next(9) === 0 ? null : `c${next(12)}`, shelf: next(30), sold: next(2) === 1 },
  ...{ price: next(100) / 4, a: vectorOf(), b: vectorOf() },
}))

let served: Served
let client: TestClient
let call: RestCaller
before(async () => {
  served = await startRedkite({ args: ['--set', 'log.level=debug'] })
  client = grpcClient(`127.0.0.1:${served.port}`)
  call = opCaller(client)
  const create = { schema, shards: 1, consistency: 'Strong' as const, properties: {}, partitionCount: 0 }
  await call('CreateCollection', { ...where, ...create })
  await call('CreatePartition', { ...where, partition: 'empty' })
  const sent = {
    rowCount: COUNT,
    columns: columnsFromJson(
      schema,
      rows.map((row) => ({ ...row })),
    ).columns,
  }
  await call('Insert', { ...where, partition: '', rows: sent })
  for (const [field, metric] of Object.entries(METRICS)) {
    await call('CreateIndex', { ...where, field, name: field, params: { index_type: 'FLAT', metric_type: metric } })
  }
  await call('LoadCollection', { ...where, refresh: false })
})
after(async () => {
  client[Symbol.dispose]()
  await served[Symbol.asyncDispose]()
})

function searchOf(field: 'a' | 'b', queries: readonly number[][], more: Partial<SearchRequest> = {}): SearchRequest {
  return {
    ...{ ...where, partitions: [], field, filter: '', templates: {}, outputFields: [], metric: '', params: {} },
    ...{ vectors: Float32Array.from(queries.flat()), nq: queries.length, vectorBytes: DIM * 4, ids: null },
    ...{ grouping: null, topk: 10, offset: 0, roundDecimal: -1, iterator: null, consistency: null, guaranteeTs: 0n },
    ...more,
  }
}

function hybridOf(requests: readonly SearchRequest[], more: Partial<HybridSearchRequest> = {}): HybridSearchRequest {
  return {
    ...{ ...where, partitions: [], requests, ranker: { kind: 'rrf', k: 60 }, grouping: null, topk: 10, offset: 0 },
    ...{ roundDecimal: -1, outputFields: [], consistency: null, guaranteeTs: 0n },
    ...more,
  }
}

/** The hits of each query. */
function hitsOf({ counts, ids, scores }: SearchReply): Hit[][] {
  let at = 0
  return Array.from(counts, (count) => {
    at += count
    return Array.from({ length: count }, (_, i) => ({
      id: Number(ids.values[at - count + i]),
      score: scores[at - count + i] ?? Number.NaN,
    }))
  })
}

const anyVector = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: DIM, maxLength: DIM })
const anyFilter = fc.constantFrom('', 'shelf < 15', 'sold == true', 'color in ["c1", "c2", "c3"]', 'price > 1000')
const passes: Readonly<Record<string, (row: Row) => boolean>> = {
  '': () => true,
  'shelf < 15': ({ shelf }) => shelf < 15,
  'sold == true': ({ sold }) => sold,
  'color in ["c1", "c2", "c3"]': ({ color }) => color !== null && ['c1', 'c2', 'c3'].includes(color),
  'price > 1000': ({ price }) => price > 1000,
}
const anyRanker = (count: number): fc.Arbitrary<HybridSearchRequest['ranker']> =>
  fc.oneof(
    fc.record({ kind: fc.constant('rrf' as const), k: fc.integer({ min: 1, max: 100 }) }),
    fc.record({
      kind: fc.constant('weighted' as const),
      weights: fc.array(fc.constantFrom(0, 0.25, 0.5, 1), { minLength: count, maxLength: count }),
      normalised: fc.boolean(),
    }),
  )
const anyGrouping = fc.option(
  fc.record({
    field: fc.constantFrom('color' as const, 'shelf' as const, 'sold' as const),
    size: fc.integer({ min: 1, max: 4 }),
    strict: fc.boolean(),
  }),
)
const sub = fc.record({
  field: fc.constantFrom('a' as const, 'b' as const),
  filter: anyFilter,
  topk: fc.integer({ min: 1, max: 60 }),
})

describe('hybrid search', () => {
  it('ranks as the model does', async () => {
    const anything = fc.integer({ min: 1, max: 3 }).chain((count) =>
      fc.record({
        subs: fc.array(sub, { minLength: count, maxLength: count }),
        queries: fc
          .integer({ min: 1, max: 2 })
          .chain((nq) =>
            fc.array(fc.array(anyVector, { minLength: nq, maxLength: nq }), { minLength: count, maxLength: count }),
          ),
        ranker: anyRanker(count),
        topk: fc.integer({ min: 1, max: 20 }),
        offset: fc.nat(5),
        grouping: anyGrouping,
        scorer: fc.constantFrom('max' as const, 'sum' as const, 'avg' as const),
      }),
    )
    await fc.assert(
      fc.asyncProperty(anything, async ({ subs, queries, ranker, topk, offset, grouping, scorer }) => {
        const requests = subs.map(({ field, ...more }, i) => searchOf(field, queries[i] ?? [], more))
        const asked = grouping === null ? null : { ...grouping, strict: true, scorer }
        const reply = await call('HybridSearch', hybridOf(requests, { ranker, topk, offset, grouping: asked }))
        const expected = (queries[0] ?? []).map((_, query) => {
          const lists = subs.map(({ field, filter, topk: limit }, i) => {
            const near = nearest(
              rows.filter((row) => passes[filter]?.(row)),
              field,
              METRICS[field],
              queries[i]?.[query] ?? [],
            )
            const hits =
              grouping === null
                ? near.slice(0, limit)
                : groupedBy(near, (id) => groupOf(id, grouping.field), grouping.size)
                    .slice(0, limit)
                    .flat()
            return { metric: METRICS[field], hits }
          })
          const fused = fusedBy(ranker, lists)
          if (grouping === null) return fused.slice(offset, offset + topk)
          const isDistance =
            ranker.kind === 'weighted' && !ranker.normalised && subs.every(({ field }) => field === 'a')
          const groups = groupsOfFused(fused, (id) => groupOf(id, grouping.field), grouping.size, scorer, isDistance)
          return groups.slice(offset, offset + topk).flat()
        })
        const got = hitsOf(reply)
        assert.deepEqual(got.map(idsOnly), expected.map(idsOnly))
        got.flat().forEach(({ score }, i) => {
          assert.ok(Math.abs(score - (expected.flat()[i]?.score ?? Number.NaN)) < 1e-5)
        })
      }),
      { numRuns: 150 },
    )
  })

  it('gives output fields, rounds at last, and knows the limits of what it is asked', async () => {
    const one = searchOf('a', [[0, 0, 0, 0]])
    const reply = await call(
      'HybridSearch',
      hybridOf([one, { ...one, field: 'b' }], { outputFields: ['shelf', 'a'], roundDecimal: 3 }),
    )
    assert.deepEqual(
      reply.columns.map(({ field }) => field),
      ['shelf', 'a'],
    )
    for (const score of reply.scores) assert.ok(Math.abs(score * 1000 - Math.round(score * 1000)) < 1e-3)
    const refused: [Partial<HybridSearchRequest>, RegExp][] = [
      [{ requests: [] }, /minimum of ann search requests is 1/],
      [{ topk: 0 }, /topk \[0\] is invalid/],
      [{ topk: 16_000, offset: 1_000 }, /\(offset\+limit\) should be in range/],
      [
        {
          requests: [
            one,
            searchOf('a', [
              [0, 0, 0, 0],
              [1, 1, 1, 1],
            ]),
          ],
        },
        /nq should be the same/,
      ],
      [
        { ranker: { kind: 'weighted', weights: [0.2, 0.4, 0.8], normalised: true } },
        /^the length of weights param mismatch with ann search requests: invalid parameter\[expected=2\]\[actual=3\]$/,
      ],
      [{ requests: [{ ...one, field: 'x' }] }, /fieldName\(x\) not found/],
      [
        { requests: [{ ...one, metric: 'COSINE' }] },
        /metric type not match: invalid parameter\[expected=L2\]\[actual=COSINE\]/,
      ],
    ]
    for (const [more, text] of refused) {
      await assert.rejects(call('HybridSearch', hybridOf([one, one], more)), (error) => isRefusal(error, text))
    }
  })
})

describe('a grouped search', () => {
  it('has the groups of the true order', async () => {
    const anything = fc.record({
      ...{ field: fc.constantFrom('a' as const, 'b' as const), query: anyVector, filter: anyFilter },
      ...{ grouping: anyGrouping, topk: fc.integer({ min: 1, max: 40 }), offset: fc.nat(6) },
    })
    await fc.assert(
      fc.asyncProperty(anything, async ({ field, query, filter, grouping, topk, offset }) => {
        const reply = await call('Search', searchOf(field, [query], { filter, grouping, topk, offset }))
        const near = nearest(
          rows.filter((row) => passes[filter]?.(row)),
          field,
          METRICS[field],
          query,
        )
        if (grouping === null) {
          assert.deepEqual(hitsOf(reply)[0], near.slice(offset, offset + topk))
          return
        }
        const groups = groupedBy(near, (id) => groupOf(id, grouping.field), grouping.size)
        const expected = groups.slice(offset, offset + topk)
        const hits = hitsOf(reply)[0] ?? []
        if (grouping.strict) assert.deepEqual(hits, expected.flat())
        // what is found beside the best hit of a group is a beginning of the group
        const found = expected.map((group) => hits.filter(({ id }) => group.some((hit) => hit.id === id)))
        assert.deepEqual(found.flat(), hits)
        found.forEach((part, i) => {
          assert.deepEqual(part, expected[i]?.slice(0, part.length))
          assert.ok(part.length > 0)
        })
        assert.equal(reply.groupValues?.field, grouping.field)
      }),
      { numRuns: 200 },
    )
  })

  it('is refused with Milvus’ texts', async () => {
    const grouping = { field: 'color', size: 1, strict: false }
    const refused: [Partial<SearchRequest>, RegExp][] = [
      [{ grouping: { ...grouping, field: 'price' } }, /unsupported data type DOUBLE for group by operator/],
      [{ grouping: { ...grouping, field: 'x' } }, /groupBy field not found in schema: field not found\[field=x\]/],
      [{ grouping: { ...grouping, size: 11 } }, /input group size:11 exceeds configured max group size:10/],
      [{ grouping: { ...grouping, size: 0 } }, /input group size:0 is negative, failed to do search_groupby/],
      [{ grouping, params: { radius: 1 } }, /Not allowed to do range-search when doing search-group-by/],
      [{ grouping, params: { search_iter_v2: true } }, /Not allowed to do groupBy when doing iteration/],
    ]
    for (const [more, text] of refused) {
      await assert.rejects(call('Search', searchOf('a', [[0, 0, 0, 0]], more)), (error) => isRefusal(error, text))
    }
  })
})

describe('the log at debug level', () => {
  it('says which plan a search took, and why', async () => {
    await call('Search', searchOf('a', [[0, 0, 0, 0]]))
    await served.logged(/Search plan.*unfiltered.*neither filter nor partitions/)
    await call('Search', searchOf('a', [[0, 0, 0, 0]], { filter: 'price > 1000' }))
    await served.logged(/Search plan.*nothing.*no row passes/)
    await call('Search', searchOf('a', [[0, 0, 0, 0]], { filter: 'shelf < 15', params: { ef: 40 } }))
    const count = rows.filter(({ shelf }) => shelf < 15).length
    const facts = String.raw`\[rows=${COUNT}\] \[ef=40\] \[passing=${count}\] \[selectivity=0\.`
    await served.logged(new RegExp(`Search plan.*only.*at most 1000 rows pass.*${facts}`))
    assert.ok(!served.log().includes('shelf < 15'), 'a filter holds data of its user')
  })
})

describe('a search by primary keys', () => {
  const byIds = (ids: readonly bigint[], more: Partial<SearchRequest> = {}) =>
    searchOf('a', [], {
      ids: { kind: 'long', values: BigInt64Array.from(ids) },
      nq: ids.length,
      vectorBytes: 0,
      ...more,
    })

  it('finds what their vectors find, in their order, as often as they come', async () => {
    const ids = [5n, 3n, 5n]
    const reply = await call('Search', byIds(ids, { filter: 'sold == true' }))
    const expected = ids.map((id) =>
      nearest(
        rows.filter(({ sold }) => sold),
        'a',
        'L2',
        rows.find((row) => row.id === Number(id))?.a ?? [],
      ).slice(0, 10),
    )
    assert.deepEqual(hitsOf(reply), expected)
  })

  it('takes vectors of every type', async () => {
    const other = { db: 'default', collection: 'packed' }
    const fields = [{ ...bareField('id', 'Int64'), isPrimary: true }]
    const half = { ...bareField('v', 'Int8Vector'), dim: DIM, typeParams: { dim: String(DIM) } }
    const packed: CollectionSchema = { ...schema, name: other.collection, fields: [...fields, half] }
    const create = { shards: 1, consistency: 'Strong' as const, properties: {}, partitionCount: 0 }
    await call('CreateCollection', { ...other, schema: packed, ...create })
    const sent = columnsFromJson(
      packed,
      rows.slice(0, 50).map(({ id, a }) => ({ id, v: a })),
    )
    await call('Insert', { ...other, partition: '', rows: { rowCount: 50, columns: sent.columns } })
    const params = { index_type: 'FLAT', metric_type: 'L2' }
    await call('CreateIndex', { ...other, field: 'v', name: 'v', params })
    await call('LoadCollection', { ...other, refresh: false })
    const reply = await call('Search', { ...byIds([7n, 9n]), ...other, field: 'v' })
    const expected = [7, 9].map((id) => nearest(rows.slice(0, 50), 'a', 'L2', rows[id]?.a ?? []).slice(0, 10))
    assert.deepEqual(hitsOf(reply), expected)
  })

  it('names the keys that are not there', async () => {
    const missing =
      /^some of the provided primary key IDs do not exist: missing IDs = \[1000, 7777\]: invalid parameter$/
    await assert.rejects(call('Search', byIds([1n, 1000n, 7777n, 1000n])), (error) => isRefusal(error, missing))
    const elsewhere = /missing IDs = \[1\]/
    await assert.rejects(call('Search', byIds([1n], { partitions: ['empty'] })), (e) => isRefusal(e, elsewhere))
    const strings = { kind: 'string' as const, values: ['1'] }
    await assert.rejects(call('Search', byIds([1n], { ids: strings })), (e) => isRefusal(e, /type Int64/))
  })
})

function groupOf(id: number, field: 'color' | 'shelf' | 'sold') {
  return rows.find((row) => row.id === id)?.[field] ?? null
}

const idsOnly = (hits: readonly Hit[]) => hits.map(({ id }) => id)

function isRefusal(error: unknown, text: RegExp): boolean {
  assert.ok(error instanceof RedkiteError)
  assert.match(error.message, text)
  return true
}
