import { ErrorCode } from '../gen/common_pb.js'
import { defineOp } from './define-op.ts'
import type { Op } from './op.ts'
import { DONE, post, requireFields, text } from './rest/body.ts'

export const createPrivilegeGroup: Op<'CreatePrivilegeGroup'> = defineOp({
  rpc: 'CreatePrivilegeGroup',
  failureCode: ErrorCode.CreatePrivilegeGroupFailure,
  decode: ({ groupName }) => ({ group: groupName }),
  toMessage: ({ group }) => ({ groupName: group }),
  rest: [
    post('privilege_groups/create', async ({ body, call }) => {
      requireFields(body, 'PrivilegeGroupReq', ['privilegeGroupName'])
      await call('CreatePrivilegeGroup', { group: text(body, 'privilegeGroupName') })
      return DONE
    }),
  ],
})
