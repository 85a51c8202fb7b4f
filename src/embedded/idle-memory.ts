import { performance } from 'node:perf_hooks'
import { collectGarbage } from './store/collect-garbage.ts'

const LOOK_MS = 5_000
/** The loop counts as idle below this share of busy time. */
const IDLE_UTILIZATION = 0.05
/** Less work than this leaves nothing worth a collection behind. */
const WORK_MS_MIN = 200

/**
 * Gives memory back once after each busy time: V8 does not feel the weight of shared memory (vectors that were
 * received, growing rows that were sealed), so it would stay in use until the next heavy call.
 */
export function collectWhenIdle(): Disposable {
  let seen = performance.eventLoopUtilization()
  let workMs = 0
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization()
    const { active, utilization } = performance.eventLoopUtilization(now, seen)
    seen = now
    workMs += active
    if (utilization > IDLE_UTILIZATION || workMs < WORK_MS_MIN) return
    collectGarbage()
    workMs = 0
  }, LOOK_MS)
  timer.unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
