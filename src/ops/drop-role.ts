import { ErrorCode } from '../gen/common_pb.js'
import { defineOp } from './define-op.ts'
import type { Op } from './op.ts'
import { DONE, flag, post, requireFields, text } from './rest/body.ts'

export const dropRole: Op<'DropRole'> = defineOp({
  rpc: 'DropRole',
  failureCode: ErrorCode.DropRoleFailure,
  decode: ({ roleName, forceDrop }) => ({ role: roleName, force: forceDrop }),
  toMessage: ({ role, force }) => ({ roleName: role, forceDrop: force }),
  rest: [
    post('roles/drop', async ({ body, call }) => {
      requireFields(body, 'RoleReq', ['roleName'])
      await call('DropRole', { role: text(body, 'roleName'), force: flag(body, 'forceDrop', false) })
      return DONE
    }),
  ],
})
