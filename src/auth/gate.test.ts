import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RedkiteError } from '../errors/error.ts'
import { Secret } from '../model/calls.ts'
import { silentLog } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import type { Caller } from '../service.ts'
import type { Credentials } from './authority.ts'
import { BackOff } from './back-off.ts'
import { Gate } from './gate.ts'
import { type CredentialStore, Keeper } from './keeper.ts'
import { memoryRoles } from './memory-roles.test-support.ts'
import { RoleKeeper } from './role-keeper.ts'

const LIMITS = { usernameBytesMax: 32, passwordBytesMin: 6, passwordBytesMax: 72, usersMax: 3, waitingMax: 8 }
const BACK_OFF = { attemptsMax: 5, windowMs: 600_000 }
const PEER = from('127.0.0.1:5000')
const NEVER = new AbortController().signal

function from(peer: string): Caller {
  return { id: 1, listener: 'proxy', peer, tls: null }
}

function memoryStore(): CredentialStore {
  const users = new Map<string, { user: string; hash: string }>()
  return {
    credential: (user) => users.get(user) ?? null,
    credentials: () => [...users.values()],
    putCredential: (entry) => void users.set(entry.user, entry),
    dropCredential: (user) => void users.delete(user),
  }
}

async function gateWithRoot(enabled = true) {
  const store = memoryStore()
  const keeper = new Keeper({ store, superUsers: ['boss'], ...LIMITS })
  await keeper.ensureRoot(new Secret('Milvus'))
  const records = memoryRoles()
  const roles = new RoleKeeper({
    ...{ records, rolesMax: 10, nameBytesMax: 255, publicPrivilege: true },
    userExists: (user) => keeper.exists(user),
    users: () => keeper.users(),
  })
  roles.ensureDefaults()
  const options = {
    enabled,
    keeper,
    roles,
    rootShouldBindRole: false,
    resolveAlias: (_db: string, name: string) => name,
  }
  return {
    keeper,
    store,
    records,
    gate: new Gate({ ...options, backOff: BACK_OFF, log: silentLog, metrics: createMetrics() }),
  }
}

function metadata(text: string): Credentials {
  return { kind: 'metadata', value: Buffer.from(text).toString('base64') }
}

async function refusal(promise: Promise<unknown>): Promise<RedkiteError> {
  try {
    await promise
  } catch (thrown) {
    return thrown as RedkiteError
  }
  throw new Error('it was admitted')
}

describe('the gate', () => {
  it('answers each wrong login over gRPC with the text of Milvus', async () => {
    const { gate } = await gateWithRoot()
    const cases: readonly (readonly [Credentials, string])[] = [
      [{ kind: 'none' }, 'missing authorization in header'],
      [{ kind: 'metadata', value: 'not base64!' }, 'invalid token format'],
      [metadata('a-bare-api-key'), 'auth check failure, please check api key is correct'],
      [metadata('root:wrong'), 'auth check failure, please check username and password are correct'],
      [metadata('nobody:Milvus'), 'auth check failure, please check username and password are correct'],
    ]
    for (const [credentials, text] of cases) {
      const error = await refusal(gate.authenticate(credentials, PEER))
      assert.equal(error.kind, 'unauthenticated')
      assert.equal(error.message, text)
      assert.equal(error.row.grpc, 16)
    }
  })

  it('reads the three forms of the REST header', async () => {
    const { gate } = await gateWithRoot()
    const basic = `Basic ${Buffer.from('root:Milvus').toString('base64')}`
    for (const value of [basic, 'Bearer root:Milvus', 'root:Milvus']) {
      assert.deepEqual(await gate.authenticate({ kind: 'header', value }, PEER), {
        kind: 'user',
        user: 'root',
        isRoot: true,
        proof: 'password',
      })
    }
    for (const value of ['Bearer root:', 'Bearer :Milvus', 'Bearer key', 'Bearer root:wrong', 'Basic ???']) {
      const error = await refusal(gate.authenticate({ kind: 'header', value }, PEER))
      assert.equal(error.message, "user hasn't authenticated")
      assert.equal(error.row.http, 401)
    }
  })

  it('splits the token at its first colon', async () => {
    const { gate, keeper } = await gateWithRoot()
    await keeper.create('colon', new Secret('a:b:c:d'))
    assert.equal((await gate.authenticate(metadata('colon:a:b:c:d'), PEER)).kind, 'user')
  })

  it('forgets a verified token when the password changes or the user goes', async () => {
    const { gate, keeper } = await gateWithRoot()
    await keeper.create('ann', new Secret('first-password'))
    await gate.authenticate(metadata('ann:first-password'), PEER)
    assert.equal(keeper.isVerified('ann', new Secret('first-password')), true)
    await keeper.update('ann', 'ann', new Secret('first-password'), new Secret('second-password'))
    assert.equal(keeper.isVerified('ann', new Secret('first-password')), false)
    await refusal(gate.authenticate(metadata('ann:first-password'), PEER))
    await gate.authenticate(metadata('ann:second-password'), PEER)
    keeper.remove('ann')
    await refusal(gate.authenticate(metadata('ann:second-password'), PEER))
  })

  it('waits longer after repeated failures, for that user at that address only', async () => {
    const { gate } = await gateWithRoot()
    for (let i = 0; i < 5; i++) await refusal(gate.authenticate(metadata('root:wrong'), PEER))
    const error = await refusal(gate.authenticate(metadata('root:Milvus'), PEER))
    assert.match(error.message, /too many failed logins, try again in \d+ s/)
    assert.equal((await gate.authenticate(metadata('root:Milvus'), from('10.0.0.9:1'))).kind, 'user')
  })

  it('admits root to everything, others only to what the public role has, nobody without a login', async () => {
    const { gate } = await gateWithRoot()
    const search = {
      rpc: 'Search',
      access: { kind: 'privilege', object: 'Collection', privilege: 'PrivilegeSearch' },
      targets: () => [{ db: 'shop', name: 'c' }],
    } as const
    const describeOp = {
      rpc: 'DescribeCollection',
      access: { kind: 'privilege', object: 'Global', privilege: 'PrivilegeDescribeCollection' },
      targets: () => [{ db: 'shop', name: '*' }],
    } as const
    const request = { db: 'shop', collection: 'c', collectionId: 0n }
    const ann = { kind: 'user', user: 'ann', isRoot: false, proof: 'password' } as const
    gate.admit({ kind: 'user', user: 'root', isRoot: true, proof: 'password' }, describeOp, request, PEER, NEVER)
    gate.admit(ann, describeOp, request, PEER, NEVER)
    assert.throws(() => gate.admit(ann, search, request as never, PEER, NEVER), {
      kind: 'permissionDenied',
      message: 'PrivilegeSearch: permission deny to ann in the `shop` database',
    })
    assert.throws(() => gate.admit({ kind: 'anonymous' }, describeOp, request, PEER, NEVER), {
      kind: 'unauthenticated',
    })
  })

  it('lets a user change the own password and nobody else’s', async () => {
    const { gate } = await gateWithRoot()
    const op = {
      rpc: 'UpdateCredential',
      access: { kind: 'privilege', object: 'User', privilege: 'PrivilegeUpdateUser' },
      targets: ({ user }: { user: string }) => [{ db: 'default', name: user }],
    } as const
    const request = { user: 'ann', oldPassword: new Secret('x'), newPassword: new Secret('y') }
    gate.admit({ kind: 'user', user: 'ann', isRoot: false, proof: 'password' }, op, request, PEER, NEVER)
    assert.throws(
      () => gate.admit({ kind: 'user', user: 'bob', isRoot: false, proof: 'password' }, op, request, PEER, NEVER),
      {
        kind: 'permissionDenied',
      },
    )
  })
})

describe('users', () => {
  it('are refused by the rules of Milvus, in its words', async () => {
    const { keeper } = await gateWithRoot()
    const password = new Secret('long-enough')
    const cases: readonly (readonly [Promise<unknown>, RegExp])[] = [
      [keeper.create('9lives', password), /first character must be a letter/],
      [keeper.create('a b', password), /must only contain letters, numbers/],
      [keeper.create('a'.repeat(33), password), /length of username must be less than 32/],
      [
        keeper.create('ann', new Secret('short')),
        /^invalid password length: invalid parameter\[5 out of range 6 <= value <= 72\]$/,
      ],
      [keeper.create('root', password), /user already exists: root/],
      [
        keeper.update('ann', 'root', new Secret('wrong'), password),
        /old password not correct for root: not authenticated/,
      ],
    ]
    for (const [attempt, text] of cases) assert.match((await refusal(attempt)).message, text)
    await keeper.update('boss', 'root', new Secret(''), password)
    assert.equal(await keeper.verify('root', password), true)
  })

  it('are limited in number', async () => {
    const { keeper } = await gateWithRoot()
    await keeper.create('ann', new Secret('password'))
    await keeper.create('bob', new Secret('password'))
    assert.match((await refusal(keeper.create('eve', new Secret('password')))).message, /reached the limit/)
  })

  it('never show a secret', async () => {
    const secret = new Secret('canary-password')
    assert.equal(`${secret} ${JSON.stringify({ secret })} ${String(secret)}`.includes('canary'), false)
    const { store } = await gateWithRoot()
    assert.equal(JSON.stringify(store.credentials()).includes('Milvus'), false)
  })
})

describe('the back-off', () => {
  it('doubles up to a minute and ends with time', () => {
    let now = 0
    const backOff = new BackOff(BACK_OFF, () => now)
    const waits: number[] = []
    for (let i = 0; i < 14; i++) {
      backOff.failed('ann', 'a')
      waits.push(backOff.waitMs('ann', 'a'))
    }
    assert.deepEqual(waits.slice(0, 8), [0, 0, 0, 0, 1_000, 2_000, 4_000, 8_000])
    assert.equal(Math.max(...waits), 60_000)
    assert.equal(backOff.waitMs('ann', 'b'), 0)
    assert.equal(backOff.waitMs('bob', 'a'), 0)
    now = 60_000
    assert.equal(backOff.waitMs('ann', 'a'), 0)
    now = 700_000
    backOff.failed('ann', 'a')
    assert.equal(backOff.waitMs('ann', 'a'), 0, 'old failures are forgotten')
  })
})
