import { fault, faultText } from '../errors/error.ts'
import type { ReplyOf, RequestOf } from '../model/calls.ts'
import type { GrantInfo, PrivilegeGroup } from '../model/role-calls.ts'
import { EVERYTHING, type Permissions, permissionsOf } from './grants.ts'
import { ANY, ROLE_ADMIN, ROLE_PUBLIC } from './privileges.ts'
import { checkRoleName } from './role-names.ts'

/** Where roles live: the catalog. */
export interface RoleRecords {
  /** Grows with each change. */
  readonly revision: number
  roles(): readonly { readonly role: string; readonly description: string }[]
  hasRole(role: string): boolean
  putRole(entry: { readonly role: string; readonly description: string }): void
  dropRole(role: string): void
  rolesOf(user: string): readonly string[]
  usersOf(role: string): readonly string[]
  addToRole(user: string, role: string): void
  removeFromRole(user: string, role: string): void
  grants(): readonly GrantInfo[]
  grantsOf(role: string): readonly GrantInfo[]
  putGrant(entry: GrantInfo): void
  dropGrant(entry: Omit<GrantInfo, 'grantor'>): void
  groups(): readonly PrivilegeGroup[]
  group(name: string): PrivilegeGroup | null
  putGroup(entry: PrivilegeGroup): void
  dropGroup(name: string): void
}

export interface RoleKeeperOptions {
  readonly records: RoleRecords
  /** Whether there is such a user. */
  readonly userExists: (user: string) => boolean
  readonly users: () => readonly string[]
  /** `proxy.maxRoleNum`, `admin` and `public` included. */
  readonly rolesMax: number
  readonly nameBytesMax: number
  /** `common.security.enablePublicPrivilege`. */
  readonly publicPrivilege: boolean
}

const ROOT = 'root'
export const NO_ROLE = "not found the role, maybe the role isn't existed or internal system error"
export const NO_USER = "not found the user, maybe the user isn't existed or internal system error"
/** What the role `public` has by default, in every database (Milvus 2.6 `initPublicRolePrivilege`). */
const PUBLIC_GRANTS = [
  ['Global', 'DescribeCollection'],
  ['Global', 'ListAliases'],
  ['Collection', 'IndexDetail'],
] as const
/** Marks a default grant, which goes when `common.security.enablePublicPrivilege` is turned off. */
const BY_DEFAULT = ''

/**
 * Roles and who has them, by Milvus' rules (2.6 `rootcoord/meta_table.go`, `proxy/impl.go`), and what each user may
 * do: computed once, and again after a change.
 */
export class RoleKeeper {
  readonly #options: RoleKeeperOptions
  readonly #permissions = new Map<string, Permissions>()
  #revision = -1

  constructor(options: RoleKeeperOptions) {
    this.#options = options
  }

  /** Makes the roles that are always there, and gives `public` its default grants or takes them away. */
  ensureDefaults(): void {
    const { records, publicPrivilege } = this.#options
    const isNew = !records.hasRole(ROLE_ADMIN)
    for (const role of [ROLE_ADMIN, ROLE_PUBLIC]) if (!records.hasRole(role)) records.putRole({ role, description: '' })
    if (isNew) records.addToRole(ROOT, ROLE_ADMIN)
    const there = records.grantsOf(ROLE_PUBLIC)
    for (const [object, privilege] of PUBLIC_GRANTS) {
      const grant = { role: ROLE_PUBLIC, object, objectName: ANY, db: ANY, privilege }
      const known = there.find((g) => isSame(g, grant))
      if (publicPrivilege && !known) records.putGrant({ ...grant, grantor: BY_DEFAULT })
      if (!publicPrivilege && known?.grantor === BY_DEFAULT) records.dropGrant(grant)
    }
  }

  /** What a user may do, by the own roles and `public`; the same object until something changes. */
  permissions(user: string): Permissions {
    const { records } = this.#options
    if (records.revision !== this.#revision) {
      this.#permissions.clear()
      this.#revision = records.revision
    }
    const known = this.#permissions.get(user)
    if (known) return known
    const roles = records.rolesOf(user)
    const own = roles.flatMap((role) => records.grantsOf(role))
    const group = (name: string) => records.group(name)?.privileges ?? null
    const shared = roles.includes(ROLE_PUBLIC) ? [] : records.grantsOf(ROLE_PUBLIC)
    const fresh = roles.includes(ROLE_ADMIN) ? EVERYTHING : permissionsOf(own, group, shared)
    this.#permissions.set(user, fresh)
    return fresh
  }

  /** Whether a user has the role; `public` has everybody. */
  hasRole(user: string, role: string): boolean {
    return role === ROLE_PUBLIC || this.#options.records.rolesOf(user).includes(role)
  }

  create({ role, description }: RequestOf<'CreateRole'>): void {
    const { records, rolesMax, nameBytesMax } = this.#options
    checkRoleName(role, nameBytesMax)
    if (records.hasRole(role)) throw faultText('unexpected', `role [name:"${role}"] already exists`)
    if (records.roles().length >= rolesMax) {
      throw faultText('unexpected', 'unable to create role because the number of roles has reached the limit')
    }
    records.putRole({ role, description })
  }

  drop({ role, force }: RequestOf<'DropRole'>): void {
    const { records, nameBytesMax } = this.#options
    checkRoleName(role, nameBytesMax)
    if (role === ROLE_ADMIN || role === ROLE_PUBLIC) {
      throw fault('privilegeNotPermitted', `the role[${role}] is a default role, which can't be dropped`)
    }
    this.mustExist(role)
    if (!force && records.grantsOf(role).length > 0) {
      const text = 'fail to drop the role that it has privileges. Use REVOKE API to revoke privileges'
      throw faultText('unexpected', text)
    }
    records.dropRole(role)
  }

  /** Adding twice and removing what is not there are no errors (as Milvus). */
  operateUser({ user, role, remove }: RequestOf<'OperateUserRole'>): void {
    const { records, userExists, nameBytesMax } = this.#options
    if (user.trim() === '') throw fault('invalidParameter', 'username must be not empty')
    checkRoleName(role, nameBytesMax)
    this.mustExist(role)
    if (remove) records.removeFromRole(user, role)
    else if (!userExists(user)) throw faultText('unexpected', NO_USER)
    else records.addToRole(user, role)
  }

  /** An unknown role is an empty answer (as Milvus). */
  select({ role, includeUsers }: RequestOf<'SelectRole'>): ReplyOf<'SelectRole'> {
    const { records } = this.#options
    const wanted = records.roles().filter((entry) => role === null || entry.role === role)
    return { roles: wanted.map((entry) => ({ ...entry, users: includeUsers ? records.usersOf(entry.role) : [] })) }
  }

  /** An unknown user is an empty answer (as Milvus). */
  selectUsers({ user, includeRoles }: RequestOf<'SelectUser'>): ReplyOf<'SelectUser'> {
    const { records, users } = this.#options
    const wanted = users().filter((name) => user === null || name === user)
    return { users: wanted.map((name) => ({ user: name, roles: includeRoles ? records.rolesOf(name) : [] })) }
  }

  /** @throws RedkiteError with Milvus' text for a role that is not there */
  mustExist(role: string): void {
    if (!this.#options.records.hasRole(role)) throw faultText('unexpected', NO_ROLE)
  }
}

/** Whether two grants are one, whoever made them. */
export function isSame(a: Omit<GrantInfo, 'grantor'>, b: Omit<GrantInfo, 'grantor'>): boolean {
  return (
    a.role === b.role &&
    a.object === b.object &&
    a.objectName === b.objectName &&
    a.db === b.db &&
    a.privilege === b.privilege
  )
}
