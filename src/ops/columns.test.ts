import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { FieldDataSchema } from '../gen/schema_pb.js'
import type { Column } from '../model/columns.ts'
import { ops } from './registry.ts'
import { sdkDecode, sdkEncode } from './sdk-messages.test-support.ts'
import { resultFields, toFieldData } from './wire/columns-out.ts'

const MIN = '-9223372036854775808'
const MAX = '9223372036854775807'

function insertOf(rows: number, ...fields: object[]): readonly Column[] {
  const bytes = sdkEncode('milvus.InsertRequest', { collection_name: 'c', num_rows: rows, fields_data: fields })
  const { rows: written } = ops.Insert.decode(bytes, { db: '' })
  assert.equal(written.rowCount, rows)
  return written.columns
}
const scalar = (field_name: string, type: number, data: object, valid_data: boolean[] = []): object => ({
  field_name,
  type,
  scalars: data,
  valid_data,
})

describe('insert columns', () => {
  it('of every served type, as the SDK sends them', () => {
    const columns = insertOf(
      2,
      scalar('flag', 1, { bool_data: { data: [true, false] } }),
      scalar('tiny', 2, { int_data: { data: [-128, 127] } }),
      scalar('id', 5, { long_data: { data: [MIN, MAX] } }),
      scalar('f', 10, { float_data: { data: [0.5, -1] } }),
      scalar('d', 11, { double_data: { data: [0.1, 1e300] } }),
      scalar('s', 21, { string_data: { data: ['é', ''] } }),
      scalar('j', 23, { json_data: { data: [Buffer.from('{"a":1}'), Buffer.from('[]')] } }),
      { field_name: 'v', type: 101, vectors: { dim: '2', float_vector: { data: [1, 2, 3, 4] } } },
    )
    const values = Object.fromEntries(columns.map((c) => [c.field, Array.from<unknown>(c.data.values)]))
    assert.deepEqual(values, {
      flag: [1, 0],
      tiny: [-128, 127],
      id: [BigInt(MIN), BigInt(MAX)],
      f: [0.5, -1],
      d: [0.1, 1e300],
      s: ['é', ''],
      j: ['{"a":1}', '[]'],
      v: [1, 2, 3, 4],
    })
    assert.deepEqual(
      columns.map((c) => c.type),
      ['Bool', 'Int8', 'Int64', 'Float', 'Double', 'VarChar', 'JSON', 'FloatVector'],
    )
    assert.ok(columns.every((c) => c.valid === null && !c.dynamic))
  })

  it('mark the dynamic one', () => {
    const [meta] = insertOf(1, {
      ...scalar('', 23, { json_data: { data: [Buffer.from('{}')] } }),
      is_dynamic: true,
    })
    assert.equal(meta?.dynamic, true)
  })

  it('spread the compact form over all rows', () => {
    const bits = [false, true, false, true]
    const [s, v] = insertOf(4, scalar('s', 21, { string_data: { data: ['a', 'b'] } }, bits), {
      field_name: 'v',
      type: 101,
      valid_data: bits,
      vectors: { dim: '2', float_vector: { data: [1, 2, 3, 4] } },
    })
    assert.deepEqual([...(s?.data.values ?? [])], ['', 'a', '', 'b'])
    assert.deepEqual([...(s?.valid ?? [])], [0, 1, 0, 1])
    assert.deepEqual([...(v?.data.values ?? [])], [0, 0, 1, 2, 0, 0, 3, 4])
  })

  it('take a full-length nullable column as it is, and one without any value', () => {
    const [dense, empty] = insertOf(
      2,
      scalar('a', 5, { long_data: { data: ['7', '0'] } }, [true, false]),
      scalar('b', 4, {}, [false, false]),
    )
    assert.deepEqual([...(dense?.data.values ?? [])], [7n, 0n])
    assert.deepEqual([...(dense?.valid ?? [])], [1, 0])
    assert.equal(empty?.data.kind, 'int')
    assert.deepEqual([...(empty?.valid ?? [])], [0, 0])
  })

  it('that contradict themselves are refused', () => {
    const bits = [true, false, true]
    assert.throws(() => insertOf(3, scalar('a', 5, { long_data: { data: ['7'] } }, bits)), {
      kind: 'invalidParameter',
      message: /the length of field\(a\) is wrong/,
    })
    assert.throws(() => insertOf(2, scalar('a', 5, { long_data: { data: ['7', '8', '9'] } }, bits)), /is wrong/)
    const ragged = { field_name: 'v', type: 101, vectors: { dim: '2', float_vector: { data: [1, 2, 3] } } }
    assert.throws(() => insertOf(1, ragged), /the length\(3\) of float data should divide the dim\(2\)/)
    const noDim = { field_name: 'v', type: 101, vectors: { float_vector: { data: [1] } } }
    assert.throws(() => insertOf(1, noDim), /should be greater than 0/)
  })

  it('of types that are not served are refused by name', () => {
    const lists = { field_name: 'v', type: 106, vectors: { vector_array: { data: [] } } }
    assert.throws(() => insertOf(1, lists), { kind: 'unimplemented', message: /ArrayOfVector of field v/ })
    assert.throws(() => insertOf(1, scalar('x', 99, {})), { kind: 'invalidParameter', message: /unknown data type 99/ })
  })

  it('holding broken JSON text say in which row', () => {
    const data = { json_data: { data: [Buffer.from('{}'), Buffer.from([0xff])] } }
    assert.throws(() => insertOf(2, scalar('j', 23, data)), /field j holds invalid UTF-8 in row 1/)
  })
})

describe('result columns', () => {
  const meta: Column = { field: '$meta', dynamic: true, valid: null, data: { kind: 'json', values: ['{"k":1}'] } }
  const decoded = (column: Column): Record<string, unknown> => {
    const bytes = ops.Query.encode({
      collection: 'c',
      primaryField: 'id',
      rowCount: 1,
      columns: [column],
      outputFields: ['*'],
      sessionTs: 1n,
    })
    const { fields_data } = sdkDecode('milvus.QueryResults', bytes) as { fields_data: Record<string, unknown>[] }
    return fields_data[0] ?? {}
  }

  it('carry scalars full length and vectors compact', () => {
    const valid = Uint8Array.of(1, 0)
    const long: Column = {
      field: 'n',
      dynamic: false,
      valid,
      data: { kind: 'long', values: BigInt64Array.of(BigInt(MIN), 0n) },
    }
    const n = decoded(long)
    assert.deepEqual((n['scalars'] as { long_data: { data: string[] } }).long_data.data, [MIN, '0'])
    assert.deepEqual(n['valid_data'], [true, false])
    const vector: Column = {
      field: 'v',
      dynamic: false,
      valid,
      data: { kind: 'floatVector', dim: 2, values: Float32Array.of(1, 2, 0, 0) },
    }
    const v = decoded(vector)['vectors'] as { dim: string; float_vector: { data: number[] } }
    assert.deepEqual(v.float_vector.data, [1, 2])
    assert.equal(v.dim, '2')
  })

  it('keep the declared type where it is known', () => {
    const data = { kind: 'int' as const, values: Int32Array.of(1) }
    assert.equal(decoded({ field: 'i', dynamic: false, valid: null, data })['type'], 'Int32')
    assert.equal(decoded({ field: 'i', dynamic: false, valid: null, data, type: 'Int8' })['type'], 'Int8')
  })

  it('mark $meta, as JSON bytes', () => {
    const field = decoded(meta)
    assert.equal(field['is_dynamic'], true)
    assert.equal(field['field_name'], '$meta')
  })

  it('come back through our own decoder unchanged', () => {
    const column: Column = {
      field: 's',
      dynamic: false,
      valid: Uint8Array.of(0, 1),
      data: { kind: 'string', values: ['', 'x'] },
    }
    const field = create(FieldDataSchema, toFieldData(column))
    assert.deepEqual(field.validData, [false, true])
  })

  it('are named as the SDKs look them up', () => {
    assert.deepEqual(resultFields(['*'], [meta]), ['$meta'])
    assert.deepEqual(resultFields(['a', '$meta["k"]', 'a'], [meta]), ['a', 'k'])
  })
})
