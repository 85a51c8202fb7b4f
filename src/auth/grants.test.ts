import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { GrantInfo, PrivilegeGroup } from '../model/role-calls.ts'
import { permissionsOf } from './grants.ts'
import { ALL, ANY, BUILT_IN_GROUPS, builtInGroup, levelOf, objectOf, PRIVILEGES, RELATED } from './privileges.ts'

const DBS = ['default', 'shop']
const NAMES = ['a', 'b']
const customs = ['mine', 'other']

/** Privileges of every kind, related ones among them. */
const some = ['Insert', 'Load', 'GetLoadState', 'Flush', 'GetFlushState', 'CreateCollection', 'ShowCollections']
const anyPrivilege = fc.constantFrom(...some, 'DescribeDatabase', 'CreateOwnership', 'SelectUser', 'UpdateUser', ALL)
const groups = fc
  .record({ mine: fc.subarray(some), other: fc.subarray([...PRIVILEGES], { maxLength: 4 }) })
  .map((made) => customs.map((group): PrivilegeGroup => ({ group, privileges: made[group as 'mine'] })))

const grant: fc.Arbitrary<GrantInfo> = fc
  .record({
    privilege: fc.oneof(anyPrivilege, fc.constantFrom(ANY, 'ReadOnly', 'Admin', ...BUILT_IN_GROUPS.keys(), ...customs)),
    db: fc.constantFrom(...DBS, ANY),
    objectName: fc.constantFrom(...NAMES, ANY),
    wild: fc.constantFrom('Global', 'Collection', 'User'),
  })
  .map(({ privilege, db, objectName, wild }) => {
    const object = privilege === ANY ? wild : (objectOf(privilege) ?? 'Global')
    const isGlobal = object === 'Global' && objectOf(privilege) !== null
    return { role: 'r', object, objectName: isGlobal ? ANY : objectName, db, privilege, grantor: 'root' }
  })

/** The rules of Milvus' documentation, asked one grant at a time and without any table. */
function naive(
  grants: readonly GrantInfo[],
  made: readonly PrivilegeGroup[],
  privilege: string,
  object: string,
  db: string,
  name: string,
): boolean {
  return grants.some((g) => {
    const inDb = g.db === ANY || g.db === db
    const members = builtInGroup(g.privilege) ?? made.find(({ group }) => group === g.privilege)?.privileges
    if (g.privilege === ALL || members?.includes(ALL)) if (inDb) return true
    const byName = g.objectName === ANY || g.objectName === name
    if (g.privilege === ANY) return inDb && g.object === object && (object === 'Global' || byName)
    const gives = (members ?? [g.privilege]).some((m) => {
      if (m !== privilege && !RELATED.get(m)?.includes(privilege)) return false
      return objectOf(privilege) === object
    })
    if (!gives) return false
    if (members === undefined) return inDb && (object === 'Global' || byName)
    const dbMatters = levelOf(privilege) !== 'Cluster'
    return (inDb || !dbMatters) && (object !== 'Collection' || byName)
  })
}

describe('what grants come to', () => {
  it('is what each of them gives, asked one after the other', () => {
    const asked = fc.record({
      privilege: fc.constantFrom(...some, 'DescribeDatabase', 'CreateOwnership', 'SelectUser', 'Unheard'),
      object: fc.constantFrom('Global' as const, 'Collection' as const, 'User' as const),
      db: fc.constantFrom(...DBS, 'third'),
      name: fc.constantFrom(...NAMES, 'c', ''),
    })
    fc.assert(
      fc.property(fc.array(grant, { maxLength: 4 }), groups, asked, (grants, made, { privilege, object, db, name }) => {
        const target = { db, name: object === 'Global' ? ANY : name }
        const permissions = permissionsOf(grants, (g) => made.find(({ group }) => group === g)?.privileges ?? null)
        const access = { kind: 'privilege', object, privilege: `Privilege${privilege}` } as const
        assert.equal(permissions.holds(access, target), naive(grants, made, privilege, object, db, target.name))
        if (permissions.holdsEverywhere(access)) assert.ok(permissions.holds(access, target))
      }),
      { numRuns: 5_000 },
    )
  })

  it('shows a collection to who holds something on it, and its database', () => {
    const on = (g: Partial<GrantInfo>) =>
      permissionsOf(
        [{ role: 'r', object: 'Collection', objectName: 'a', db: 'shop', privilege: 'Search', grantor: '', ...g }],
        () => null,
      )
    const one = on({})
    assert.deepEqual([one.seesDatabase('shop'), one.seesDatabase('default')], [true, false])
    assert.deepEqual([one.seesCollection('shop', 'a'), one.seesCollection('shop', 'b')], [true, false])
    assert.equal(one.seesCollection('default', 'a'), false)
    const group = on({ object: 'Global', privilege: 'CollectionReadOnly' })
    assert.deepEqual([group.seesCollection('shop', 'a'), group.seesCollection('shop', 'b')], [true, false])
    const all = on({ object: 'Global', objectName: '*', privilege: 'All' })
    assert.deepEqual([all.seesCollection('shop', 'b'), all.seesCollection('default', 'b')], [true, false])
    assert.equal(
      on({ object: 'Global', privilege: 'DatabaseReadOnly', objectName: '*' }).seesCollection('shop', 'b'),
      true,
    )
    assert.equal(on({ object: 'Global', privilege: 'CreateAlias', objectName: '*' }).seesCollection('shop', 'b'), false)
  })
})
