import { ErrorCode } from '../gen/common_pb.js'
import { OperateUserRoleType } from '../gen/milvus_pb.js'
import { defineOp } from './define-op.ts'
import type { Op, RestInput, RestRoute } from './op.ts'
import { DONE, post, requireFields, text } from './rest/body.ts'
import { isSecondOfTwo } from './wire/two-ways.ts'

export const operateUserRole: Op<'OperateUserRole'> = defineOp({
  rpc: 'OperateUserRole',
  failureCode: ErrorCode.OperateUserRoleFailure,
  decode: ({ username, roleName, type }) => ({
    user: username,
    role: roleName,
    remove: isSecondOfTwo(type, 'operate user role type'),
  }),
  toMessage: ({ user, role, remove }) => ({
    username: user,
    roleName: role,
    type: remove ? OperateUserRoleType.RemoveUserFromRole : OperateUserRoleType.AddUserToRole,
  }),
  rest: [route('grant_role', false), route('revoke_role', true)],
})

function route(action: string, remove: boolean): RestRoute {
  return post(`users/${action}`, async ({ body, call }: RestInput) => {
    requireFields(body, 'UserRoleReq', ['userName', 'roleName'])
    await call('OperateUserRole', { user: text(body, 'userName'), role: text(body, 'roleName'), remove })
    return DONE
  })
}
