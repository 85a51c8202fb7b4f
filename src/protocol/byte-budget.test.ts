import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RedkiteError } from '../errors/error.ts'
import { type BudgetHolder, ByteBudget } from './byte-budget.ts'

class Body implements BudgetHolder {
  held = 0
  paused = false
  pause(): void {
    this.paused = true
  }
  resume(): void {
    this.paused = false
  }
}

test('above the bound one body goes on and the others wait, longest first', () => {
  const budget = new ByteBudget(100, 10)
  const [a, b, c] = [new Body(), new Body(), new Body()]
  budget.take(a, 90)
  budget.take(b, 20)
  budget.take(c, 5)
  budget.take(a, 1)
  assert.deepEqual([a.paused, b.paused, c.paused], [true, false, true])
  budget.release(b)
  assert.deepEqual([a.paused, b.paused, c.paused, budget.used], [false, false, false, 96])
  budget.release(a)
  budget.release(a)
  budget.release(c)
  assert.equal(budget.used, 0)
})

test('too many waiting is refused and counted back', () => {
  const budget = new ByteBudget(10, 1)
  const [a, b, c] = [new Body(), new Body(), new Body()]
  budget.take(a, 20)
  budget.take(b, 20)
  assert.throws(
    () => budget.take(c, 20),
    (error) => error instanceof RedkiteError && error.kind === 'overloaded',
  )
  budget.release(c)
  assert.equal(budget.used, 40)
})

test('whatever the order, somebody always goes on and all bytes come back', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(7), fc.nat(60), fc.boolean()), { maxLength: 200 }), (steps) => {
      const budget = new ByteBudget(100, 100)
      const bodies = Array.from({ length: 8 }, () => new Body())
      for (const [at, bytes, done] of steps) {
        const body = bodies[at]
        if (!body || body.paused) continue
        if (done) budget.release(body)
        else budget.take(body, bytes)
        assert.ok(
          bodies.some((one) => !one.paused),
          'deadlock',
        )
        if (budget.used <= 100)
          assert.ok(
            bodies.every((one) => !one.paused),
            'paused for nothing',
          )
        assert.equal(
          budget.used,
          bodies.reduce((sum, one) => sum + one.held, 0),
        )
      }
      for (const body of bodies) budget.release(body)
      assert.equal(budget.used, 0)
      assert.ok(bodies.every((one) => !one.paused))
    }),
  )
})
