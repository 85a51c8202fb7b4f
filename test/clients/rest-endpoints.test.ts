/** Each REST endpoint once, by curl over mutual TLS with authentication: status, code and the shape of the data. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { restRoutes } from '../../src/ops/registry.ts'
import { isServed } from '../../src/ops/rest/not-served.ts'
import { curlArguments, ROOT } from '../support/clients.ts'
import type { Served } from '../support/server.ts'
import { curl, run } from '../support/tools.ts'
import { type Certificates, isBehindProxy, makeCertificates, STRICT, serve } from './combinations.ts'

let certificates: Certificates
let served: Served
before(async () => {
  certificates = await makeCertificates()
  served = await serve(STRICT, certificates.set)
})
after(async () => {
  await served[Symbol.asyncDispose]()
  certificates[Symbol.dispose]()
})

interface Answer {
  readonly status: number
  readonly headers: string
  readonly body: string
}

/** One request by curl with the client pair; `extra` are more arguments of curl. */
async function request(path: string, extra: readonly string[], login = STRICT.login): Promise<Answer> {
  const url = `https://localhost:${served.port}${path}`
  const ran = await run(curl.path, [...curlArguments(certificates.show('mutual'), login), '-i', ...extra, url])
  assert.equal(ran.exitCode, 0, ran.stderr)
  const [head = '', ...rest] = ran.stdout.split('\r\n\r\n')
  return { status: Number(head.split(' ')[1]), headers: head.toLowerCase(), body: rest.join('\r\n\r\n') }
}

const C = { collectionName: 'ends' }
const P = { ...C, partitionName: 'side' }
const isId = (value: unknown) => Number.isInteger(value)
/** What an endpoint's data must be: a value, or a test of it. */
type Expected = object | ((data: never) => boolean)
const none = {}
const rows = [
  { id: 1, vector: [1, 0], tag: 'a' },
  { id: 2, vector: [0, 1], tag: 'b' },
  { id: 3, vector: [3, 4] },
]
const field = { partitionKey: false, clusteringKey: false, autoId: false, nullable: false, description: '' }
const READER = { roleName: 'reader' }
const described = {
  collectionName: 'ends',
  description: '',
  autoId: false,
  fields: [
    { name: 'id', id: 100, type: 'Int64', primaryKey: true, ...field },
    { name: 'vector', id: 101, type: 'FloatVector', primaryKey: false, ...field, params: [{ key: 'dim', value: '2' }] },
  ],
  structFields: [],
  functions: [],
  aliases: [],
  indexes: [{ fieldName: 'vector', indexName: 'vector', metricType: 'L2' }],
  load: 'LoadStateLoaded',
  shardsNum: 1,
  partitionsNum: 1,
  consistencyLevel: 'Bounded',
  enableDynamicField: true,
  properties: [],
}
const index = { indexName: 'vector', fieldName: 'vector', indexType: 'AUTOINDEX', metricType: 'L2', totalRows: 2 }
const hnsw = {
  fieldName: 'vector',
  indexName: 'v',
  indexType: 'HNSW',
  metricType: 'IP',
  params: { M: 8, efConstruction: 64 },
}

/** In order: each builds on those before it. */
const walk: readonly (readonly [path: string, body: object, data: Expected])[] = [
  ['databases/create', { dbName: 'shop' }, none],
  ['databases/list', {}, ['default', 'shop']],
  ['databases/alter', { dbName: 'shop', properties: { 'database.max.collections': '5' } }, none],
  ['databases/alter_properties', { dbName: 'shop', properties: { 'database.diskQuota.mb': '9' } }, none],
  ['databases/drop_properties', { dbName: 'shop', propertyKeys: ['database.diskQuota.mb'] }, none],
  [
    'databases/describe',
    { dbName: 'shop' },
    ({ dbID, ...rest }: { dbID: number }) => {
      const properties = [{ key: 'database.max.collections', value: '5' }]
      assert.deepEqual(rest, { dbName: 'shop', properties })
      return isId(dbID)
    },
  ],
  ['databases/drop', { dbName: 'shop' }, none],
  ['collections/create', { ...C, dimension: 2, metricType: 'L2' }, none],
  ['collections/list', {}, ['ends']],
  ['collections/has', C, { has: true }],
  ['collections/has', { collectionName: 'nope' }, { has: false }],
  [
    'collections/describe',
    C,
    ({ collectionID, ...rest }: { collectionID: number }) => {
      assert.deepEqual(rest, described)
      return isId(collectionID)
    },
  ],
  ['collections/rename', { ...C, newCollectionName: 'starts' }, none],
  ['collections/rename', { collectionName: 'starts', newCollectionName: 'ends' }, none],
  ['collections/alter_properties', { ...C, properties: { 'collection.ttl.seconds': '3600' } }, none],
  ['collections/drop_properties', { ...C, propertyKeys: ['collection.ttl.seconds'] }, none],
  ['collections/get_load_state', C, { loadState: 'LoadStateLoaded', loadProgress: 100 }],
  ['entities/insert', { ...C, data: rows }, { insertCount: 3, insertIds: [1, 2, 3] }],
  ['entities/upsert', { ...C, data: [{ ...rows[1], tag: 'c' }] }, { upsertCount: 1, upsertIds: [2] }],
  ['entities/get', { ...C, id: [2, 3] }, [{ ...rows[1], tag: 'c' }, rows[2]]],
  ['entities/query', { ...C, filter: 'tag == "a"', outputFields: ['tag'] }, [{ id: 1, tag: 'a' }]],
  ['entities/query', { ...C, filter: '', outputFields: ['count(*)'] }, [{ 'count(*)': 3 }]],
  [
    'entities/search',
    { ...C, data: [[3, 3]], limit: 2, outputFields: ['vector'] },
    [
      { distance: 1, id: 3, vector: [3, 4] },
      { distance: 13, id: 1, vector: [1, 0] },
    ],
  ],
  ['entities/search', { ...C, ids: [3], limit: 1 }, [{ distance: 0, id: 3 }]],
  [
    'entities/hybrid_search',
    {
      ...{ ...C, limit: 2, outputFields: ['tag'], rerank: { strategy: 'rrf', params: { k: 1 } } },
      search: [
        { data: [[3, 3]], annsField: 'vector' },
        { data: [[0, 1]], annsField: 'vector', filter: 'id < 3', limit: 1 },
      ],
    },
    // each is the first of one search
    [
      { distance: 0.5, id: 2, tag: 'c' },
      { distance: 0.5, id: 3 },
    ],
  ],
  [
    'entities/advanced_search',
    {
      ...{ ...C, limit: 1, search: [{ data: [[3, 3]], annsField: 'vector' }] },
      functionScore: { functions: [{ name: 'r', type: 'Rerank', params: { reranker: 'weighted', weights: [0.5] } }] },
    },
    [{ distance: 0.5, id: 3 }],
  ],
  ['entities/delete', { ...C, filter: 'id in [3]' }, { deleteCount: 1 }],
  ['collections/flush', C, none],
  ['collections/get_stats', C, { rowCount: 2 }],
  ['partitions/create', P, none],
  ['partitions/has', P, { has: true }],
  ['partitions/list', C, ['_default', 'side']],
  ['partitions/get_stats', P, { rowCount: 0 }],
  ['partitions/load', { ...C, partitionNames: ['side'] }, none],
  ['partitions/release', { ...C, partitionNames: ['side'] }, none],
  ['partitions/drop', P, none],
  ['aliases/create', { ...C, aliasName: 'nick' }, none],
  ['aliases/describe', { aliasName: 'nick' }, { dbName: 'default', ...C, aliasName: 'nick' }],
  ['aliases/alter', { ...C, aliasName: 'nick' }, none],
  ['aliases/list', C, ['nick']],
  ['aliases/drop', { aliasName: 'nick' }, none],
  ['indexes/list', C, ['vector']],
  [
    'indexes/describe',
    { ...C, indexName: 'vector' },
    (data: object) => {
      assert.partialDeepStrictEqual(data, [{ ...index, pendingRows: 0, indexState: 'Finished', failReason: '' }])
      return true
    },
  ],
  ['collections/release', C, none],
  ['indexes/drop', { ...C, indexName: 'vector' }, none],
  ['indexes/list', C, []],
  ['indexes/create', { ...C, indexParams: [hnsw] }, none],
  ['collections/load', C, none],
  ['collections/refresh_load', C, none],
  ['collections/fields/add', { ...C, schema: { fieldName: 'later', dataType: 'Int32', nullable: true } }, none],
  ['collections/drop', C, none],
  ['users/create', { userName: 'ida', password: 'Secret1' }, none],
  ['users/list', {}, ['ida', 'root']],
  ['users/describe', { userName: 'root' }, ['admin']],
  ['users/update_password', { userName: 'ida', password: 'Secret1', newPassword: 'Secret2' }, none],
  ['roles/create', { roleName: 'reader' }, none],
  ['roles/list', {}, ['admin', 'public', 'reader']],
  ['roles/grant_privilege', { ...READER, objectType: 'Collection', objectName: 'films', privilege: 'Search' }, none],
  ['roles/grant_privilege_v2', { ...READER, privilege: 'Query', collectionName: 'films' }, none],
  [
    'roles/describe',
    READER,
    ['Search', 'Query'].map((privilege) => ({
      ...{ objectType: 'Collection', objectName: 'films', privilege, dbName: 'default', grantor: 'root' },
    })),
  ],
  ['users/grant_role', { userName: 'ida', ...READER }, none],
  ['users/describe', { userName: 'ida' }, ['reader']],
  ['users/revoke_role', { userName: 'ida', ...READER }, none],
  ['users/describe', { userName: 'ida' }, []],
  ['roles/revoke_privilege', { ...READER, objectType: 'Collection', objectName: 'films', privilege: 'Search' }, none],
  ['roles/revoke_privilege_v2', { ...READER, privilege: 'Query', collectionName: 'films' }, none],
  ['roles/describe', READER, []],
  ['privilege_groups/create', { privilegeGroupName: 'mine' }, none],
  ['privilege_groups/add_privileges_to_group', { privilegeGroupName: 'mine', privileges: ['Query', 'Search'] }, none],
  ['privilege_groups/remove_privileges_from_group', { privilegeGroupName: 'mine', privileges: ['Query'] }, none],
  [
    'privilege_groups/list',
    {},
    ({ privilegeGroups }: { privilegeGroups: object[] }) => {
      assert.deepEqual(privilegeGroups[0], { privilegeGroupName: 'mine', privileges: 'Search' })
      return privilegeGroups.length === 10
    },
  ],
  ['privilege_groups/drop', { privilegeGroupName: 'mine' }, none],
  ['roles/drop', READER, none],
  ['users/drop', { userName: 'ida' }, none],
]

describe('REST by curl over mutual TLS', { skip: curl.skip }, () => {
  it('each v2 endpoint', async () => {
    for (const [path, body, data] of walk) {
      const answer = await request(`/v2/vectordb/${path}`, ['-d', JSON.stringify(body)])
      const what = `${path} ${JSON.stringify(body)}: ${answer.body}`
      assert.equal(answer.status, 200, what)
      const reply = JSON.parse(answer.body) as { code: number; data: unknown }
      assert.equal(reply.code, 0, what)
      const shown = path.endsWith('/list') && Array.isArray(reply.data) ? [...reply.data].sort() : reply.data
      if (typeof data === 'function') assert.ok(data(shown as never), what)
      else assert.deepEqual(shown, data, what)
    }
  })

  it('the walk above leaves no served endpoint out', () => {
    const walked = new Set(walk.map(([path]) => `/v2/vectordb/${path}`))
    const missing = restRoutes.filter((route) => route.method === 'POST' && isServed(route) && !walked.has(route.path))
    assert.deepEqual(
      missing.map((route) => route.path),
      [],
    )
  })

  it('lists by GET: v2 as on the page (code 0), v1 (code 200)', async () => {
    assert.deepEqual(JSON.parse((await request('/v2/vectordb/collections/list', [])).body), { code: 0, data: [] })
    assert.deepEqual(JSON.parse((await request('/v1/vector/collections', [])).body), { code: 200, data: [] })
  })

  it('int64 leaves as a number, or as text on request', async () => {
    const post = (path: string, body: string, extra: readonly string[] = []) =>
      request(`/v2/vectordb/${path}`, ['-d', body, ...extra])
    await post('collections/create', '{"collectionName":"big","dimension":2}')
    // digits that a double cannot hold must survive on both ways
    await post('entities/insert', '{"collectionName":"big","data":[{"id":9223372036854775807,"vector":[1,2]}]}')
    const query = '{"collectionName":"big","filter":"id > 0","outputFields":["id"]}'
    const asNumber = await post('entities/query', query)
    assert.match(asNumber.body, /\[\{"id":9223372036854775807\}\]/)
    const asText = await post('entities/query', query, ['-H', 'Accept-Type-Allow-Int64: false'])
    assert.match(asText.body, /\[\{"id":"9223372036854775807"\}\]/)
    await post('collections/drop', '{"collectionName":"big"}')
  })

  it('an unknown route is 404', async () => {
    for (const path of ['/v2/vectordb/nothing/here', '/v1/vector/nothing', '/']) {
      const answer = await request(path, ['-d', '{}'])
      assert.deepEqual([answer.status, answer.body], [404, '404 page not found'], path)
    }
  })

  it('a missing parameter is 1802, a body that is not JSON is 1801', async () => {
    const missing = JSON.parse((await request('/v2/vectordb/collections/describe', ['-d', '{}'])).body)
    const text =
      "Key: 'CollectionNameReq.CollectionName' Error:Field validation for 'CollectionName' failed on the 'required' tag"
    assert.deepEqual(missing, { code: 1802, message: `missing required parameters, error: ${text}` })
    for (const body of ['not json', '[1]', '{"a":']) {
      const answer = await request('/v2/vectordb/collections/describe', ['-d', body])
      const reply = JSON.parse(answer.body) as { code: number; message: string }
      assert.deepEqual([answer.status, reply.code], [200, 1801], body)
      assert.match(reply.message, /^can only accept json format request, error: /)
    }
  })

  it('logins by Bearer and by Basic; anything else is 401, whatever the path', async () => {
    const list = '/v2/vectordb/collections/list'
    const good: readonly (readonly string[])[] = [
      ['-H', 'Authorization: Bearer root:Milvus'],
      ['-H', 'Authorization: root:Milvus'],
      ['-u', 'root:Milvus'],
    ]
    for (const extra of good) assert.equal((await request(list, extra, null)).status, 200, extra.join(' '))
    const bad: readonly (readonly string[])[] = [
      [],
      ['-H', 'Authorization: Bearer root:nonsense'],
      ['-H', 'Authorization: Bearer '],
      ['-u', 'root:nonsense'],
      ['-u', 'nobody:Milvus'],
    ]
    for (const extra of bad) {
      // what a proxy passes no call on for, nobody checks a login for
      for (const path of isBehindProxy ? [list] : [list, '/nothing']) {
        const answer = await request(path, extra, null)
        assert.equal(answer.status, 401, extra.join(' '))
        assert.deepEqual(JSON.parse(answer.body), { code: 1800, message: "user hasn't authenticated" })
        if (extra[0] === '-u') assert.match(answer.headers, /www-authenticate: basic realm="restricted"/)
      }
    }
    assert.equal((await request(list, [], ROOT)).status, 200, 'and the right one still works')
  })
})
