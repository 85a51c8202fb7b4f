import { performance } from 'node:perf_hooks'
import { collectGarbage } from './store/collect-garbage.ts'

const LOOK_MS = 5_000
/** The loop counts as idle below this share of busy time. */
const IDLE_UTILIZATION = 0.05
const GROWTH_BYTES = 32 * 1024 * 1024

/**
 * Gives memory back when there is nothing to do: V8 does not feel the weight of shared memory (vectors that were
 * received, growing rows that were sealed), so after a load it would stay in use until the next heavy call.
 */
export function collectWhenIdle(): Disposable {
  let before = performance.eventLoopUtilization()
  let settledRss = process.memoryUsage.rss()
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    if (utilization > IDLE_UTILIZATION || process.memoryUsage.rss() < settledRss + GROWTH_BYTES) return
    collectGarbage()
    settledRss = process.memoryUsage.rss()
  }, LOOK_MS)
  timer.unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
