/** Samples of the RPCs about roles, grants and privilege groups. */
import type { ReplyOf, RequestOf, Rpc } from '../model/calls.ts'
import type { RoleCalls } from '../model/role-calls.ts'

type RoleSamples = {
  readonly [R in keyof RoleCalls & Rpc]: { requests: readonly RequestOf<R>[]; replies: readonly ReplyOf<R>[] }
}

const one = <T>(...requests: T[]) => ({ requests, replies: [null] })
const named = { role: 'r', db: 'd', privilege: 'Insert' }
const info = { ...named, object: 'Collection', objectName: 'c', grantor: 'root' }

export const roleSamples: RoleSamples = {
  CreateRole: one({ role: 'r', description: '' }, { role: 'r', description: 'é' }),
  DropRole: one({ role: 'r', force: false }, { role: 'r', force: true }),
  OperateUserRole: one({ user: 'u', role: 'r', remove: false }, { user: 'u', role: 'r', remove: true }),
  SelectRole: {
    requests: [
      { role: null, includeUsers: false },
      { role: 'r', includeUsers: true },
    ],
    replies: [{ roles: [] }, { roles: [{ role: 'r', description: 'é', users: ['u', 'v'] }] }],
  },
  SelectUser: {
    requests: [
      { user: null, includeRoles: false },
      { user: 'u', includeRoles: true },
    ],
    replies: [{ users: [] }, { users: [{ user: 'u', roles: ['r', 's'] }] }],
  },
  OperatePrivilege: one(
    { ...named, object: 'Collection', objectName: 'c', revoke: false },
    { ...named, object: 'Global', objectName: '*', db: '*', revoke: true },
  ),
  OperatePrivilegeV2: one({ ...named, collection: 'c', revoke: false }, { ...named, collection: '*', revoke: true }),
  SelectGrant: {
    requests: [
      { role: 'r', db: 'd', object: '', objectName: '' },
      { role: 'r', db: '*', object: 'Collection', objectName: 'c' },
    ],
    replies: [{ grants: [] }, { grants: [info, { ...info, privilege: '*' }] }],
  },
  CreatePrivilegeGroup: one({ group: 'g' }),
  DropPrivilegeGroup: one({ group: 'g' }),
  ListPrivilegeGroups: {
    requests: [{}],
    replies: [{ groups: [] }, { groups: [{ group: 'g', privileges: ['Insert', 'Query'] }] }],
  },
  OperatePrivilegeGroup: one(
    { group: 'g', privileges: ['Insert', 'Query'], remove: false },
    { group: 'g', privileges: ['Insert'], remove: true },
  ),
}
