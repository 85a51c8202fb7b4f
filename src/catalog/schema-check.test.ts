import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FieldSchema } from '../model/schema.ts'
import { dynamicField } from '../model/schema.ts'
import { admitAddedField } from './schema-check.ts'

const limits = { fieldsMax: 64, vectorFieldsMax: 4, dimMax: 100, nameBytesMax: 255, varCharBytesMax: 100 }
const schema = { name: 'c', description: '', autoId: false, enableDynamicField: false, fields: [] }

function admit(type: FieldSchema['type'], defaultValue: FieldSchema['defaultValue']): FieldSchema {
  const typeParams = { max_length: '3' }
  const field = { ...dynamicField(0), name: 'f', type, isDynamic: false, maxLength: 3, typeParams, defaultValue }
  return admitAddedField(schema, field, limits)
}

test('a default is a value that its field could hold', () => {
  for (const [type, value] of [
    ['Bool', false],
    ['Int8', -128],
    ['Int64', 2n ** 63n - 1n],
    ['Float', 0.5],
    ['Double', 3],
    ['VarChar', 'aé'],
  ] as const) {
    assert.equal(admit(type, value).defaultValue, value)
  }
  for (const [type, value, text] of [
    ['Bool', 1, /type \(Bool\) of field \(f\) is not equal/],
    ['Int8', 128, /128 out of range -128 <= value <= 127/],
    ['Int32', 1.5, /type \(Int32\) of field/],
    ['Int64', 'x', /type \(Int64\) of field/],
    ['Float', true, /type \(Float\) of field/],
    ['VarChar', 5, /type \(VarChar\) of field/],
    ['VarChar', 'éé', /the length \(4\) of string exceeds max length \(3\)/],
  ] as const) {
    assert.throws(() => admit(type, value), text)
  }
})
