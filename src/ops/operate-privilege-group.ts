import { ErrorCode } from '../gen/common_pb.js'
import { OperatePrivilegeGroupType } from '../gen/milvus_pb.js'
import { defineOp } from './define-op.ts'
import type { Op, RestInput, RestRoute } from './op.ts'
import { DONE, post, requireFields, text, texts } from './rest/body.ts'
import { isSecondOfTwo } from './wire/two-ways.ts'

export const operatePrivilegeGroup: Op<'OperatePrivilegeGroup'> = defineOp({
  rpc: 'OperatePrivilegeGroup',
  failureCode: ErrorCode.OperatePrivilegeGroupFailure,
  decode: ({ groupName, privileges, type }) => ({
    group: groupName,
    privileges: privileges.map(({ name }) => name),
    remove: isSecondOfTwo(type, 'operate privilege group type'),
  }),
  toMessage: ({ group, privileges, remove }) => ({
    groupName: group,
    privileges: privileges.map((name) => ({ name })),
    type: remove ? OperatePrivilegeGroupType.RemovePrivilegesFromGroup : OperatePrivilegeGroupType.AddPrivilegesToGroup,
  }),
  rest: [route('add_privileges_to_group', false), route('remove_privileges_from_group', true)],
})

function route(action: string, remove: boolean): RestRoute {
  return post(`privilege_groups/${action}`, async ({ body, call }: RestInput) => {
    requireFields(body, 'PrivilegeGroupReq', ['privilegeGroupName', 'privileges'])
    const [group, privileges] = [text(body, 'privilegeGroupName'), texts(body, 'privileges')]
    await call('OperatePrivilegeGroup', { group, privileges, remove })
    return DONE
  })
}
