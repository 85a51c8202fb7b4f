import { ErrorCode } from '../gen/common_pb.js'
import { defineOp } from './define-op.ts'
import type { Op } from './op.ts'
import { post } from './rest/body.ts'

export const listPrivilegeGroups: Op<'ListPrivilegeGroups'> = defineOp({
  rpc: 'ListPrivilegeGroups',
  failureCode: ErrorCode.ListPrivilegeGroupsFailure,
  decode: () => ({}),
  toMessage: () => ({}),
  encode: ({ groups }) => ({
    privilegeGroups: groups.map(({ group, privileges }) => ({
      groupName: group,
      privileges: privileges.map((name) => ({ name })),
    })),
  }),
  fromReply: ({ privilegeGroups }) => ({
    groups: privilegeGroups.map(({ groupName, privileges }) => ({
      group: groupName,
      privileges: privileges.map(({ name }) => name),
    })),
  }),
  rest: [
    post('privilege_groups/list', async ({ call }) => {
      const { groups } = await call('ListPrivilegeGroups', {})
      const privilegeGroups = groups.map(({ group, privileges }) => ({
        privilegeGroupName: group,
        privileges: privileges.join(','),
      }))
      return { data: { privilegeGroups } }
    }),
  ],
})
