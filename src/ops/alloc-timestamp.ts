import { defineOp } from './define-op.ts'
import type { Op } from './op.ts'

/** pymilvus asks for a timestamp before it polls an index. */
export const allocTimestamp: Op<'AllocTimestamp'> = defineOp({
  rpc: 'AllocTimestamp',
  login: 'it tells the time and nothing else',
  decode: () => ({}),
  toMessage: () => ({}),
  encode: ({ ts }) => ({ timestamp: ts }),
  fromReply: ({ timestamp }) => ({ ts: timestamp }),
})
