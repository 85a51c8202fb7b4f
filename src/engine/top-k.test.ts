import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { metricTypes } from '../model/schema.ts'
import { beyondRadius, inRange, smallerIsBetter, TopK } from './top-k.ts'

test('the heap keeps what sorting would: best score first, ties by ascending row id', () => {
  const scores = fc.array(fc.integer({ min: -5, max: 5 }), { maxLength: 60 })
  fc.assert(
    fc.property(fc.constantFrom(...metricTypes), scores, fc.integer({ min: 1, max: 20 }), (metric, offered, k) => {
      const heap = new TopK(metric, k)
      const rows = offered.map((score, i) => ({ rid: ((i * 37) % 61) + 1, score }))
      for (const { rid, score } of rows) heap.offer(rid, score)
      const sign = smallerIsBetter(metric) ? 1 : -1
      const want = rows.sort((a, b) => sign * (a.score - b.score) || a.rid - b.rid).slice(0, k)
      const { rids, scores: got } = heap.ranked()
      assert.deepEqual(
        [...rids],
        want.map((row) => row.rid),
      )
      assert.deepEqual(
        [...got],
        want.map((row) => row.score + 0),
      )
    }),
  )
})

test('a NaN score never enters', () => {
  const heap = new TopK('L2', 2)
  heap.offer(1, Number.NaN)
  heap.offer(2, 1)
  heap.offer(3, Number.NaN)
  assert.deepEqual([...heap.ranked().rids], [2])
})

test("ranges are Milvus': distance from range_filter up to radius, similarity above radius up to range_filter", () => {
  const range = { radius: 5, rangeFilter: 2 }
  assert.deepEqual(
    [1, 2, 4, 5].map((score) => inRange('L2', range, score)),
    [false, true, true, false],
  )
  const similar = { radius: 0.2, rangeFilter: 0.8 }
  assert.deepEqual(
    [0.2, 0.3, 0.8, 0.9].map((score) => inRange('IP', similar, score)),
    [false, true, true, false],
  )
  assert.ok(beyondRadius('L2', range, 5) && !beyondRadius('L2', range, 1))
  assert.ok(beyondRadius('COSINE', similar, 0.2) && !beyondRadius('COSINE', similar, 0.9))
})
