import { ErrorCode } from '../gen/common_pb.js'
import { defineOp } from './define-op.ts'
import type { Op } from './op.ts'
import { post } from './rest/body.ts'

export const selectRole: Op<'SelectRole'> = defineOp({
  rpc: 'SelectRole',
  failureCode: ErrorCode.SelectRoleFailure,
  decode: ({ role, includeUserInfo }) => ({ role: role?.name ?? null, includeUsers: includeUserInfo }),
  toMessage: ({ role, includeUsers }) => ({
    includeUserInfo: includeUsers,
    ...(role === null ? {} : { role: { name: role } }),
  }),
  encode: ({ roles }) => ({
    results: roles.map(({ role, description, users }) => ({
      role: { name: role, description },
      users: users.map((name) => ({ name })),
    })),
  }),
  fromReply: ({ results }) => ({
    roles: results.map(({ role, users }) => ({
      role: role?.name ?? '',
      description: role?.description ?? '',
      users: users.map(({ name }) => name),
    })),
  }),
  rest: [
    post('roles/list', async ({ call }) => {
      const { roles } = await call('SelectRole', { role: null, includeUsers: false })
      return { data: roles.map(({ role }) => role) }
    }),
  ],
})
