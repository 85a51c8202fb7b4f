import type { KeyRows } from './row.ts'

/** Client certificates that are no longer good. */
export const revocationKeys = {} as const satisfies KeyRows
