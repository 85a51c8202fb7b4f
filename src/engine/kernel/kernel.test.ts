import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { exactScore } from '../exact.ts'
import { createKernel } from './kernel.ts'

test('the kernel agrees with the plain loop for every dimension, tail lanes included', () => {
  const float = fc.float({ min: -10, max: 10, noNaN: true })
  const sample = fc.integer({ min: 1, max: 133 }).chain((dim) =>
    fc.record({
      dim: fc.constant(dim),
      query: fc.array(float, { minLength: dim, maxLength: dim }),
      rows: fc.array(fc.array(float, { minLength: dim, maxLength: dim }), { minLength: 1, maxLength: 5 }),
    }),
  )
  fc.assert(
    fc.property(sample, ({ dim, query, rows }) => {
      const kernel = createKernel(dim)
      const vectors = Float32Array.from(rows.flat())
      const queries = Float32Array.from(query)
      kernel.loadRows(vectors, 0, rows.length, 0)
      kernel.loadQuery(1, queries, 0)
      const near = (got: number | undefined, want: number) =>
        assert.ok(Math.abs((got ?? Number.NaN) - want) <= 1e-4 * (1 + dim * 10), `${got} is not ${want}`)
      const dots = kernel.dot(1, rows.length).slice()
      const distances = kernel.l2(1, rows.length).slice()
      const squares = kernel.squares(rows.length).slice()
      for (let row = 0; row < rows.length; row++) {
        near(dots[row], exactScore('IP', queries, vectors, row))
        near(distances[row], exactScore('L2', queries, vectors, row))
        near(squares[row], exactScore('IP', vectors.slice(row * dim, (row + 1) * dim), vectors, row))
      }
    }),
    { numRuns: 100 },
  )
})
