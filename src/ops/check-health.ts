import { defineOp } from './define-op.ts'
import type { Op } from './op.ts'

export const checkHealth: Op<'CheckHealth'> = defineOp({
  rpc: 'CheckHealth',
  login: 'a probe; it names no data',
  decode: () => ({}),
  toMessage: () => ({}),
  encode: ({ healthy, reasons }) => ({ isHealthy: healthy, reasons: [...reasons] }),
  fromReply: ({ isHealthy, reasons }) => ({ healthy: isHealthy, reasons }),
})
