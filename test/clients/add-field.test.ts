/** Fields added to a collection with rows: old rows read null or the default, everything is there after a restart. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { keysOf, loadedCollection, type SchemaServer, schemaServer, succeeded } from './schema-support.ts'

let server: SchemaServer
before(async () => {
  server = await schemaServer()
})
after(() => server[Symbol.asyncDispose]())

test('old rows read null or the default, new rows what they bring, also after a restart', async () => {
  const where = { collection_name: 'grown' }
  await loadedCollection(server.client, 'grown', [])
  succeeded(await server.client.insert({ ...where, data: [{ id: 1, v: [1, 0] }] }))
  const add = async (schema: object) => {
    const reply = await server.post('collections/fields/add', { collectionName: 'grown', schema })
    assert.equal(reply.code, 0, reply.message)
  }
  await add({ fieldName: 'note', dataType: 'VarChar', nullable: true, elementTypeParams: { max_length: 20 } })
  await add({ fieldName: 'level', dataType: 'Int32', nullable: true, defaultValue: 7 })
  await add({ fieldName: 'name', dataType: 'VarChar', defaultValue: "it's", elementTypeParams: { max_length: 20 } })
  await add({
    fieldName: 'tags',
    dataType: 'Array',
    elementDataType: 'Int64',
    nullable: true,
    elementTypeParams: { max_capacity: 3 },
  })
  const data = [{ id: 2, v: [2, 0], note: 'x', level: 3, name: 'n', tags: [5] }]
  for (const rows of [data, [{ id: 3, v: [3, 0] }]]) {
    const inserted = await server.post('entities/insert', { collectionName: 'grown', data: rows })
    assert.equal(inserted.code, 0, inserted.message)
  }
  const check = async () => {
    const { client } = server
    const { data } = await client.query({
      ...where,
      filter: 'id > 0',
      output_fields: ['id', 'note', 'level', 'name', 'tags'],
    })
    assert.deepEqual(
      data.map(({ id, note, level, name, tags }) => [id, note, level, name, tags]),
      [
        ['1', null, 7, "it's", null],
        ['2', 'x', 3, 'n', ['5']],
        ['3', null, 7, "it's", null],
      ],
    )
    assert.deepEqual(await keysOf(client, 'grown', 'level == 7 and note is null'), [1, 3])
    const hits = await client.search({ ...where, data: [0, 0], limit: 5, filter: 'array_contains(tags, 5)' })
    assert.deepEqual(
      hits.results.map((hit) => hit.id),
      ['2'],
    )
    const { schema } = await client.describeCollection(where)
    assert.deepEqual(
      schema.fields.map(({ name }) => name),
      ['id', 'v', 'note', 'level', 'name', 'tags'],
    )
  }
  await check()
  await server.restart()
  await check()
})

test('what cannot be added is refused by name', async () => {
  await loadedCollection(server.client, 'fixed', [])
  const cases: [object, RegExp][] = [
    [{ fieldName: 'n', dataType: 'Int64' }, /added field must be nullable, please check it, field name = n/],
    [
      { fieldName: 'w', dataType: 'FloatVector', nullable: true, elementTypeParams: { dim: 2 } },
      /not support to add vector field/,
    ],
    [{ fieldName: 'id', dataType: 'Int64', nullable: true }, /duplicated field name/],
    [{ fieldName: 'p', dataType: 'Int64', isPrimary: true }, /not support to add pk field/],
    [{ fieldName: 's', dataType: 'VarChar', nullable: true }, /type param\(max_length\) should be specified/],
  ]
  for (const [schema, expected] of cases) {
    const reply = await server.post('collections/fields/add', { collectionName: 'fixed', schema })
    assert.equal(reply.code, 1100)
    assert.match(reply.message ?? '', expected)
  }
})
