import type { GrantInfo } from '../model/role-calls.ts'
import type { Access, Target } from '../ops/op.ts'
import {
  ALL,
  ANY,
  builtInGroup,
  isPrivilegeObject,
  levelOf,
  objectOf,
  type PrivilegeObject,
  privilegesOn,
  RELATED,
} from './privileges.ts'

/** Database -> names of objects in it; both may be `*`. */
type Places = Map<string, Set<string>>

/** What somebody may do, computed once from the grants of the roles. */
export interface Permissions {
  /** Whether a privilege is held on a target. */
  holds(access: Access & { kind: 'privilege' }, target: Target): boolean
  /** Whether it is held on whatever there is, in every database. */
  holdsEverywhere(access: Access & { kind: 'privilege' }): boolean
  seesDatabase(db: string): boolean
  seesCollection(db: string, collection: string): boolean
}

/** Somebody with the role `admin`. */
export const EVERYTHING: Permissions = Object.freeze({
  holds: () => true,
  holdsEverywhere: () => true,
  seesDatabase: () => true,
  seesCollection: () => true,
})

/** One thing that is granted: a privilege on objects of its type. */
export interface Rule {
  /** `*` = whatever is asked for on an object of this type. */
  readonly privilege: string
  readonly object: PrivilegeObject
  readonly db: string
  readonly name: string
}

/**
 * What a grant comes to (Milvus 2.6 `rootcoord`: groups are expanded, each member on the object that it is about): a
 * member on the whole database or the cluster leaves the name of a collection behind, one on the cluster the database.
 * A name that is defined nowhere gives nothing. `All` stays: it is no rule on an object, see `permissionsOf`.
 */
export function expand(grant: Omit<GrantInfo, 'role' | 'grantor'>, groups: CustomGroups): readonly Rule[] {
  const { db, objectName } = grant
  if (grant.privilege === ANY) {
    if (!isPrivilegeObject(grant.object)) return []
    const name = grant.object === 'Global' ? ANY : objectName
    return [ANY, ...privilegesOn(grant.object)]
      .filter((privilege) => privilege !== ALL)
      .map((privilege) => ({ privilege, object: grant.object as PrivilegeObject, db, name }))
  }
  const members = builtInGroup(grant.privilege) ?? groups(grant.privilege)
  return (members ?? [grant.privilege])
    .flatMap((name) => [name, ...(RELATED.get(name) ?? [])])
    .flatMap((privilege) => {
      const object = objectOf(privilege)
      if (object === null || privilege === ALL) return []
      const isNarrow = object === 'Collection' || (object === 'User' && members === null)
      const isOfCluster = members !== null && levelOf(privilege) === 'Cluster'
      return [{ privilege, object, db: isOfCluster ? ANY : db, name: isNarrow ? objectName : ANY }]
    })
}

/** The privileges of a group that users made; null = there is none of that name. */
export type CustomGroups = (name: string) => readonly string[] | null

/**
 * What grants come to together.
 * @param shared grants that everybody has: they allow, and show no database and no collection (as Milvus)
 */
export function permissionsOf(
  own: readonly GrantInfo[],
  groups: CustomGroups,
  shared: readonly GrantInfo[] = [],
): Permissions {
  const held = new Map<string, { readonly object: PrivilegeObject; readonly places: Places }>()
  const onAnything = new Map<string, Places>()
  const everythingIn = new Set<string>()
  const databases = new Set<string>()
  const collections: Places = new Map()
  for (const grant of own) {
    databases.add(grant.db)
    if (containsAll(grant.privilege, groups)) place(collections, grant.db, ANY)
    for (const { privilege, object, db, name } of expand(grant, groups)) {
      if (object === 'Collection') place(collections, db, name)
      if (privilege === 'ShowCollections') place(collections, db, ANY)
    }
  }
  for (const grant of [...own, ...shared]) {
    if (containsAll(grant.privilege, groups)) everythingIn.add(grant.db)
    for (const { privilege, object, db, name } of expand(grant, groups)) {
      if (privilege === ANY) place(placesOf(onAnything, object), db, name)
      else {
        const known = held.get(privilege) ?? { object, places: new Map() }
        place(known.places, db, name)
        held.set(privilege, known)
      }
    }
  }
  const isIn = (db: string) => everythingIn.has(db) || everythingIn.has(ANY)
  const holds: Permissions['holds'] = ({ object, privilege }, { db, name }) => {
    if (isIn(db)) return true
    // the protocol's names have a prefix that the API's have not
    const known = held.get(nameOf(privilege))
    if (known && known.object === object && covers(known.places, db, name)) return true
    const wild = onAnything.get(object)
    return wild !== undefined && covers(wild, db, name)
  }
  return {
    holds,
    holdsEverywhere: (access) => holds(access, EVERYWHERE),
    seesDatabase: (db) => databases.has(db) || databases.has(ANY),
    seesCollection: (db, collection) => covers(collections, db, collection),
  }
}

const EVERYWHERE: Target = Object.freeze({ db: ANY, name: ANY })
const PREFIX = 'Privilege'
const names = new Map<string, string>()

/** `PrivilegeInsert` -> `Insert`; remembered, since there are few and each call asks. */
function nameOf(declared: string): string {
  const known = names.get(declared)
  if (known !== undefined) return known
  const name = declared.startsWith(PREFIX) ? declared.slice(PREFIX.length) : declared
  names.set(declared, name)
  return name
}

function containsAll(privilege: string, groups: CustomGroups): boolean {
  return privilege === ALL || (groups(privilege)?.includes(ALL) ?? false)
}

function placesOf(map: Map<string, Places>, key: string): Places {
  const known = map.get(key) ?? new Map<string, Set<string>>()
  map.set(key, known)
  return known
}

function place(places: Places, db: string, name: string): void {
  const names = places.get(db) ?? new Set<string>()
  places.set(db, names.add(name))
}

function covers(places: Places, db: string, name: string): boolean {
  const here = places.get(db)
  if (here && (here.has(ANY) || here.has(name))) return true
  const everywhere = places.get(ANY)
  return everywhere !== undefined && (everywhere.has(ANY) || everywhere.has(name))
}
