import { defineOp } from './define-op.ts'
import type { Op } from './op.ts'

export const getVersion: Op<'GetVersion'> = defineOp({
  rpc: 'GetVersion',
  login: 'the version is shown by Connect too',
  decode: () => ({}),
  toMessage: () => ({}),
  encode: ({ version }) => ({ version }),
  fromReply: ({ version }) => ({ version }),
})
