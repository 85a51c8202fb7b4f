import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { denseMetrics } from '../model/schema.ts'
import type { VectorEngine } from './engine.ts'
import { exactSearch } from './exact.ts'
import {
  compare,
  insert,
  openIndex,
  passFilter,
  plainSearch,
  random,
  remove,
  testEngine,
  testFields,
  vectorsOf,
} from './test-kit.ts'
import { MemorySource } from './test-source.ts'

let engine: VectorEngine
let root: string

before(() => {
  root = mkdtempSync(join(tmpdir(), 'redkite-engine-'))
  engine = testEngine()
})
after(async () => {
  await engine[Symbol.asyncDispose]()
  rmSync(root, { recursive: true, force: true })
})

test('sealed and growing rows together answer as the reference does, with filters, ranges and deletes', async () => {
  let run = 0
  const property = fc.asyncProperty(
    fc.record({
      seed: fc.integer({ min: 1, max: 1e9 }),
      dim: fc.constantFrom(1, 3, 8, 17, 64),
      metric: fc.constantFrom(...denseMetrics),
      sealed: fc.integer({ min: 1, max: 1_500 }),
      growing: fc.integer({ min: 0, max: 600 }),
      k: fc.constantFrom(1, 10, 50),
      exact: fc.boolean(),
    }),
    async ({ seed, dim, metric, sealed, growing, k, exact }) => {
      const next = random(seed)
      const source = new MemorySource(dim, testFields)
      await using index = await openIndex(engine, source, metric, join(root, `random-${run++}`))
      insert(source, index, sealed, next)
      await index.seal()
      assert.equal(index.state().growingRows, 0)
      assert.equal(index.state().sealedRows, sealed)
      insert(source, index, growing, next)
      remove(
        source,
        index,
        source.rows.map((row) => row.rid).filter(() => next() < 0.15),
      )
      const search = { ...plainSearch(vectorsOf(3, dim, next), 3, k), exact }
      const even = (rid: number) => rid % 2 === 0
      const rows = source.rows
      const label = (rid: number) => rows[rid - 1]?.scalars[2] === 3
      const tagged = (rid: number) => rows[rid - 1]?.scalars[1] === 'tag4' || rid <= 20
      const behind = index.state().sealedUpTo + 1
      const some = Float64Array.from(rows.map((row) => row.rid).filter(() => next() < 0.05))
      const set = new Set(some)
      const recalls = [
        await compare(source, metric, index, search),
        await compare(source, metric, index, { ...search, filter: passFilter(source, even, null) }, even),
        await compare(source, metric, index, { ...search, filter: passFilter(source, label, 'f102 = 3') }, label),
        await compare(
          source,
          metric,
          index,
          { ...search, filter: passFilter(source, label, 'f102 = 3', behind) },
          label,
        ),
        await compare(
          ...([source, metric, index] as const),
          { ...search, filter: passFilter(source, tagged, 'f101 = "tag4" or pk <= 20', behind) },
          tagged,
        ),
        await compare(source, metric, index, { ...search, filter: { kind: 'only', rids: some } }, (rid) =>
          set.has(rid),
        ),
        await compare(source, metric, index, { ...search, radius: metric === 'L2' ? 1 : 0.2 }),
        await compare(source, metric, index, { ...search, rangeFilter: metric === 'L2' ? 0.5 : 0.1 }),
      ]
      for (const recall of recalls) assert.ok(recall >= (exact ? 1 : 0.95), `recall ${recalls}`)
    },
  )
  await fc.assert(property, { numRuns: 12 })
})

test('rows deleted at any moment while a segment is built are hidden in it', async () => {
  const next = random(7)
  const source = new MemorySource(8, testFields)
  await using index = await openIndex(engine, source, 'L2', join(root, 'meanwhile'))
  insert(source, index, 3_000, next)
  let reads = 0
  source.onRead = () => {
    reads++
    if (reads === 2) remove(source, index, [5, 2_900])
  }
  source.onDead = () => {
    if (!source.deleted.has(77)) remove(source, index, [77])
  }
  await index.seal()
  source.onRead = () => {}
  assert.ok(reads >= 2, 'the build reads in chunks')
  assert.equal(index.state().sealedRows, 2_997)
  for (const rid of [5, 77, 2_900]) {
    const query = source.rows[rid - 1]?.vector ?? new Float32Array(8)
    const hits = await index.search(plainSearch(query, 1, 5))
    assert.ok(!hits.rids.includes(rid))
    assert.equal(hits.counts[0], 5)
  }
  assert.equal(await compare(source, 'L2', index, { ...plainSearch(vectorsOf(5, 8, next), 5, 10), exact: true }), 1)
})

test('a search running while rows are removed is short of none', async () => {
  const next = random(11)
  const source = new MemorySource(16, testFields)
  await using index = await openIndex(engine, source, 'COSINE', join(root, 'race'))
  insert(source, index, 4_000, next)
  await index.seal()
  insert(source, index, 3_000, next)
  const query = vectorsOf(1, 16, next)
  for (let round = 0; round < 20; round++) {
    const running = index.search(plainSearch(query, 1, 20))
    const best = await index.search({ ...plainSearch(query, 1, 5), exact: true })
    remove(source, index, [...best.rids])
    const hits = await running
    assert.equal(hits.counts[0], 20)
  }
  assert.ok((await compare(source, 'COSINE', index, plainSearch(query, 1, 20))) >= 0.95)
})

test('a graph is searched with filters and ranges, and a hole around the query is widened over', async () => {
  const next = random(3)
  const source = new MemorySource(20, testFields)
  await using index = await openIndex(engine, source, 'L2', join(root, 'hole'))
  insert(source, index, 30_000, next)
  await index.seal()
  const queries = plainSearch(vectorsOf(20, 20, next), 20, 10)
  const third = (rid: number) => source.rows[rid - 1]?.scalars[2] === 3
  const recalls = [
    await compare(source, 'L2', index, queries),
    await compare(source, 'L2', index, { ...queries, radius: 2.5 }),
    await compare(source, 'L2', index, { ...queries, filter: passFilter(source, third, null) }, third),
    await compare(source, 'L2', index, { ...queries, filter: passFilter(source, third, 'f102 = 3', 30_001) }, third),
  ]
  assert.ok(
    recalls.every((recall) => recall >= 0.97),
    `recall ${recalls}`,
  )
  const query = new Float32Array(20)
  const live = source.live()
  const vectors = Float32Array.from(live.flatMap((row) => [...row.vector]))
  const near = exactSearch('L2', { rids: Float64Array.from(live, (row) => row.rid), vectors }, query, 17_000).rids
  const hidden = new Set(near)
  const accept = (rid: number) => !hidden.has(rid)
  const search = { ...plainSearch(query, 1, 10), filter: passFilter(source, accept, null) }
  assert.equal(await compare(source, 'L2', index, search, accept), 1, 'read from the row store in the end')
  remove(source, index, [...near.subarray(0, 5_000)])
  assert.equal(await compare(source, 'L2', index, plainSearch(query, 1, 10)), 1)
})

test('growing rows are sealed in the background above the bound, small segments merged, dead ones dropped', async () => {
  const next = random(5)
  const source = new MemorySource(8, testFields)
  await using index = await openIndex(engine, source, 'IP', join(root, 'background'), 500)
  insert(source, index, 1, next)
  insert(source, index, 2_100, next)
  await until(() => index.state().sealedRows === 2_101)
  insert(source, index, 2_200, next)
  await until(() => index.state().sealedRows === 4_301)
  assert.equal(index.state().growingRows, 0)
  assert.equal(index.state().sealedUpTo, 4_301)
  const dead = source.rows.map((row) => row.rid).filter((rid) => rid % 3 === 0)
  remove(source, index, dead)
  await until(() => !index.state().building && index.state().sealedRows === 4_301 - dead.length)
  await index.compact()
  assert.equal(await compare(source, 'IP', index, { ...plainSearch(vectorsOf(5, 8, next), 5, 10), exact: true }), 1)
})

test('an int64 that the native library cannot hold exactly makes its field not pushable', async () => {
  const next = random(9)
  const source = new MemorySource(4, testFields)
  await using index = await openIndex(engine, source, 'L2', join(root, 'wide'))
  insert(source, index, 200, next)
  await index.seal()
  assert.deepEqual([...index.pushableFields()].sort(), ['f101', 'f102', 'pk'])
  const vector = vectorsOf(1, 4, next)
  index.append(source.insert(vector, [[2n ** 53n + 1n, 'x', 1]]), 1, vector)
  await index.seal()
  assert.deepEqual([...index.pushableFields()].sort(), ['f101', 'f102'])
})

test('without a native library everything is searched exactly and nothing is sealed', async () => {
  await using plain = testEngine('off')
  assert.equal(plain.nativeAvailable, false)
  assert.equal(plain.name, 'exact')
  const next = random(13)
  const source = new MemorySource(32, testFields)
  insert(source, null, 5_000, next)
  await using index = await openIndex(plain, source, 'COSINE', join(root, 'plain'), 100)
  insert(source, index, 1_000, next)
  remove(source, index, [1, 2, 3, 5_500])
  await index.seal()
  await index.compact()
  assert.deepEqual([index.state().sealedRows, index.state().growingRows], [0, 5_996])
  assert.equal(await compare(source, 'COSINE', index, plainSearch(vectorsOf(70, 32, next), 70, 10)), 1)
})

/** Polls: the background has no other way to be waited for. */
async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 30_000
  while (!condition()) {
    assert.ok(performance.now() < end, 'waited 30 s')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
