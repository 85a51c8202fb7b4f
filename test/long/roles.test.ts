/** Roles over a restart, in older data, by the Node SDK, under the keys that rule them, and before an upstream. */
import assert from 'node:assert/strict'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import type { MilvusClient } from '@zilliz/milvus2-sdk-node'
import { nodeClient, ROOT } from '../support/clients.ts'
import { type Served, startRedkite, temporary } from '../support/server.ts'
import { settings, startProxy } from '../support/upstream.ts'

const AUTH = settings({ 'common.security.authorizationEnabled': 'true' })
const ANN = { user: 'ann', password: 'ann-password' }
const plain = { kind: 'plain' } as const

const rootOf = (served: Served) => nodeClient(served.port, plain, ROOT)
const annOf = (served: Served) => nodeClient(served.port, plain, ANN)

/** Ann, with a role that may query `films`. */
async function makeAnn(root: MilvusClient): Promise<void> {
  const done = [
    await root.createUser({ username: ANN.user, password: ANN.password }),
    await root.createRole({ roleName: 'reading' }),
    await root.grantRole({ username: ANN.user, roleName: 'reading' }),
    await root.grantPrivilegeV2({ role: 'reading', privilege: 'Query', db_name: 'default', collection_name: 'films' }),
  ]
  for (const { error_code, reason } of done) assert.equal(error_code, 'Success', reason)
}

async function makeFilms(root: MilvusClient, name = 'films'): Promise<void> {
  const made = await root.createCollection({ collection_name: name, dimension: 2 })
  assert.equal(made.error_code, 'Success', made.reason)
}

async function countOf(client: MilvusClient, collection: string): Promise<string> {
  try {
    const { status } = await client.query({ collection_name: collection, expr: '', output_fields: ['count(*)'] })
    return status.error_code === 'Success' ? 'ok' : status.reason
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

async function namesOf(client: MilvusClient): Promise<readonly string[]> {
  return (await client.showCollections()).data.map(({ name }) => name)
}

describe('roles', () => {
  it('hold over a restart, with grants, groups and who has them', async () => {
    using place = temporary()
    const data = join(place.path, 'data')
    {
      await using served = await startRedkite({ args: AUTH, data })
      const root = rootOf(served)
      await makeFilms(root)
      await makeFilms(root, 'books')
      await makeAnn(root)
      await root.createPrivilegeGroup({ group_name: 'mine' })
      await root.addPrivilegesToGroup({ group_name: 'mine', privileges: ['Insert'] })
      await root.closeConnection()
    }
    await using served = await startRedkite({ args: AUTH, data })
    const [root, ann] = [rootOf(served), annOf(served)]
    assert.equal(await countOf(ann, 'films'), 'ok')
    assert.match(await countOf(ann, 'books'), /PrivilegeQuery: permission deny to ann in the `default` database/)
    assert.deepEqual(await namesOf(ann), ['films'])
    const { privilege_groups } = await root.listPrivilegeGroups()
    assert.deepEqual(privilege_groups.find((g) => g.group_name === 'mine')?.privileges, [{ name: 'Insert' }])
    // the name of a user who went says nothing of the next one
    await root.deleteUser({ username: ANN.user })
    await root.createUser({ username: ANN.user, password: ANN.password })
    assert.match(await countOf(ann, 'films'), /permission deny/)
    await Promise.all([root.closeConnection(), ann.closeConnection()])
  })

  it('data of format 1 opens, with nobody in a role but root', async () => {
    using place = temporary()
    const data = join(place.path, 'data')
    {
      await using served = await startRedkite({ args: AUTH, data })
      const root = rootOf(served)
      await makeFilms(root)
      await root.createUser({ username: ANN.user, password: ANN.password })
      await root.closeConnection()
    }
    const file = new DatabaseSync(join(data, 'catalog.db'))
    for (const table of ['roles', 'user_roles', 'grants', 'privilege_groups']) file.exec(`DROP TABLE ${table}`)
    file.exec("UPDATE info SET value = '1' WHERE key = 'format'; DELETE FROM info WHERE key = 'changes'")
    file.close()
    // that version wrote nothing beside the file
    for (const name of readdirSync(data)) if (/^catalog\.db./.test(name)) rmSync(join(data, name))
    await using served = await startRedkite({ args: AUTH, data })
    const [root, ann] = [rootOf(served), annOf(served)]
    assert.match(await countOf(ann, 'films'), /permission deny/)
    const { results } = await root.describeUser({ username: 'root' })
    assert.deepEqual(results[0]?.roles, [{ name: 'admin', description: '' }])
    await Promise.all([root.closeConnection(), ann.closeConnection()])
  })

  it('rule root too where the configuration says so, and public has nothing where it says so', async () => {
    const bound = settings({ 'common.security.rootShouldBindRole': 'true' })
    const bare = settings({ 'common.security.enablePublicPrivilege': 'false' })
    await using served = await startRedkite({ args: [...AUTH, ...bound, ...bare] })
    const root = rootOf(served)
    await makeFilms(root)
    await makeAnn(root)
    const ann = annOf(served)
    await assert.rejects(
      ann.describeCollection({ collection_name: 'films' }),
      /PrivilegeDescribeCollection: permission/,
    )
    await root.revokeRole({ username: 'root', roleName: 'admin' })
    assert.match(await countOf(root, 'films'), /PrivilegeQuery: permission deny to root/)
    await Promise.all([root.closeConnection(), ann.closeConnection()])
  })

  it('decide at a proxy: by the object that the bytes name, and lists are narrowed', async () => {
    await using node = await startRedkite()
    const mode = { 'redkite.upstream.credentials': 'mapped', 'redkite.upstream.user': 'root' }
    const login = settings({ ...mode, 'redkite.upstream.password': 'Milvus' })
    await using proxy = await startProxy(`http://localhost:${node.port}`, [...AUTH, ...login])
    const root = rootOf(proxy)
    await makeFilms(root)
    await makeFilms(root, 'books')
    await makeAnn(root)
    const ann = annOf(proxy)
    assert.equal(await countOf(ann, 'films'), 'ok')
    assert.match(await countOf(ann, 'books'), /PrivilegeQuery: permission deny to ann/)
    assert.deepEqual(await namesOf(ann), ['films'])
    assert.deepEqual([...(await namesOf(root))].sort(), ['books', 'films'])
    const rows = [{ id: 1, vector: [1, 2] }]
    await assert.rejects(ann.insert({ collection_name: 'films', data: rows }), /PrivilegeInsert: permission deny/)
    // a method without an op here is decided by its bytes as well, and one that nobody declared is root's
    await assert.rejects(ann.compact({ collection_name: 'films' }), /PrivilegeCompaction: permission deny to ann/)
    await Promise.all([root.closeConnection(), ann.closeConnection()])
  })
})
