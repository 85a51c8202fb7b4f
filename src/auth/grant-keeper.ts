import { fault, faultText } from '../errors/error.ts'
import type { ReplyOf, RequestOf } from '../model/calls.ts'
import type { GrantInfo } from '../model/role-calls.ts'
import {
  ALL,
  ANY,
  BUILT_IN_GROUPS,
  builtInGroup,
  isDefined,
  isGrantableOn,
  isPrivilegeObject,
  levelOf,
  objectOf,
  type PrivilegeObject,
} from './privileges.ts'
import { isSame, type RoleKeeper, type RoleRecords } from './role-keeper.ts'
import { checkGroupName, checkObjectName, checkPrivilegeName, checkRoleName } from './role-names.ts'

export interface GrantKeeperOptions {
  readonly records: RoleRecords
  readonly roles: RoleKeeper
  readonly nameBytesMax: number
}

/** Bounds of our own: what everything has. */
const GRANTS_MAX = 65_536
const GROUPS_MAX = 1_024
const OBJECT_INVALID = 'the object entity in the request is nil or invalid'
const ROOT = 'root'

/** Grants of both versions and privilege groups, by Milvus' rules (2.6 `rootcoord/root_coord.go`, `meta_table.go`). */
export class GrantKeeper {
  readonly #options: GrantKeeperOptions

  constructor(options: GrantKeeperOptions) {
    this.#options = options
  }

  /** A grant by object (v1). @param grantor null = authorisation is off, and nobody is known */
  operate(grantor: string | null, request: RequestOf<'OperatePrivilege'>): void {
    const { role, object, objectName, privilege, db } = request
    this.#check(role, privilege)
    const name = object === 'Global' ? ANY : objectName
    checkObjectName(name, this.#options.nameBytesMax)
    if (!isPrivilegeObject(object)) throw faultText('unexpected', OBJECT_INVALID)
    this.#options.roles.mustExist(role)
    this.#checkPrivilege(privilege, object)
    this.#write(request.revoke, { role, object, objectName: name, db, privilege, grantor: grantor ?? ROOT })
  }

  #check(role: string, privilege: string): void {
    const { nameBytesMax } = this.#options
    checkRoleName(role, nameBytesMax)
    checkPrivilegeName(privilege, nameBytesMax)
  }

  #checkPrivilege(privilege: string, object: PrivilegeObject): void {
    if (privilege === ANY) return
    if (this.#options.records.group(privilege) !== null) {
      throw faultText('unexpected', `can not operate the custom privilege group [${privilege}]`)
    }
    if (BUILT_IN_GROUPS.has(privilege)) {
      throw faultText('unexpected', `can not operate the built-in privilege group [${privilege}]`)
    }
    if (isGrantableOn(object, privilege)) return
    const where = isDefined(privilege) ? ` in object[${object}]` : ''
    throw faultText('unexpected', `not found the privilege name[${privilege}]${where}`)
  }

  /**
   * A grant by database and collection (v2). `All` on one collection is refused, where Milvus takes it and gives the
   * whole database.
   */
  operateV2(grantor: string | null, request: RequestOf<'OperatePrivilegeV2'>): void {
    const { role, privilege, db } = request
    const { records, roles, nameBytesMax } = this.#options
    this.#check(role, privilege)
    roles.mustExist(role)
    if (privilege !== ANY && records.group(privilege) === null && !isDefined(privilege)) {
      throw faultText('unexpected', `not found the privilege name[${privilege}]`)
    }
    const members = builtInGroup(privilege) ?? records.group(privilege)?.privileges ?? null
    const [first = privilege] = members ?? []
    const level = first === ALL ? 'Database' : levelOf(first)
    if (request.collection === '' && level !== 'Database' && level !== 'Cluster') {
      throw fault('invalidParameter', 'collection name should not be empty')
    }
    const collection = request.collection === '' ? ANY : request.collection
    if (collection !== ANY) checkObjectName(collection, nameBytesMax)
    if (members !== null || privilege === ALL) checkLevel(privilege, level, db, collection)
    const object = (members === null ? objectOf(privilege) : null) ?? 'Global'
    this.#write(request.revoke, { role, object, objectName: collection, db, privilege, grantor: grantor ?? ROOT })
  }

  /** Granting twice and revoking what is not there are no errors (as Milvus). */
  #write(revoke: boolean, grant: GrantInfo): void {
    const { records } = this.#options
    if (revoke) {
      if (records.grantsOf(grant.role).some((g) => isSame(g, grant))) records.dropGrant(grant)
      return
    }
    if (records.grants().length >= GRANTS_MAX) {
      throw fault('invalidParameter', 'unable to grant because the number of grants has reached the limit', {
        limit: GRANTS_MAX,
      })
    }
    records.putGrant(grant)
  }

  /** Grants of a role in a database and those that hold in every one. */
  select({ role, db, object, objectName }: RequestOf<'SelectGrant'>): ReplyOf<'SelectGrant'> {
    if (role === '') throw faultText('unexpected', 'the name in the role entity is empty')
    this.#options.roles.mustExist(role)
    if (object !== '' && !isPrivilegeObject(object)) {
      const types = '[Collection Global User]'
      const text = `not found the object type[name: ${object}], supported the object types: ${types}`
      throw faultText('unexpected', text)
    }
    const grants = this.#options.records
      .grantsOf(role)
      .filter((grant) => db === ANY || grant.db === db || grant.db === ANY)
      .filter((grant) => object === '' || grant.object === object)
      .filter((grant) => objectName === '' || grant.objectName === objectName)
    return { grants: grants.map((grant) => ({ ...grant, grantor: grant.grantor === '' ? ROOT : grant.grantor })) }
  }

  createGroup({ group }: RequestOf<'CreatePrivilegeGroup'>): void {
    const { records, nameBytesMax } = this.#options
    checkGroupName(group, nameBytesMax)
    const prefix = `privilege group name [${group}] is defined by`
    if (records.group(group) !== null) throw fault('invalidParameter', `${prefix} users`)
    if (isDefined(group)) {
      throw fault('invalidParameter', `${prefix} built in privileges or privilege groups in system`)
    }
    if (records.groups().length >= GROUPS_MAX) {
      const text = 'unable to create privilege group because the number of groups has reached the limit'
      throw fault('invalidParameter', text, { limit: GROUPS_MAX })
    }
    records.putGroup({ group, privileges: [] })
  }

  /** A group that is not there is no error (as Milvus). */
  dropGroup({ group }: RequestOf<'DropPrivilegeGroup'>): void {
    const { records, nameBytesMax } = this.#options
    checkGroupName(group, nameBytesMax)
    const user = records.grants().find((grant) => grant.privilege === group)
    if (user && records.group(group) !== null) {
      const text = `privilege group [${group}] is used by role [${user.role}], Use REVOKE API to revoke it first`
      throw faultText('unexpected', text)
    }
    if (records.group(group) !== null) records.dropGroup(group)
  }

  /** Those of users and the built-in ones. */
  groups(): ReplyOf<'ListPrivilegeGroups'> {
    const builtIn = [...BUILT_IN_GROUPS].map(([group, privileges]) => ({ group, privileges }))
    return { groups: [...this.#options.records.groups(), ...builtIn] }
  }

  /** A group in a group stands for what it holds now. */
  operateGroup({ group, privileges, remove }: RequestOf<'OperatePrivilegeGroup'>): void {
    const { records, nameBytesMax } = this.#options
    checkGroupName(group, nameBytesMax)
    const entry = records.group(group)
    if (!entry) {
      throw fault('invalidParameter', `there is no privilege group name [${group}] defined in system to operate`)
    }
    if (privileges.length === 0) {
      throw fault('invalidParameter', 'privileges is empty when alter the privilege group')
    }
    const named = new Set(privileges.flatMap((name) => this.#membersOf(name)))
    const after = remove
      ? entry.privileges.filter((name) => !named.has(name))
      : [...new Set([...entry.privileges, ...named])]
    if (!remove && new Set(after.map(levelOf)).size > 1) {
      throw fault('invalidParameter', 'privileges are not the same privilege level')
    }
    records.putGroup({ group, privileges: after })
  }

  #membersOf(name: string): readonly string[] {
    const members = builtInGroup(name) ?? this.#options.records.group(name)?.privileges
    if (members) return members
    if (objectOf(name) !== null) return [name]
    const text = `there is no privilege name or privilege group name [${name}] defined in system to operate`
    throw fault('invalidParameter', text)
  }
}

/** What a group's level lets a grant be narrowed to. */
function checkLevel(name: string, level: ReturnType<typeof levelOf>, db: string, collection: string): void {
  const refused = (text: string) => fault('invalidParameter', `${text} level privilege: ${name}`)
  if (level === 'Cluster' && (db !== ANY || collection !== ANY)) {
    throw refused('dbName and collectionName should be * for the cluster')
  }
  if (level === 'Database' && collection !== ANY) throw refused('collectionName should be * for the database')
  if (level === 'Collection' && db === ANY && collection !== ANY) {
    throw refused('please specify database name for the collection')
  }
}
