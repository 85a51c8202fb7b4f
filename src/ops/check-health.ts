import { defineOp } from './define-op.ts'
import type { Op } from './op.ts'

export const checkHealth: Op<'CheckHealth'> = defineOp({
  rpc: 'CheckHealth',
  login: 'a probe; it names no data',
  decode: () => ({}),
  encode: ({ healthy, reasons }) => ({ isHealthy: healthy, reasons: [...reasons] }),
})
