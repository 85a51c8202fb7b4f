/** Calls in lanes, and how long they took. */
import type { Load } from './jobs.ts'

/** Runs `call` in `inFlight` lanes until the time or the calls are over. `call` gives the bytes it moved. */
export async function timed(
  inFlight: number,
  seconds: number,
  calls: number,
  call: (i: number) => Promise<number>,
): Promise<Load> {
  const times: number[] = []
  let [next, bytes] = [0, 0]
  const cpu = process.cpuUsage()
  const started = performance.now()
  const end = started + seconds * 1000
  const lane = async () => {
    while (next < calls && performance.now() < end) {
      const before = performance.now()
      const moved = await call(next++)
      // not `bytes += await`: that reads the sum before the wait and loses what other lanes add meanwhile
      bytes += moved
      times.push(performance.now() - before)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  const elapsed = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(cpu)
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN
  const cpuSeconds = (user + system) / 1e6
  return { calls: times.length, seconds: elapsed, p50: at(0.5), p99: at(0.99), bytes, cpuSeconds }
}
