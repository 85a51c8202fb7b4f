import type { GrantInfo, PrivilegeGroup } from '../model/role-calls.ts'
import { isSame, type RoleRecords } from './role-keeper.ts'

/** Role records without a file: lists that are searched, so plain that they are right. */
export function memoryRoles(): RoleRecords {
  let roles: { role: string; description: string }[] = []
  let bindings: { user: string; role: string }[] = []
  let grants: GrantInfo[] = []
  let groups: PrivilegeGroup[] = []
  let revision = 0
  const changed = () => void revision++
  return {
    get revision() {
      return revision
    },
    roles: () => roles,
    hasRole: (role) => roles.some((r) => r.role === role),
    putRole: (entry) => {
      roles = [...roles.filter((r) => r.role !== entry.role), entry]
      changed()
    },
    dropRole: (role) => {
      roles = roles.filter((r) => r.role !== role)
      bindings = bindings.filter((b) => b.role !== role)
      grants = grants.filter((g) => g.role !== role)
      changed()
    },
    rolesOf: (user) => bindings.filter((b) => b.user === user).map((b) => b.role),
    usersOf: (role) => bindings.filter((b) => b.role === role).map((b) => b.user),
    addToRole: (user, role) => {
      bindings = [...bindings.filter((b) => b.user !== user || b.role !== role), { user, role }]
      changed()
    },
    removeFromRole: (user, role) => {
      bindings = bindings.filter((b) => b.user !== user || b.role !== role)
      changed()
    },
    grants: () => grants,
    grantsOf: (role) => grants.filter((g) => g.role === role),
    putGrant: (entry) => {
      grants = [...grants.filter((g) => !isSame(g, entry)), entry]
      changed()
    },
    dropGrant: (entry) => {
      grants = grants.filter((g) => !isSame(g, entry))
      changed()
    },
    groups: () => groups,
    group: (name) => groups.find((g) => g.group === name) ?? null,
    putGroup: (entry) => {
      groups = [...groups.filter((g) => g.group !== entry.group), entry]
      changed()
    },
    dropGroup: (name) => {
      groups = groups.filter((g) => g.group !== name)
      changed()
    },
  }
}
