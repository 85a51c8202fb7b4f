import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GrowingRows } from './growing.ts'

const DIM = 2

/** Each row's vector is its row id twice, so that a slice can be checked against the ids beside it. */
function vectorsOf(rids: readonly number[]): Float32Array {
  const vectors = new Float32Array(new SharedArrayBuffer(rids.length * DIM * 4))
  rids.forEach((rid, i) => {
    vectors.fill(rid, i * DIM, (i + 1) * DIM)
  })
  return vectors
}

function liveIn(growing: GrowingRows): number[] {
  return growing.slices().flatMap(({ block, count }) =>
    Array.from(block.rids.subarray(0, count)).filter((rid, slot) => {
      assert.equal(block.vectors[slot * DIM], rid)
      return block.dead[slot] === 0
    }),
  )
}

test('growing rows behave as a set of row ids, whatever is appended, removed and dropped', () => {
  const command = fc.oneof(
    fc.record({ kind: fc.constant('append' as const), rows: fc.integer({ min: 1, max: 700 }), gap: fc.nat(3) }),
    fc.record({ kind: fc.constant('remove' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.record({
      kind: fc.constant('drop' as const),
      from: fc.double({ min: 0, max: 1, noNaN: true }),
      to: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  )
  fc.assert(
    fc.property(fc.array(command, { maxLength: 15 }), (commands) => {
      const growing = new GrowingRows(DIM)
      let live: number[] = []
      let last = 0
      for (const step of commands) {
        if (step.kind === 'append') {
          const rids = Array.from({ length: step.rows }, (_, i) => last + step.gap + i + 1)
          growing.append(rids[0] ?? 0, rids.length, vectorsOf(rids))
          live.push(...rids)
          last = rids.at(-1) ?? last
        } else if (step.kind === 'remove') {
          const rid = Math.floor(step.share * (last + 2))
          assert.equal(growing.remove(rid), live.includes(rid))
          live = live.filter((other) => other !== rid)
        } else {
          const [after, upTo] = [Math.floor(step.from * last), Math.floor(step.to * last)]
          if (after > upTo) continue
          growing.dropRange(after, upTo)
          live = live.filter((rid) => rid <= after || rid > upTo)
        }
        assert.deepEqual(liveIn(growing), live)
        assert.equal(growing.liveCount, live.length)
        assert.equal(growing.lastRid, last)
      }
    }),
    { numRuns: 60 },
  )
})
