/**
 * Every RPC and every REST route, by everybody: without a login, without a role, with exactly the privilege that Milvus
 * declares on exactly that object, on another object, in another database, by a built-in group, by a group of users'
 * making, as admin, as root. Allowed is what the declaration says, and nothing else. An op without a sample or without
 * a row of its targets does not compile.
 */
import assert from 'node:assert/strict'
import type { ClientHttp2Session } from 'node:http2'
import { after, before, describe, test } from 'node:test'
import { BUILT_IN_GROUPS, levelOf, objectOf } from '../../src/auth/privileges.ts'
import type { RequestOf, Rpc } from '../../src/model/calls.ts'
import type { Op, Target } from '../../src/ops/op.ts'
import { ops, restRoutes } from '../../src/ops/registry.ts'
import { isServed } from '../../src/ops/rest/not-served.ts'
import { samples } from '../../src/ops/samples.test-support.ts'
import { MILVUS_SERVICE, type RawAnswer, requestOn } from '../support/raw-http2.ts'
import { type Served, startRedkite } from '../support/server.ts'
import { report, TEST_MS_MAX } from './support/budget.ts'
import { session } from './support/good-calls.ts'
import { bodyFor } from './support/rest-bodies.ts'

interface Login {
  readonly user: string
  readonly password: string
}
const ROOT: Login = { user: 'root', password: 'Milvus' }
const [PLAIN, WALKER, ADMIN] = ['plain', 'walker', 'chief'].map((user) => ({ user, password: `${user}-password` }))
const PUBLIC = new Set(['DescribeCollection', 'ListAliases', 'IndexDetail'])
const DEFAULTS = { maxRoleNum: '1000', maxUserNum: '1000' }

let served: Served
let on: ClientHttp2Session
before(async () => {
  const limits = Object.entries(DEFAULTS).flatMap(([key, value]) => ['--set', `proxy.${key}=${value}`])
  served = await startRedkite({ args: ['--set', 'common.security.authorizationEnabled=true', ...limits] })
  on = session({ port: served.port, tls: null })
  for (const login of [PLAIN, WALKER, ADMIN]) {
    await asRoot('users/create', { userName: login?.user, password: login?.password })
  }
  await asRoot('roles/create', { roleName: 'walking' })
  await asRoot('users/grant_role', { userName: WALKER?.user, roleName: 'walking' })
  await asRoot('users/grant_role', { userName: ADMIN?.user, roleName: 'admin' })
})
after(async () => {
  on?.destroy()
  await served?.[Symbol.asyncDispose]()
})

async function asRoot(path: string, body: object): Promise<void> {
  const { code, message } = await rest('POST', `/v2/vectordb/${path}`, ROOT, body)
  assert.equal(code, 0, `${path} ${JSON.stringify(body)}: ${message}`)
}

async function rest(method: string, path: string, login: Login | null | undefined, body: object) {
  const auth = login ? { authorization: `Bearer ${login.user}:${login.password}` } : {}
  const head = { ':method': method, ':path': path, 'content-type': 'application/json', ...auth }
  const answer = await requestOn(on, head, method === 'GET' ? '' : JSON.stringify(body))
  const { code, message = '' } = JSON.parse(answer.body.toString()) as { code: number; message?: string }
  return { status: Number(answer.all[':status']), code, message }
}

function call(rpc: string, login: Login | null | undefined, message: Uint8Array): Promise<RawAnswer> {
  const frame = Buffer.alloc(5 + message.length)
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, 5)
  const token = login && Buffer.from(`${login.user}:${login.password}`).toString('base64')
  const head = { ':method': 'POST', ':path': MILVUS_SERVICE + rpc, 'content-type': 'application/grpc', te: 'trailers' }
  return requestOn(on, token ? { ...head, authorization: token } : head, frame)
}

interface Grant {
  readonly privilege: string
  readonly object: string
  readonly db: string
  readonly name: string
}

/** Runs while the role of the walker has these grants (v1) and no others. */
async function having<T>(grants: readonly Grant[], run: () => Promise<T>): Promise<T> {
  const ask = (verb: string) =>
    Promise.all(
      grants.map(({ privilege, object, db, name }) =>
        asRoot(`roles/${verb}`, { roleName: 'walking', objectType: object, objectName: name, privilege, dbName: db }),
      ),
    )
  await ask('grant_privilege')
  const done = await run()
  await ask('revoke_privilege')
  return done
}

/** The same by a group (v2), wherever its level lets it be granted. */
async function havingGroup<T>(group: string, target: Target, run: () => Promise<T>): Promise<T> {
  const [first = ''] = BUILT_IN_GROUPS.get(group) ?? [group === 'mine' ? ownPrivilege : '']
  const level = levelOf(first)
  const dbName = level === 'Cluster' ? '*' : target.db
  const collectionName = level === 'Collection' ? target.name : '*'
  const body = { roleName: 'walking', privilege: group, dbName, collectionName }
  await asRoot('roles/grant_privilege_v2', body)
  const done = await run()
  await asRoot('roles/revoke_privilege_v2', body)
  return done
}
/** What the group `mine` holds at the moment. */
let ownPrivilege = ''

describe('roles x RPC', () => {
  const names = Object.keys(ops) as Rpc[]

  test(`${names.length} RPCs`, { timeout: TEST_MS_MAX }, async (t) => {
    const done = { denied: 0, allowed: 0, 'open to every login': 0 }
    for (const rpc of names) {
      const op = ops[rpc] as unknown as Op
      for (const request of samples[rpc].requests as readonly RequestOf<Rpc>[]) {
        const message = op.encodeRequest(request)
        const stranger = await call(rpc, null, message)
        assert.equal(stranger.all['grpc-status'], '16', `${rpc} without a login`)
        const { access } = op
        const privilege = access.kind === 'login' ? '' : access.privilege.replace(/^Privilege/, '')
        const statusOf = async (login: Login | undefined) => (await call(rpc, login, message)).all['grpc-status']
        const allowed = async (who: string, login: Login | undefined) => {
          const { all } = await call(rpc, login, message)
          assert.equal(all['grpc-status'], '0', `${rpc}: ${who}: ${all['grpc-message']}`)
          done.allowed++
        }
        if (access.kind === 'login' || PUBLIC.has(privilege)) {
          assert.equal(await statusOf(PLAIN), '0', rpc)
          done['open to every login']++
          continue
        }
        // nobody in particular: only who holds it on everybody
        const targets = op.targets(request).map((target) => (target.name === '' ? { ...target, name: '*' } : target))
        const db = 'db' in request && access.object !== 'User' ? String(request.db) : 'default'
        const denied = async (who: string, login: Login | undefined) => {
          const { all } = await call(rpc, login, message)
          assert.equal(all['grpc-status'], '7', `${rpc}: ${who}`)
          const text = `${access.privilege}: permission deny to ${login?.user} in the \`${db}\` database`
          assert.equal(decodeURIComponent(String(all['grpc-message'])), text)
          done.denied++
        }
        const grant = (target: Target): Grant => ({ privilege, object: access.object, ...target })
        await denied('no role', PLAIN)
        await denied('a role without grants', WALKER)
        await having(targets.map(grant), () => allowed('exactly that', WALKER))
        await having(
          targets.map((t) => grant({ ...t, db: 'elsewhere' })),
          () => denied('another database', WALKER),
        )
        if (access.object !== 'Global') {
          await having(
            targets.map((t) => grant({ ...t, name: 'zzz' })),
            () => denied('another object', WALKER),
          )
        }
        const wrong = privilege === 'Search' ? 'Query' : 'Search'
        await having(
          targets.map((t) => ({ privilege: wrong, object: 'Collection', ...t })),
          () => denied('another privilege', WALKER),
        )
        await havingEach(
          targets,
          privilege,
          () => allowed('by a group', WALKER),
          () => denied('by a group', WALKER),
        )
        await allowed('admin', ADMIN)
        await allowed('root', ROOT)
      }
    }
    report(t, done)
  })

  /** By each built-in group, and by one of our own. */
  async function havingEach(
    targets: readonly Target[],
    privilege: string,
    allowed: () => Promise<void>,
    denied: () => Promise<void>,
  ): Promise<void> {
    const inAll = (group: string, run: () => Promise<void>): Promise<void> =>
      targets.reduceRight<() => Promise<void>>((next, target) => () => havingGroup(group, target, next), run)()
    for (const [group, members] of BUILT_IN_GROUPS) {
      const related = members.includes('Load') && privilege === 'GetLoadState'
      await inAll(group, members.includes(privilege) || related ? allowed : denied)
    }
    await asRoot('privilege_groups/create', { privilegeGroupName: 'mine' })
    ownPrivilege = privilege
    const mine = { privilegeGroupName: 'mine', privileges: [privilege] }
    await asRoot('privilege_groups/add_privileges_to_group', mine)
    await inAll('mine', async () => {
      await allowed()
      await asRoot('privilege_groups/remove_privileges_from_group', mine)
      await denied()
      await asRoot('privilege_groups/add_privileges_to_group', mine)
    })
    await asRoot('privilege_groups/drop', { privilegeGroupName: 'mine' })
  }
})

const NEEDS_MAX = 10
/** By what `public` has, or without a declared privilege: lists show only what the caller may see. */
const OPEN_ROUTES = [
  ...['databases/list', 'collections/list', 'collections/has', 'aliases/list', 'indexes/list', 'indexes/describe'].map(
    (path) => `/v2/vectordb/${path}`,
  ),
  '/v2/vectordb/partitions/get_stats',
  '/v1/vector/collections',
]

describe('roles x REST', () => {
  const routes = restRoutes.filter(isServed)

  test(`${routes.length} routes`, { timeout: TEST_MS_MAX }, async (t) => {
    const done = { denied: 0, allowed: 0, 'open to every login': 0 }
    const open: string[] = []
    for (const { method, path } of routes) {
      const asked = bodyFor(path)
      const full = method === 'GET' ? `${path}?collectionName=c` : path
      const ask = async (login: Login | null | undefined) => {
        await rest('POST', '/v2/vectordb/collections/create', ROOT, { collectionName: 'c', dimension: 2 })
        return rest(method, full, login, asked)
      }
      const stranger = await ask(null)
      assert.deepEqual([stranger.status, stranger.code], [401, 1800], path)
      for (const login of [ADMIN, ROOT]) {
        const { status, message } = await ask(login)
        assert.equal(status, 200, `${path} as ${login?.user}: ${message}`)
      }
      const needs = await needsOf(path, () => ask(WALKER))
      if (needs.length === 0) {
        open.push(path)
        done['open to every login']++
        continue
      }
      const first = needs[0]?.privilege ?? ''
      const refused = async (who: string) => {
        const { status, code, message } = await ask(WALKER)
        assert.deepEqual([status, code], [403, 65535], `${path}: ${who}: ${message}`)
        assert.match(
          message,
          /^rpc error: code = PermissionDenied desc = Privilege\w+: permission deny to walker in the/,
        )
        done.denied++
      }
      await refused(`without ${first}`)
      await having(
        needs.map((need) => ({ ...need, db: 'elsewhere' })),
        () => refused('another database'),
      )
      if (needs.some(({ object }) => object === 'Collection')) {
        const others = needs.map((need) => (need.object === 'Collection' ? { ...need, name: 'zzz' } : need))
        await having(others, () => refused('another collection'))
      }
      done.allowed++
    }
    assert.deepEqual(open.sort(), OPEN_ROUTES.sort())
    report(t, done)
  })

  /** Grants what is refused until nothing is; the grants are taken back. */
  async function needsOf(path: string, ask: () => ReturnType<typeof rest>): Promise<readonly Grant[]> {
    const needs: Grant[] = []
    for (;;) {
      const { status, message } = await having(needs, ask)
      if (status !== 403) {
        assert.equal(status, 200, `${path}: ${message}`)
        return needs
      }
      const privilege = /Privilege(\w+): permission deny/.exec(message)?.[1] ?? ''
      const object = objectOf(privilege)
      assert.ok(object, `${path}: ${message}`)
      const name = object === 'Collection' ? 'c' : object === 'User' ? 'bob' : '*'
      assert.ok(!needs.some((need) => need.privilege === privilege), `${path}: ${privilege} was granted`)
      needs.push({ privilege, object, db: 'default', name })
      assert.ok(needs.length < NEEDS_MAX, path)
    }
  }
})
