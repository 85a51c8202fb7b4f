import type { MessageInitShape } from '@bufbuild/protobuf'
import type { FieldDataSchema, ScalarFieldSchema } from '../../gen/schema_pb.js'
import type { Column, ColumnData } from '../../model/columns.ts'
import { fieldTypes } from '../../model/fields/table.ts'
import { typeOfKind } from './columns-in.ts'
import { floatBytes } from './floats.ts'

type FieldDataInit = MessageInitShape<typeof FieldDataSchema>
const encoder = new TextEncoder()

/**
 * A column as Search and Query return it: scalars full length with fillers where invalid, vectors compact
 * (milvus-api.md B1).
 */
export function toFieldData(column: Column): FieldDataInit {
  const { data, valid } = column
  return {
    fieldName: column.field,
    type: fieldTypes[column.type ?? typeOfKind[data.kind]].number,
    isDynamic: column.dynamic,
    validData: valid ? Array.from(valid, (bit) => bit === 1) : [],
    field:
      data.kind === 'floatVector'
        ? {
            case: 'vectors',
            value: {
              dim: BigInt(data.dim),
              data: { case: 'floatVector', value: { data: floatBytes(compactVectors(data, valid)) } },
            },
          }
        : { case: 'scalars', value: { data: scalarOneof(data) } },
  }
}

function scalarOneof(
  data: Exclude<ColumnData, { kind: 'floatVector' }>,
): NonNullable<MessageInitShape<typeof ScalarFieldSchema>['data']> {
  switch (data.kind) {
    case 'bool':
      return { case: 'boolData', value: { data: Array.from(data.values, (bit) => bit === 1) } }
    case 'int':
      return { case: 'intData', value: { data: Array.from(data.values) } }
    case 'long':
      return { case: 'longData', value: { data: Array.from(data.values) } }
    case 'float':
      return { case: 'floatData', value: { data: floatBytes(data.values) } }
    case 'double':
      return { case: 'doubleData', value: { data: Array.from(data.values) } }
    case 'string':
      return { case: 'stringData', value: { data: [...data.values] } }
    case 'json':
      return { case: 'jsonData', value: { data: data.values.map((text) => encoder.encode(text)) } }
  }
}

function compactVectors(data: { dim: number; values: Float32Array }, valid: Uint8Array | null): Float32Array {
  if (!valid) return data.values
  const { dim } = data
  const compact = new Float32Array(valid.reduce((sum, bit) => sum + bit, 0) * dim)
  let to = 0
  for (let row = 0; row < valid.length; row++) {
    if (valid[row] === 1) compact.set(data.values.subarray(row * dim, (row + 1) * dim), dim * to++)
  }
  return compact
}

const META_KEY = /^\$meta\[\s*(?:"([^"]+)"|'([^']+)')\s*\]$/

/**
 * The names of a result's columns as the SDKs need them: they look every name up among the columns or among the keys
 * of `$meta`, so `*` becomes the columns that it brought, and `$meta["k"]` the key.
 */
export function resultFields(outputFields: readonly string[], columns: readonly Column[]): string[] {
  const names = outputFields.flatMap((name) => {
    if (name === '*') return columns.map((column) => column.field)
    const key = META_KEY.exec(name)
    return [key?.[1] ?? key?.[2] ?? name]
  })
  return [...new Set(names)]
}
