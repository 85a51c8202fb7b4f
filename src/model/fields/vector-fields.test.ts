import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ColumnData } from '../columns.ts'
import type { FieldSchema } from '../schema.ts'
import { bfloat16Vector } from './bfloat16-vector.ts'
import { binaryVector } from './binary-vector.ts'
import type { FieldType } from './field-type.ts'
import { float16Vector } from './float16-vector.ts'
import { int8Vector } from './int8-vector.ts'
import { checkSparse, sparseFromJson, sparseToJson } from './sparse-float-vector.ts'
import type { FieldTypeName } from './table.ts'

function fieldOf(type: FieldTypeName, dim: number): FieldSchema {
  return {
    ...{ id: 101, name: 'v', description: '', type, isPrimary: false, autoId: false, isPartitionKey: false },
    ...{ isClusteringKey: false, isDynamic: false, nullable: false, defaultValue: null, dim, maxLength: 0 },
    ...{ maxCapacity: 0, elementType: null, typeParams: {} },
  }
}
const bytes = (type: FieldType, field: FieldSchema, row: unknown) => [
  ...(type.fromJson(field, [row]).values as Uint8Array),
]
const limits = { jsonBytesMax: 65_536 }
function refused(type: FieldType, field: FieldSchema, data: ColumnData, message: RegExp): void {
  const column = { field: 'v', data, valid: null, dynamic: false }
  assert.throws(() => type.check(field, column, limits), { kind: 'invalidParameter', message })
}

describe('a vector of JSON', () => {
  it('of halves is rounded to the nearest, or given as base64', () => {
    const field = fieldOf('Float16Vector', 2)
    assert.deepEqual(bytes(float16Vector, field, [1, -2]), [0, 0x3c, 0, 0xc0])
    assert.deepEqual(bytes(float16Vector, field, 'ADwAwA=='), [0, 0x3c, 0, 0xc0])
    assert.throws(() => bytes(float16Vector, field, [1, 65_520]), /does not fit its type Float16Vector/)
    const brain = fieldOf('BFloat16Vector', 2)
    // 1 + 2^-8 lies between two: to the even one; 1 + 3 * 2^-8 likewise
    assert.deepEqual(bytes(bfloat16Vector, brain, [1 + 2 ** -8, 1 + 3 * 2 ** -8]), [0x80, 0x3f, 0x82, 0x3f])
    assert.throws(() => bytes(bfloat16Vector, brain, [1, 3.4e38]), /does not fit/)
  })

  it('of bytes keeps to their range and number', () => {
    const int8 = fieldOf('Int8Vector', 2)
    assert.deepEqual(bytes(int8Vector, int8, [-128, 127]), [128, 127])
    for (const row of [
      [128, 0],
      [0.5, 0],
      ['1', 0],
    ])
      assert.throws(() => bytes(int8Vector, int8, row), /does not fit/)
    const bits = fieldOf('BinaryVector', 16)
    assert.deepEqual(bytes(binaryVector, bits, [1, 255]), [1, 255])
    assert.throws(
      () => bytes(binaryVector, bits, [1]),
      /the dim \(8\) of field data\(v\) is not equal to schema dim \(16\)/,
    )
    assert.throws(() => bytes(binaryVector, bits, [256, 0]), /does not fit/)
    assert.throws(() => bytes(binaryVector, bits, 'AQ=='), /the dim \(8\)/)
  })

  it('of pairs comes as an object of two forms, sorted by index', () => {
    const row = sparseFromJson({ 7: 0.5, 2: 1 })
    assert.deepEqual(row, sparseFromJson({ indices: [7, 2], values: [0.5, 1] }))
    assert.deepEqual(sparseToJson(row ?? new Uint8Array(0), Number), { 2: 1, 7: 0.5 })
    for (const bad of [[1], { a: 1 }, { indices: [1], values: [] }, { 1: 'x' }]) assert.equal(sparseFromJson(bad), null)
  })
})

describe('a stored vector', () => {
  it('holds no NaN and no infinity', () => {
    const half = fieldOf('Float16Vector', 2)
    const halves = (high: number, low = 0) =>
      ({ kind: 'float16Vector', dim: 2, values: Uint8Array.of(0, 0, low, high) }) as const
    refused(float16Vector, half, halves(0x7c), /value '\+Inf' is not a number or infinity \(field v, row 0\)/)
    refused(float16Vector, half, halves(0xfc), /value '-Inf'/)
    refused(float16Vector, half, halves(0x7c, 1), /value 'NaN'/)
    const brain = { kind: 'bfloat16Vector', dim: 2, values: Uint8Array.of(0, 0, 0xc0, 0x7f) } as const
    refused(bfloat16Vector, fieldOf('BFloat16Vector', 2), brain, /value 'NaN'/)
    refused(
      int8Vector,
      fieldOf('Int8Vector', 3),
      { kind: 'int8Vector', dim: 2, values: Uint8Array.of(0, 0) },
      /the dim \(2\)/,
    )
  })

  it('of pairs is sorted, positive and finite', () => {
    const pairs = (...list: [number, number][]) => {
      const view = new DataView(new ArrayBuffer(list.length * 8))
      for (const [i, [index, value]] of list.entries()) {
        view.setUint32(i * 8, index, true)
        view.setFloat32(i * 8 + 4, value, true)
      }
      return new Uint8Array(view.buffer)
    }
    checkSparse(pairs([1, 0.5], [2, 0], [2 ** 32 - 2, 1]), 'here')
    checkSparse(new Uint8Array(0), 'here')
    const cases = [
      [pairs([2, 1], [1, 1]), /unsorted or same indices in sparse float vector/],
      [pairs([1, 1], [1, 1]), /unsorted or same indices/],
      [pairs([1, -1]), /negative value in sparse float vector/],
      [pairs([1, Number.NaN]), /value 'NaN' is not a number or infinity/],
      [pairs([2 ** 32 - 1, 1]), /must be less than 2\^32-1/],
      [new Uint8Array(9), /invalid data length in sparse float vector: 9/],
    ] as const
    for (const [row, message] of cases) assert.throws(() => checkSparse(row, 'here'), { message })
  })
})
