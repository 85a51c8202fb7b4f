import { defineOp } from './define-op.ts'
import type { Op } from './op.ts'

export const getVersion: Op<'GetVersion'> = defineOp({
  rpc: 'GetVersion',
  login: 'the version is shown by Connect too',
  decode: () => ({}),
  encode: ({ version }) => ({ version }),
})
