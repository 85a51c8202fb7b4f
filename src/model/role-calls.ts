/** Roles, grants and privilege groups among the calls of the service; names as in `calls.ts`. */

/** A privilege, or a group of them, for a role; `db` `*` = every database. */
export interface GrantRequest {
  readonly role: string
  readonly db: string
  readonly privilege: string
  readonly revoke: boolean
}

/** A grant as it stands: `object` is `Global`, `Collection` or `User`, `objectName` and `db` may be `*`. */
export interface GrantInfo {
  readonly role: string
  readonly object: string
  readonly objectName: string
  readonly db: string
  /** Milvus' name without `Privilege`, the name of a group, or `*`. */
  readonly privilege: string
  readonly grantor: string
}

export interface PrivilegeGroup {
  readonly group: string
  readonly privileges: readonly string[]
}

export interface RoleCalls {
  CreateRole: { request: { role: string; description: string }; reply: null }
  DropRole: { request: { role: string; force: boolean }; reply: null }
  OperateUserRole: { request: { user: string; role: string; remove: boolean }; reply: null }
  /** `role` null = every role. */
  SelectRole: {
    request: { role: string | null; includeUsers: boolean }
    reply: { roles: readonly { role: string; description: string; users: readonly string[] }[] }
  }
  /** `user` null = every user. */
  SelectUser: {
    request: { user: string | null; includeRoles: boolean }
    reply: { users: readonly { user: string; roles: readonly string[] }[] }
  }
  /** What Milvus calls a grant by object (v1): `object` is a type, '' = none was given. */
  OperatePrivilege: { request: GrantRequest & { object: string; objectName: string }; reply: null }
  /** A grant by database and collection (v2). */
  OperatePrivilegeV2: { request: GrantRequest & { collection: string }; reply: null }
  /** `object` '' = grants on every type; `db` `*` = in every database. */
  SelectGrant: {
    request: { role: string; db: string; object: string; objectName: string }
    reply: { grants: readonly GrantInfo[] }
  }
  CreatePrivilegeGroup: { request: { group: string }; reply: null }
  DropPrivilegeGroup: { request: { group: string }; reply: null }
  ListPrivilegeGroups: { request: Record<never, never>; reply: { groups: readonly PrivilegeGroup[] } }
  OperatePrivilegeGroup: {
    request: { group: string; privileges: readonly string[]; remove: boolean }
    reply: null
  }
}
