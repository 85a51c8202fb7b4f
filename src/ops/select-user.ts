import { ErrorCode } from '../gen/common_pb.js'
import { defineOp } from './define-op.ts'
import type { Op } from './op.ts'
import { post, requireFields, text } from './rest/body.ts'

export const selectUser: Op<'SelectUser'> = defineOp({
  rpc: 'SelectUser',
  failureCode: ErrorCode.SelectUserFailure,
  decode: ({ user, includeRoleInfo }) => ({ user: user?.name ?? null, includeRoles: includeRoleInfo }),
  toMessage: ({ user, includeRoles }) => ({
    includeRoleInfo: includeRoles,
    ...(user === null ? {} : { user: { name: user } }),
  }),
  encode: ({ users }) => ({
    results: users.map(({ user, roles }) => ({ user: { name: user }, roles: roles.map((name) => ({ name })) })),
  }),
  fromReply: ({ results }) => ({
    users: results.map(({ user, roles }) => ({ user: user?.name ?? '', roles: roles.map(({ name }) => name) })),
  }),
  rest: [
    post('users/describe', async ({ body, call }) => {
      requireFields(body, 'UserReq', ['userName'])
      const { users } = await call('SelectUser', { user: text(body, 'userName'), includeRoles: true })
      return { data: users.flatMap(({ roles }) => roles) }
    }),
  ],
})
