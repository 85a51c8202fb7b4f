/** The REST routes over calls to another server: what a REST client sees when Redkite stands before a Milvus. */
import assert from 'node:assert/strict'
import { RedkiteError } from '../../src/errors/error.ts'
import type { RestCaller } from '../../src/ops/op.ts'
import { restRoutes } from '../../src/ops/registry.ts'
import { eventually } from '../support/eventually.ts'

type Body = Record<string, unknown>
type Row = Readonly<Record<string, unknown>>

const BIG = 9007199254740993n
const named = { collectionName: 'rest' }
const rows = [0, 1, 2].map((k) => ({ id: BIG + BigInt(k), vector: [k, 0.1, 0, 1], color: `é${k}`, n: BIG }))

/** Runs a route; gives `data`. */
function runner(call: RestCaller) {
  return async (path: string, body: Body = {}): Promise<unknown> => {
    const route = restRoutes.find((r) => r.path === `/v2/vectordb/${path}` && r.method === 'POST')
    assert.ok(route, path)
    return (await route.run({ body, db: 'default', int64AsNumber: true, call })).data
  }
}
type Run = ReturnType<typeof runner>

/** Makes, fills, reads, changes and drops a collection by REST. @throws AssertionError where an answer is wrong */
export async function restScenario(call: RestCaller): Promise<void> {
  const run = runner(call)
  await create(run)
  await read(run)
  await change(run)
  await remove(run)
}

async function create(run: Run): Promise<void> {
  const missing = await run('collections/describe', named).catch((error: unknown) => error)
  assert.ok(missing instanceof RedkiteError)
  assert.deepEqual([missing.row.code, missing.row.http], [100, 200])
  const params = { consistencyLevel: 'Strong' }
  await run('collections/create', { ...named, dimension: 4, metricType: 'L2', params })
  assert.deepEqual(await run('collections/has', named), { has: true })
  assert.deepEqual(await run('collections/list'), ['rest'])
  // a Milvus loads in the background
  const isLoaded = async () => {
    const { loadState } = (await run('collections/get_load_state', named)) as Row
    return loadState === 'LoadStateLoaded'
  }
  await eventually(isLoaded, 15_000)
  const told = (await run('collections/describe', named)) as Row
  assert.deepEqual([told['load'], told['enableDynamicField'], told['shardsNum']], ['LoadStateLoaded', true, 1])
  assert.deepEqual(told['indexes'], [{ fieldName: 'vector', indexName: 'vector', metricType: 'L2' }])
  assert.deepEqual(
    (told['fields'] as Row[]).map((field) => [field['name'], field['type'], field['primaryKey']]),
    [
      ['id', 'Int64', true],
      ['vector', 'FloatVector', false],
    ],
  )
  const state = await run('collections/get_load_state', named)
  assert.deepEqual(state, { loadState: 'LoadStateLoaded', loadProgress: 100 })
  assert.deepEqual(await run('indexes/list', named), ['vector'])
  const [index] = (await run('indexes/describe', { ...named, indexName: 'vector' })) as Row[]
  assert.deepEqual([index?.['indexType'], index?.['metricType']], ['AUTOINDEX', 'L2'])
  const inserted = await run('entities/insert', { ...named, data: rows })
  assert.deepEqual(inserted, { insertCount: 3, insertIds: rows.map((row) => row.id) })
  const wrong = await run('entities/insert', { ...named, data: [{ id: 1, vector: [1, 2] }] }).catch((e: unknown) => e)
  assert.ok(wrong instanceof RedkiteError)
}

async function read(run: Run): Promise<void> {
  const strong = { ...named, consistencyLevel: 'Strong' }
  const byId = (list: unknown) => (list as Row[]).toSorted((a, b) => (Number(a['n']) < Number(b['n']) ? -1 : 1))
  const all = byId(await run('entities/query', { ...strong, filter: 'id > 0', limit: 10 }))
  assert.deepEqual(all, rows)
  assert.deepEqual(await run('entities/get', { ...strong, id: [String(BIG)], outputFields: ['id', 'color'] }), [
    { id: BIG, color: 'é0' },
  ])
  const count = await run('entities/query', { ...strong, filter: '', outputFields: ['count(*)'] })
  assert.deepEqual(count, [{ 'count(*)': 3n }])
  const data = [[2, 0.1, 0, 1]]
  const hits = await run('entities/search', { ...strong, data, annsField: 'vector', limit: 2, outputFields: ['color'] })
  assert.deepEqual(hits, [
    { distance: 0, id: BIG + 2n, color: 'é2' },
    { distance: 1, id: BIG + 1n, color: 'é1' },
  ])
  assert.deepEqual(await run('entities/search', { ...strong, data, filter: 'id < 0' }), [])
}

async function change(run: Run): Promise<void> {
  const strong = { ...named, consistencyLevel: 'Strong' }
  const row = { ...rows[0], color: 'changed' }
  assert.deepEqual(await run('entities/upsert', { ...named, data: row }), { upsertCount: 1, upsertIds: [BIG] })
  await run('entities/delete', { ...named, filter: `id in [${BIG + 1n}]` })
  const left = (await run('entities/query', { ...strong, filter: 'id > 0', outputFields: ['color'] })) as Row[]
  assert.deepEqual(left.map((r) => r['color']).toSorted(), ['changed', 'é2'])
  await run('collections/flush', named)
  const { rowCount } = (await run('collections/get_stats', named)) as { rowCount: number }
  assert.ok(rowCount >= 2, String(rowCount))
  const partition = { ...named, partitionName: 'p' }
  await run('partitions/create', partition)
  assert.deepEqual(await run('partitions/has', partition), { has: true })
  assert.deepEqual(await run('partitions/list', named), ['_default', 'p'])
  await run('collections/alter_properties', { ...named, properties: { 'collection.ttl.seconds': 3600 } })
  await run('aliases/create', { ...named, aliasName: 'other' })
  assert.deepEqual(await run('aliases/list', named), ['other'])
  assert.deepEqual(await run('aliases/describe', { aliasName: 'other' }), {
    ...{ dbName: 'default', collectionName: 'rest', aliasName: 'other' },
  })
  await run('aliases/drop', { aliasName: 'other' })
  await run('users/create', { userName: 'rest', password: 'Passw0rd!' })
  assert.ok(((await run('users/list')) as string[]).includes('rest'))
  await run('users/drop', { userName: 'rest' })
}

async function remove(run: Run): Promise<void> {
  await run('collections/release', named)
  await run('partitions/drop', { ...named, partitionName: 'p' })
  await run('indexes/drop', { ...named, indexName: 'vector' })
  assert.deepEqual(await run('indexes/list', named), [])
  await run('collections/rename', { ...named, newCollectionName: 'rest2' })
  await run('collections/drop', { collectionName: 'rest2' })
  assert.deepEqual(await run('collections/has', { collectionName: 'rest2' }), { has: false })
}
