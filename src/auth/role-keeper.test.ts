import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GrantKeeper } from './grant-keeper.ts'
import { memoryRoles } from './memory-roles.test-support.ts'
import { RoleKeeper } from './role-keeper.ts'

const USERS = ['root', 'ann']

function open(publicPrivilege = true, records = memoryRoles()) {
  const options = { records, rolesMax: 4, nameBytesMax: 255, publicPrivilege }
  const roles = new RoleKeeper({ ...options, userExists: (user) => USERS.includes(user), users: () => USERS })
  roles.ensureDefaults()
  return { records, roles, grants: new GrantKeeper({ records, roles, nameBytesMax: 255 }) }
}

const insert = { kind: 'privilege', object: 'Collection', privilege: 'PrivilegeInsert' } as const
const detail = { kind: 'privilege', object: 'Collection', privilege: 'PrivilegeIndexDetail' } as const
const v1 = { role: 'r', object: 'Collection', objectName: 'c', db: 'default', privilege: 'Insert', revoke: false }
const v2 = { role: 'r', db: 'default', collection: 'c', privilege: 'Insert', revoke: false }
const on = { db: 'default', name: 'c' }

function withRole() {
  const opened = open()
  opened.roles.create({ role: 'r', description: '' })
  return opened
}

describe('roles', () => {
  it('are refused by the rules of Milvus, in its words', () => {
    const { roles } = withRole()
    const create = (role: string) => () => roles.create({ role, description: '' })
    const cases: readonly (readonly [() => void, string | RegExp])[] = [
      [create(''), /^role name should be not empty/],
      [create('1a'), /^the first character of role name must be an underscore or letter/],
      [create('a-b'), /^role name can only contain numbers, letters, dollars and underscores, found - at 1/],
      [create('x'.repeat(256)), /^the length of role name must be not greater than limit/],
      [create('r'), 'role [name:"r"] already exists'],
      [
        () => roles.drop({ role: 'admin', force: true }),
        "the role[admin] is a default role, which can't be dropped: privilege not permitted",
      ],
      [
        () => roles.drop({ role: 'no', force: false }),
        "not found the role, maybe the role isn't existed or internal system error",
      ],
      [
        () => roles.operateUser({ user: 'eve', role: 'r', remove: false }),
        "not found the user, maybe the user isn't existed or internal system error",
      ],
      [() => roles.operateUser({ user: 'ann', role: 'no', remove: false }), /^not found the role/],
    ]
    for (const [attempt, message] of cases) assert.throws(attempt, { message })
    create('last')()
    assert.throws(create('more'), {
      message: 'unable to create role because the number of roles has reached the limit',
    })
  })

  it('with grants go only by force, and take their grants and users along', () => {
    const { roles, grants, records } = withRole()
    grants.operate('root', v1)
    roles.operateUser({ user: 'ann', role: 'r', remove: false })
    assert.equal(roles.permissions('ann').holds(insert, on), true)
    assert.throws(() => roles.drop({ role: 'r', force: false }), /^RedkiteError: fail to drop the role that it has/)
    roles.drop({ role: 'r', force: true })
    assert.equal(roles.permissions('ann').holds(insert, on), false)
    roles.create({ role: 'r', description: '' })
    assert.deepEqual([records.grantsOf('r'), records.usersOf('r')], [[], []])
  })

  it('decide at once after each change', () => {
    const { roles, grants } = withRole()
    const may = () => roles.permissions('ann').holds(insert, on)
    const seen = [may()]
    grants.operate('root', v1)
    seen.push(may())
    roles.operateUser({ user: 'ann', role: 'r', remove: false })
    seen.push(may())
    grants.operate('root', { ...v1, revoke: true })
    seen.push(may())
    grants.createGroup({ group: 'g' })
    grants.operateV2('root', { ...v2, privilege: 'g' })
    seen.push(may())
    grants.operateGroup({ group: 'g', privileges: ['Insert'], remove: false })
    seen.push(may())
    roles.operateUser({ user: 'ann', role: 'r', remove: true })
    seen.push(may())
    assert.deepEqual(seen, [false, false, true, false, false, true, false])
  })

  it('public has its defaults, gives them up with the switch, and keeps what was granted', () => {
    const { roles, records, grants } = open()
    assert.equal(roles.permissions('ann').holds(detail, on), true)
    grants.operate('root', { ...v1, role: 'public', privilege: 'Search' })
    const off = open(false, records)
    assert.equal(off.roles.permissions('ann').holds(detail, on), false)
    assert.deepEqual(
      records.grantsOf('public').map(({ privilege }) => privilege),
      ['Search'],
    )
    // granted on purpose it stays
    off.grants.operate('root', { ...v1, role: 'public', privilege: 'IndexDetail', objectName: '*', db: '*' })
    assert.equal(open(false, records).roles.permissions('ann').holds(detail, on), true)
  })

  it('root has admin from the start, and not again once it was taken away', () => {
    const { roles, records } = open()
    assert.deepEqual(records.rolesOf('root'), ['admin'])
    roles.operateUser({ user: 'root', role: 'admin', remove: true })
    open(true, records)
    assert.deepEqual(records.rolesOf('root'), [])
  })
})

describe('grants', () => {
  it('are refused by the rules of Milvus, in its words', () => {
    const { grants } = withRole()
    grants.createGroup({ group: 'g' })
    const one = (change: object) => () => grants.operate('root', { ...v1, ...change })
    const two = (change: object) => () => grants.operateV2('root', { ...v2, ...change })
    const cases: readonly (readonly [() => void, string | RegExp])[] = [
      [one({ role: 'no' }), /^not found the role/],
      [one({ object: 'Table' }), 'the object entity in the request is nil or invalid'],
      [one({ privilege: 'Fly' }), 'not found the privilege name[Fly]'],
      [one({ privilege: 'CreateCollection' }), 'not found the privilege name[CreateCollection] in object[Collection]'],
      [one({ privilege: 'g' }), 'can not operate the custom privilege group [g]'],
      [one({ privilege: 'CollectionAdmin' }), 'can not operate the built-in privilege group [CollectionAdmin]'],
      [two({ privilege: 'Fly' }), 'not found the privilege name[Fly]'],
      [
        two({ privilege: 'ClusterAdmin' }),
        /^dbName and collectionName should be \* for the cluster level privilege: ClusterAdmin/,
      ],
      [two({ privilege: 'DatabaseAdmin' }), /^collectionName should be \* for the database level privilege: Database/],
      [
        two({ privilege: 'CollectionAdmin', db: '*' }),
        /^please specify database name for the collection level privilege: CollectionAdmin/,
      ],
      [two({ privilege: 'All' }), /^collectionName should be \* for the database level privilege: All/],
      [two({ collection: '' }), /^collection name should not be empty/],
    ]
    for (const [attempt, message] of cases) assert.throws(attempt, { message })
    assert.deepEqual(grants.select({ role: 'r', db: '*', object: '', objectName: '' }), { grants: [] })
  })

  it('twice are one, and taking back what is not there is no error', () => {
    const { grants } = withRole()
    grants.operate('root', { ...v1, revoke: true })
    grants.operate('root', v1)
    grants.operate('ann', v1)
    const { revoke: _, ...shown } = v1
    const select = (db: string) => grants.select({ role: 'r', db, object: '', objectName: '' }).grants
    assert.deepEqual(select('default'), [{ ...shown, grantor: 'ann' }])
    assert.deepEqual(select('shop'), [])
    grants.operate('root', { ...v1, db: '*' })
    assert.equal(select('shop').length, 1)
  })
})

describe('privilege groups', () => {
  it('are refused by the rules of Milvus, in its words', () => {
    const { grants } = withRole()
    grants.createGroup({ group: 'g' })
    const operate = (group: string, privileges: readonly string[]) => () =>
      grants.operateGroup({ group, privileges, remove: false })
    const cases: readonly (readonly [() => void, RegExp])[] = [
      [() => grants.createGroup({ group: 'a-b' }), /can only contain numbers, letters and underscores.*invalid priv/],
      [() => grants.createGroup({ group: 'g' }), /^privilege group name \[g\] is defined by users/],
      [
        () => grants.createGroup({ group: 'Insert' }),
        /is defined by built in privileges or privilege groups in system/,
      ],
      [() => grants.createGroup({ group: 'ClusterAdmin' }), /is defined by built in privileges/],
      [operate('no', ['Insert']), /^there is no privilege group name \[no\] defined in system to operate/],
      [operate('g', []), /^privileges is empty when alter the privilege group/],
      [operate('g', ['Fly']), /^there is no privilege name or privilege group name \[Fly\] defined in system/],
      [operate('g', ['Insert', 'CreateDatabase']), /^privileges are not the same privilege level/],
    ]
    for (const [attempt, message] of cases) assert.throws(attempt, { message })
    grants.operateV2('root', { ...v2, privilege: 'g' })
    assert.throws(() => grants.dropGroup({ group: 'g' }), /privilege group \[g\] is used by role \[r\]/)
    grants.operateV2('root', { ...v2, privilege: 'g', revoke: true })
    grants.dropGroup({ group: 'g' })
    grants.dropGroup({ group: 'g' })
    assert.equal(grants.groups().groups.length, 9)
  })
})
