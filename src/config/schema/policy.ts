import type { KeyRows } from './row.ts'

/** Versions, ciphers and groups; proof at the start. */
export const policyKeys = {} as const satisfies KeyRows
