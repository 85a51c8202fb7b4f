/** Whether two series of measured times differ, said so that a noisy machine does not decide it. */
import { randomNumbers } from '../../support/random-numbers.ts'

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]]
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2
}

export interface Difference {
  /** Difference of the medians as a share of the first: 0.05 = the second takes 5 % longer. */
  readonly share: number
  /** The 99 % bootstrap interval of that share. */
  readonly interval: readonly [low: number, high: number]
}

const RESAMPLES = 2_000

/** How much longer the second series takes than the first. */
export function difference(first: readonly number[], second: readonly number[], seed: number): Difference {
  const random = randomNumbers(seed)
  const resample = (values: readonly number[]) =>
    median(Array.from(values, () => values[random(values.length)] ?? Number.NaN))
  const shares = Array.from({ length: RESAMPLES }, () => {
    const base = resample(first)
    return (resample(second) - base) / base
  }).sort((a, b) => a - b)
  const at = (quantile: number) => shares[Math.floor(quantile * (RESAMPLES - 1))] ?? Number.NaN
  return { share: (median(second) - median(first)) / median(first), interval: [at(0.005), at(0.995)] }
}
