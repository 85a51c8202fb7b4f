import assert from 'node:assert/strict'
import { test } from 'node:test'
import { denseMetrics } from '../model/schema.ts'
import { exactSearch } from './exact.ts'
import { GrowingRows } from './growing.ts'
import { createScanPool } from './scan-pool.ts'
import { random, vectorsOf } from './test-kit.ts'

const DIM = 24
const ROWS = 6_000
const range = { radius: null, rangeFilter: null }

test('scans asked for at once are answered each for itself, in threads', async () => {
  await using pool = createScanPool(2)
  const next = random(21)
  const vectors = vectorsOf(ROWS, DIM, next)
  const growing = new GrowingRows(DIM)
  growing.append(1, ROWS, vectors)
  const rows = { rids: Float64Array.from({ length: ROWS }, (_, i) => i + 1), vectors }
  const asked = Array.from({ length: 40 }, (_, i) => {
    const nq = 1 + (i % 3)
    const metric = denseMetrics[i % 2 === 0 ? 0 : 2] ?? 'L2'
    const queries = vectorsOf(nq, DIM, next)
    // A radius that some queries have many rows within and some few: the counts of joined scans differ.
    const radius = metric === 'L2' ? 7.5 : 0.55
    return { metric, queries, nq, k: i % 5 === 0 ? 3 : 10, range: { radius, rangeFilter: null }, pass: null }
  })
  const answers = await Promise.all(asked.map((job) => pool.scan(growing.slices(), job)))
  asked.forEach((job, i) => {
    const hits = answers[i]
    assert.ok(hits)
    assert.equal(hits.counts.length, job.nq)
    let at = 0
    for (let q = 0; q < job.nq; q++) {
      const want = exactSearch(job.metric, rows, job.queries.subarray(q * DIM, (q + 1) * DIM), job.k, job.range)
      assert.deepEqual(hits.rids.slice(at, at + (hits.counts[q] ?? 0)), want.rids)
      at += want.rids.length
    }
    assert.equal(hits.rids.length, at)
  })
})

test('a scan sees the rows it was asked over: later ones are not in it, dropped ones still are', async () => {
  await using pool = createScanPool(1)
  const next = random(22)
  const growing = new GrowingRows(DIM)
  growing.append(1, ROWS, vectorsOf(ROWS, DIM, next))
  const job = { metric: 'L2', queries: vectorsOf(1, DIM, next), nq: 1, k: ROWS * 2, range, pass: null } as const
  const running = pool.scan(growing.slices(), job)
  growing.append(ROWS + 1, 100, vectorsOf(100, DIM, next))
  pool.drop(growing.dropRange(0, ROWS))
  assert.equal((await running).rids.length, ROWS)
  assert.equal((await pool.scan(growing.slices(), job)).rids.length, 100)
})

test('a closed pool refuses, and what waited is told', async () => {
  const pool = createScanPool(1)
  const growing = new GrowingRows(DIM)
  growing.append(1, ROWS, vectorsOf(ROWS, DIM, random(23)))
  const job = { metric: 'L2', queries: new Float32Array(DIM), nq: 1, k: 1, range, pass: null } as const
  const waiting = [1, 2, 3].map((k) => assert.rejects(pool.scan(growing.slices(), { ...job, k }), /closed|ended/))
  await pool[Symbol.asyncDispose]()
  await Promise.all(waiting)
  await assert.rejects(pool.scan(growing.slices(), job), /closed/)
})
