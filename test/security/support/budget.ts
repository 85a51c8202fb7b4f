/**
 * How much each property is tried: the figures of every run (minutes, on two noisy cores), or those of the reference
 * with `REDKITE_TEST_LONG=1`. `REDKITE_SECURITY_FACTOR=0.2` scales the short ones, for work on a test.
 */
import type { TestContext } from 'node:test'

export const isLong = process.env['REDKITE_TEST_LONG'] === '1'
const factor = Number(process.env['REDKITE_SECURITY_FACTOR'] ?? '1')

/** A number of tries, or seconds: `short` in every run, `full` in the long one. */
export function amount(short: number, full: number): number {
  return isLong ? full : Math.max(1, Math.round(short * factor))
}

/** Timeout of a test whose work may scale: the runner's own is meant for the short figures. */
export const TEST_MS_MAX = isLong ? 3_600_000 : 230_000

/** What was done, in the test's report. */
export function report(t: TestContext, done: Readonly<Record<string, string | number>>): void {
  t.diagnostic(
    Object.entries(done)
      .map(([what, figure]) => `${what}: ${figure}`)
      .join(', '),
  )
}
