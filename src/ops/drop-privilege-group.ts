import { ErrorCode } from '../gen/common_pb.js'
import { defineOp } from './define-op.ts'
import type { Op } from './op.ts'
import { DONE, post, requireFields, text } from './rest/body.ts'

export const dropPrivilegeGroup: Op<'DropPrivilegeGroup'> = defineOp({
  rpc: 'DropPrivilegeGroup',
  failureCode: ErrorCode.DropPrivilegeGroupFailure,
  decode: ({ groupName }) => ({ group: groupName }),
  toMessage: ({ group }) => ({ groupName: group }),
  rest: [
    post('privilege_groups/drop', async ({ body, call }) => {
      requireFields(body, 'PrivilegeGroupReq', ['privilegeGroupName'])
      await call('DropPrivilegeGroup', { group: text(body, 'privilegeGroupName') })
      return DONE
    }),
  ],
})
