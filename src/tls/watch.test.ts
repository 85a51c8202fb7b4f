import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { watchFiles } from './watch.ts'

/** Looks at a script of contents; `!x` cannot be read. Returns what was settled on by the time the script is over. */
async function watched(current: string, script: string, settle: (seen: string) => boolean = () => true) {
  const looks = script.split(' ')
  const settled: string[] = []
  let at = -1
  const { promise: over, resolve } = Promise.withResolvers<void>()
  using _watch = watchFiles({
    intervalMs: 1,
    currentHash: () => current,
    async read() {
      at += 1
      if (at >= looks.length) resolve()
      const seen = looks[Math.min(at, looks.length - 1)] ?? ''
      if (seen.startsWith('!')) throw new Error(seen)
      return { hash: seen }
    },
    async settled() {
      const seen = looks[at] ?? ''
      settled.push(seen)
      const isDone = settle(seen)
      if (isDone && !seen.startsWith('bad')) current = seen
      return isDone
    },
  })
  const alive = setInterval(() => {}, 1_000)
  await over
  clearInterval(alive)
  return settled
}

describe('the watch over TLS files', () => {
  it('leaves unchanged content alone', async () => assert.deepEqual(await watched('a', 'a a a a'), []))
  it('waits until a set being written is quiet', async () => {
    assert.deepEqual(await watched('a', 'a torn1 torn2 b b b'), ['b'])
  })
  it('tries bad content once, and again when it was changed', async () => {
    assert.deepEqual(await watched('a', 'bad1 bad1 bad1 bad1 bad2 bad2 bad2 a a bad1 bad1'), ['bad1', 'bad2', 'bad1'])
  })
  it('reports files that stay away once, and takes them when they are back', async () => {
    assert.deepEqual(await watched('a', '!gone !gone !gone b b b'), ['!gone', 'b'])
  })
  it('tries again what failed for a passing reason', async () => {
    let left = 2
    const settle = () => {
      left -= 1
      return left < 0
    }
    assert.deepEqual(await watched('a', 'b b b b b', settle), ['b', 'b', 'b'])
  })
})
