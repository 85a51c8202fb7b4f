import type { KeyRows } from './row.ts'

/** Where key material comes from, and its renewal. */
export const materialKeys = {} as const satisfies KeyRows
