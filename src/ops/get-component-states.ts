import { StateCode } from '../gen/common_pb.js'
import { defineOp } from './define-op.ts'
import type { Op } from './op.ts'

export const getComponentStates: Op<'GetComponentStates'> = defineOp({
  rpc: 'GetComponentStates',
  login: 'a probe; it names no data',
  decode: () => ({}),
  toMessage: () => ({}),
  encode: ({ healthy }) => ({
    state: { nodeID: 1n, role: 'standalone', stateCode: healthy ? StateCode.Healthy : StateCode.Abnormal },
  }),
  fromReply: ({ state }) => ({ healthy: state?.stateCode === StateCode.Healthy }),
})
