import type { KeyRows } from './row.ts'

/** What is forwarded to another server (`redkite run proxy --upstream URI`). */
export const upstreamKeys = {} as const satisfies KeyRows
