import type { HybridTs } from '../../model/calls.ts'

/** Unix milliseconds of a hybrid timestamp. */
export function physicalMs(ts: HybridTs): bigint {
  return ts >> 18n
}
