import { ErrorCode } from '../gen/common_pb.js'
import { defineOp } from './define-op.ts'
import type { Op } from './op.ts'
import { DONE, post, requireFields, text } from './rest/body.ts'

export const createRole: Op<'CreateRole'> = defineOp({
  rpc: 'CreateRole',
  failureCode: ErrorCode.CreateRoleFailure,
  decode: ({ entity }) => ({ role: entity?.name ?? '', description: entity?.description ?? '' }),
  toMessage: ({ role, description }) => ({ entity: { name: role, description } }),
  rest: [
    post('roles/create', async ({ body, call }) => {
      requireFields(body, 'RoleReq', ['roleName'])
      await call('CreateRole', { role: text(body, 'roleName'), description: text(body, 'description') })
      return DONE
    }),
  ],
})
