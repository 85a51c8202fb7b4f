import { ErrorCode } from '../gen/common_pb.js'
import { defineOp } from './define-op.ts'
import type { Op } from './op.ts'
import { post } from './rest/body.ts'

export const listCredUsers: Op<'ListCredUsers'> = defineOp({
  rpc: 'ListCredUsers',
  failureCode: ErrorCode.ListCredUsersFailure,
  decode: () => ({}),
  toMessage: () => ({}),
  encode: ({ users }) => ({ usernames: [...users] }),
  fromReply: ({ usernames }) => ({ users: usernames }),
  rest: [post('users/list', async ({ call }) => ({ data: (await call('ListCredUsers', {})).users }))],
})
