import type { GrantInfo, PrivilegeGroup } from '../model/role-calls.ts'
import type { GrantEntry, RoleEntry } from './entries.ts'

/** Part of the catalog's schema since format 2. */
export const ROLE_TABLES = `
  CREATE TABLE IF NOT EXISTS roles(name TEXT PRIMARY KEY, description TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS user_roles(user TEXT NOT NULL, role TEXT NOT NULL, PRIMARY KEY(user, role)) STRICT;
  CREATE TABLE IF NOT EXISTS grants(role TEXT NOT NULL, object TEXT NOT NULL, name TEXT NOT NULL, db TEXT NOT NULL,
                                    privilege TEXT NOT NULL, grantor TEXT NOT NULL,
                                    PRIMARY KEY(role, object, name, db, privilege)) STRICT;
  CREATE TABLE IF NOT EXISTS privilege_groups(name TEXT PRIMARY KEY, privileges TEXT NOT NULL) STRICT;
`

/** What is used of the catalog's file. */
interface File {
  transaction(work: () => void): void
  prepare(sql: string): { all(): Record<string, unknown>[]; run(...values: string[]): unknown }
}

/**
 * Roles, who has them, grants and privilege groups: held in memory, written through as the rest of the catalog. Each
 * change is one durable transaction; the memory changes, and `revision` grows, only after it committed.
 */
export class RoleStore {
  /** Grows with each change: what was computed from an older one is stale. */
  revision = 0
  readonly #file: File
  readonly #roles = new Map<string, RoleEntry>()
  /** user -> roles */
  readonly #userRoles = new Map<string, ReadonlySet<string>>()
  readonly #grants = new Map<string, GrantEntry>()
  readonly #groups = new Map<string, PrivilegeGroup>()

  /** Reads the tables. */
  constructor(file: File) {
    this.#file = file
    for (const { name, description } of rows(file, 'SELECT name, description FROM roles ORDER BY rowid')) {
      this.#roles.set(String(name), { role: String(name), description: String(description) })
    }
    for (const { user, role } of rows(file, 'SELECT user, role FROM user_roles')) {
      this.#bind(String(user), String(role))
    }
    for (const row of rows(file, 'SELECT role, object, name, db, privilege, grantor FROM grants ORDER BY rowid')) {
      const [role, object, objectName] = [String(row['role']), String(row['object']), String(row['name'])]
      const grant = { role, object, objectName, db: String(row['db']), privilege: String(row['privilege']) }
      this.#grants.set(grantKey(grant), { ...grant, grantor: String(row['grantor']) })
    }
    for (const { name, privileges } of rows(file, 'SELECT name, privileges FROM privilege_groups ORDER BY rowid')) {
      this.#groups.set(String(name), { group: String(name), privileges: JSON.parse(String(privileges)) as string[] })
    }
  }

  /** In order of creation. */
  roles(): readonly RoleEntry[] {
    return [...this.#roles.values()]
  }

  hasRole(role: string): boolean {
    return this.#roles.has(role)
  }

  putRole(entry: RoleEntry): void {
    this.#run(
      'INSERT INTO roles(name, description) VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET description = excluded.description',
      entry.role,
      entry.description,
    )
    this.#roles.set(entry.role, Object.freeze(entry))
  }

  /** With its grants, and taken from everybody who has it. */
  dropRole(role: string): void {
    this.#transaction(() => {
      this.#file.prepare('DELETE FROM roles WHERE name = ?').run(role)
      this.#file.prepare('DELETE FROM user_roles WHERE role = ?').run(role)
      this.#file.prepare('DELETE FROM grants WHERE role = ?').run(role)
    })
    this.#roles.delete(role)
    for (const user of this.usersOf(role)) this.#unbind(user, role)
    for (const [key, grant] of this.#grants) if (grant.role === role) this.#grants.delete(key)
  }

  rolesOf(user: string): readonly string[] {
    return [...(this.#userRoles.get(user) ?? [])]
  }

  usersOf(role: string): readonly string[] {
    return [...this.#userRoles].flatMap(([user, roles]) => (roles.has(role) ? [user] : []))
  }

  addToRole(user: string, role: string): void {
    this.#run('INSERT OR IGNORE INTO user_roles(user, role) VALUES(?, ?)', user, role)
    this.#bind(user, role)
  }

  removeFromRole(user: string, role: string): void {
    this.#run('DELETE FROM user_roles WHERE user = ? AND role = ?', user, role)
    this.#unbind(user, role)
  }

  /** The rows of a user who is being deleted, within the transaction of the caller; `forgetUser` follows its commit. */
  deleteUserRows(user: string): void {
    this.#file.prepare('DELETE FROM user_roles WHERE user = ?').run(user)
  }

  forgetUser(user: string): void {
    this.#userRoles.delete(user)
    this.revision++
  }

  grants(): readonly GrantEntry[] {
    return [...this.#grants.values()]
  }

  grantsOf(role: string): readonly GrantEntry[] {
    return this.grants().filter((grant) => grant.role === role)
  }

  /** A grant that is there already keeps its place and gets the new grantor. */
  putGrant(entry: GrantEntry): void {
    const { role, object, objectName, db, privilege, grantor } = entry
    this.#run(
      `INSERT INTO grants(role, object, name, db, privilege, grantor) VALUES(?, ?, ?, ?, ?, ?)
       ON CONFLICT(role, object, name, db, privilege) DO UPDATE SET grantor = excluded.grantor`,
      ...[role, object, objectName, db, privilege, grantor],
    )
    this.#grants.set(grantKey(entry), Object.freeze(entry))
  }

  dropGrant(entry: Omit<GrantInfo, 'grantor'>): void {
    const { role, object, objectName, db, privilege } = entry
    this.#run(
      'DELETE FROM grants WHERE role = ? AND object = ? AND name = ? AND db = ? AND privilege = ?',
      ...[role, object, objectName, db, privilege],
    )
    this.#grants.delete(grantKey(entry))
  }

  groups(): readonly PrivilegeGroup[] {
    return [...this.#groups.values()]
  }

  group(name: string): PrivilegeGroup | null {
    return this.#groups.get(name) ?? null
  }

  putGroup(entry: PrivilegeGroup): void {
    this.#run(
      'INSERT INTO privilege_groups(name, privileges) VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET privileges = excluded.privileges',
      entry.group,
      JSON.stringify(entry.privileges),
    )
    this.#groups.set(entry.group, Object.freeze(entry))
  }

  dropGroup(name: string): void {
    this.#run('DELETE FROM privilege_groups WHERE name = ?', name)
    this.#groups.delete(name)
  }

  #bind(user: string, role: string): void {
    this.#userRoles.set(user, new Set([...(this.#userRoles.get(user) ?? []), role]))
  }

  #unbind(user: string, role: string): void {
    const left = this.rolesOf(user).filter((other) => other !== role)
    if (left.length === 0) this.#userRoles.delete(user)
    else this.#userRoles.set(user, new Set(left))
  }

  #run(sql: string, ...values: string[]): void {
    this.#file.prepare(sql).run(...values)
    this.revision++
  }

  #transaction(work: () => void): void {
    this.#file.transaction(work)
    this.revision++
  }
}

function rows(file: File, sql: string): readonly Record<string, unknown>[] {
  return file.prepare(sql).all()
}

function grantKey(grant: Omit<GrantInfo, 'grantor'>): string {
  return [grant.role, grant.object, grant.objectName, grant.db, grant.privilege].join('\0')
}
