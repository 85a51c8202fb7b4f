/**
 * What a password check costs, and whether 32 waiting checks hold up the event loop.
 * Run: `node bench/micro/password-check.ts`.
 */
import { PasswordChecker } from '../../src/auth/passwords.ts'
import { Secret } from '../../src/model/calls.ts'

const checker = new PasswordChecker(64)
const password = new Secret('correct horse')
const record = await checker.hash(password)

const times: number[] = []
const before = process.cpuUsage()
for (let i = 0; i < 20; i++) {
  const start = performance.now()
  await checker.matches(password, record)
  times.push(performance.now() - start)
}
const used = process.cpuUsage(before)
const median = times.toSorted((a, b) => a - b)[10]
const cpuMs = (used.user + used.system) / 20_000
process.stdout.write(`a check: ${median?.toFixed(0)} ms by the clock, ${cpuMs.toFixed(0)} ms of CPU\n`)

const delays: number[] = []
let last = performance.now()
const timer = setInterval(() => {
  const now = performance.now()
  delays.push(now - last)
  last = now
}, 1)
await Promise.all(Array.from({ length: 32 }, () => checker.matches(password, record)))
clearInterval(timer)
const sorted = delays.toSorted((a, b) => a - b)
const at = (part: number) => (sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN).toFixed(1)
process.stdout.write(`a 1 ms timer meanwhile: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, worst ${at(1)} ms\n`)
