import { ErrorCode } from '../gen/common_pb.js'
import { defineOp } from './define-op.ts'
import type { Op } from './op.ts'
import { post, requireFields, text } from './rest/body.ts'

export const listCredUsers: Op<'ListCredUsers'> = defineOp({
  rpc: 'ListCredUsers',
  failureCode: ErrorCode.ListCredUsersFailure,
  decode: () => ({}),
  toMessage: () => ({}),
  encode: ({ users }) => ({ usernames: [...users] }),
  fromReply: ({ usernames }) => ({ users: usernames }),
  rest: [
    post('users/list', async ({ call }) => ({ data: (await call('ListCredUsers', {})).users })),
    // the user's roles; until roles are served only root has one, and an unknown user has none, as in Milvus
    post('users/describe', async ({ body, call }) => {
      requireFields(body, 'UserReq', ['userName'])
      const user = text(body, 'userName')
      const { users } = await call('ListCredUsers', {})
      return { data: user === 'root' && users.includes(user) ? ['admin'] : [] }
    }),
  ],
})
