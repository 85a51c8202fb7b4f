/** Array fields of every element type, by the Node SDK and by REST: written, read, searched, filtered, refused. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  DataType,
  failed,
  keyField,
  keysOf,
  loadedCollection,
  type SchemaServer,
  schemaServer,
  succeeded,
  vectorField,
} from './schema-support.ts'

let server: SchemaServer
before(async () => {
  server = await schemaServer()
})
after(() => server[Symbol.asyncDispose]())

const element = (name: string, element_type: DataType, more: object = {}) => ({
  ...{ name, data_type: DataType.Array, element_type, max_capacity: 4, ...more },
})
const elements = [
  element('flags', DataType.Bool),
  element('tiny', DataType.Int8),
  element('short', DataType.Int16),
  element('ints', DataType.Int32),
  element('longs', DataType.Int64),
  element('floats', DataType.Float),
  element('doubles', DataType.Double),
  element('tags', DataType.VarChar, { max_length: 5 }),
]
const row = (id: number) => ({
  ...{ id, flags: [true, false], tiny: [-128, id], short: [id], ints: [], longs: ['9007199254740993', `${id}`] },
  ...{ floats: [0.5, id], doubles: [0.1, id], tags: ['é', `t${id}`], v: [id, 0] },
})

test('rows of every element type come back by query and search, and pass filters', async () => {
  const { client } = server
  await loadedCollection(client, 'arrays', elements)
  succeeded(await client.insert({ collection_name: 'arrays', data: [row(1), row(2)] }))
  succeeded(await client.upsert({ collection_name: 'arrays', data: [row(2), row(3)] }))
  const found = await client.query({ collection_name: 'arrays', filter: 'id == 2', output_fields: ['*'] })
  const { v: _, id, ...arrays } = found.data[0] ?? {}
  const { v: __, id: ___, ...sent } = row(2)
  assert.equal(id, '2')
  const plain = (value: unknown) => JSON.stringify(value, (_key, v) => (typeof v === 'bigint' ? String(v) : v))
  for (const [name, value] of Object.entries(sent)) assert.equal(plain(arrays[name]), plain(value), name)
  const hits = await client.search({ collection_name: 'arrays', data: [3, 0], limit: 1, output_fields: ['tags'] })
  assert.deepEqual(hits.results[0]?.['tags'], ['é', 't3'])
  const cases: [string, number[]][] = [
    ['tiny[1] == 2', [2]],
    ['array_contains(longs, 9007199254740993) and id < 3', [1, 2]],
    ['array_contains_any(tags, ["t1", "t3"])', [1, 3]],
    ['ARRAY_CONTAINS_ALL(doubles, [0.1, 3])', [3]],
    ['array_length(ints) == 0', [1, 2, 3]],
    ['floats == [0.5, 1.0]', [1]],
    ['flags[0] == true and short[0] > 1', [2, 3]],
    ['tags[1] like "t%" and id == 1', [1]],
  ]
  for (const [filter, keys] of cases) assert.deepEqual(await keysOf(client, 'arrays', filter), keys, filter)
  const templated = { exprValues: { tags: ['t1', 't2'] } }
  assert.deepEqual(await keysOf(client, 'arrays', 'array_contains_any(tags, {tags})', templated), [1, 2])
  const near = await client.search({ collection_name: 'arrays', data: [1, 0], limit: 9, filter: 'tiny[1] >= 2' })
  assert.deepEqual(
    near.results.map((hit) => hit.id),
    ['2', '3'],
  )
})

test('what does not fit is refused by name', async () => {
  const { client } = server
  await loadedCollection(client, 'small', [
    element('tags', DataType.VarChar, { max_length: 5, max_capacity: 2 }),
    element('tiny', DataType.Int8),
  ])
  const insert = (more: object) =>
    client.insert({ collection_name: 'small', data: [{ id: 1, tags: [], tiny: [], v: [0, 0], ...more }] })
  failed(
    await insert({ tags: ['a', 'b', 'c'] }),
    /array length exceeds max capacity.*the length \(3\) of 0th array exceeds max capacity \(2\)/,
  )
  failed(await insert({ tags: ['abcdef'] }), /length of varchar array field tags exceeds max length/)
  failed(await insert({ tiny: [200] }), /out of range: \[-128, 127\]/)
  const create = (field: object) =>
    client
      .createCollection({ collection_name: 'odd', fields: [keyField, field, vectorField] as never })
      .catch((error) => error)
  failed(
    await create({ name: 'a', data_type: DataType.Array, element_type: DataType.Int64, max_capacity: 5000 }),
    /the maximum capacity specified for a Array should be in \(0, 4096\]/,
  )
  failed(
    await create({ name: 'a', data_type: DataType.Array, element_type: DataType.JSON, max_capacity: 5 }),
    /element type JSON is not supported/,
  )
})

test('REST: rows in and out, nulls too', async () => {
  const fields = [
    { fieldName: 'id', dataType: 'Int64', isPrimary: true },
    {
      fieldName: 'longs',
      dataType: 'Array',
      elementDataType: 'Int64',
      nullable: true,
      elementTypeParams: { max_capacity: 3 },
    },
    {
      fieldName: 'tags',
      dataType: 'Array',
      elementDataType: 'VarChar',
      elementTypeParams: { max_capacity: 3, max_length: 9 },
    },
    { fieldName: 'v', dataType: 'FloatVector', elementTypeParams: { dim: 2 } },
  ]
  const collectionName = 'rest_arrays'
  const created = await server.post('collections/create', {
    collectionName,
    schema: { fields },
    indexParams: [{ fieldName: 'v', metricType: 'L2' }],
  })
  assert.equal(created.code, 0, created.message)
  const data = [
    { id: 1, longs: [1, 2], tags: ['a'], v: [1, 0] },
    { id: 2, longs: null, tags: [], v: [2, 0] },
  ]
  const inserted = await server.post('entities/insert', { collectionName, data })
  assert.equal(inserted.code, 0, inserted.message)
  const read = await server.post('entities/query', {
    collectionName,
    filter: '',
    outputFields: ['longs', 'tags'],
    limit: 9,
    consistencyLevel: 'Strong',
  })
  assert.deepEqual(read.data, [
    { id: 1, longs: { Data: { LongData: { data: [1, 2] } } }, tags: { Data: { StringData: { data: ['a'] } } } },
    { id: 2, longs: null, tags: { Data: { StringData: { data: [] } } } },
  ])
  const nulls = await server.post('entities/query', { collectionName, filter: 'longs is null', outputFields: ['id'] })
  assert.deepEqual(nulls.data, [{ id: 2 }])
  const odd = await server.post('entities/insert', {
    collectionName,
    data: [{ id: 3, longs: ['x'], tags: [], v: [1, 0] }],
  })
  assert.deepEqual([odd.code, /field longs/.test(odd.message ?? '')], [1804, true])
})
