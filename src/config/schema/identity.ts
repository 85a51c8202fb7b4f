import type { KeyRows } from './row.ts'

/** Users by client certificate. */
export const identityKeys = {} as const satisfies KeyRows
