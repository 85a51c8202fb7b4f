import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FieldTypeName } from './fields/table.ts'
import { columnsFromJson } from './json-rows.ts'
import { type CollectionSchema, dynamicField, type FieldSchema } from './schema.ts'

const field = (name: string, type: FieldTypeName, more: Partial<FieldSchema> = {}): FieldSchema => ({
  ...dynamicField(0),
  ...{ name, type, description: '', isDynamic: false },
  ...more,
})
const schema: CollectionSchema = {
  ...{ name: 'c', description: '', autoId: false, enableDynamicField: true },
  fields: [
    field('id', 'Int64', { isPrimary: true }),
    field('note', 'VarChar', { nullable: true, maxLength: 9 }),
    field('level', 'Int8', { defaultValue: 3 }),
    field('v', 'FloatVector', { dim: 2 }),
  ],
}
const BIG = 9007199254740993n

describe('columns of JSON rows', () => {
  it('have the types of the schema, nulls where a row has none, and other keys under $meta', () => {
    const { rowCount, columns } = columnsFromJson(schema, [
      { id: BIG, note: null, v: [1, 2], color: 'é', n: BIG },
      { id: '2', note: 'x', level: 5, v: [3, 4] },
    ])
    assert.equal(rowCount, 2)
    assert.deepEqual(
      columns.map((c) => [c.field, c.type, c.dynamic, c.valid && [...c.valid], Array.from<unknown>(c.data.values)]),
      [
        ['id', 'Int64', false, null, [BIG, 2n]],
        ['note', 'VarChar', false, [0, 1], ['', 'x']],
        ['level', 'Int8', false, [0, 1], [0, 5]],
        ['v', 'FloatVector', false, null, [1, 2, 3, 4]],
        ['$meta', 'JSON', true, null, ['{"color":"é","n":9007199254740993}', '{}']],
      ],
    )
  })

  it('leave out a field that no row names, and $meta where nothing is left for it', () => {
    const { columns } = columnsFromJson(schema, [{ id: 1, v: [1, 2], gone: null }])
    assert.deepEqual(
      columns.map((c) => c.field),
      ['id', 'v'],
    )
  })

  it('refuse a row without a value that it must have, and a type that no column holds', () => {
    const rows = [{ id: 1, v: [1, 2] }, { id: 2 }]
    assert.throws(() => columnsFromJson(schema, rows), { kind: 'restInsertData', message: /no value for field v/ })
    const tags = { ...schema, fields: [...schema.fields, field('tags', 'Geometry')] }
    const tagged = [{ id: 1, v: [1, 2], tags: [1] }]
    assert.throws(() => columnsFromJson(tags, tagged), { kind: 'invalidParameter', message: /Geometry of field tags/ })
  })
})
