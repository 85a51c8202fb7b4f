import type { MessageInitShape } from '@bufbuild/protobuf'
import type { FieldDataSchema, ScalarFieldSchema } from '../../gen/schema_pb.js'
import type { Column, ColumnBatch, ColumnData } from '../../model/columns.ts'
import { fieldTypes } from '../../model/fields/table.ts'
import { isVectorData, type VectorData } from '../../model/vectors.ts'
import { arraysOut } from './arrays.ts'
import { typeOfKind } from './columns-in.ts'
import { floatBytes } from './floats.ts'
import { compacted } from './spread.ts'
import { vectorsOut } from './vectors.ts'

type FieldDataInit = MessageInitShape<typeof FieldDataSchema>
const encoder = new TextEncoder()

/**
 * A column as Search and Query return it: scalars full length with fillers where invalid, vectors compact
 * (milvus-api.md B1).
 */
export function toFieldData(column: Column): FieldDataInit {
  const { data, valid } = column
  return fieldData(column, isVectorData(data) ? compacted(data, valid) : data)
}

/** A column as Insert and Upsert send it: scalars and vectors compact, with no slots for rows that have no value. */
function toWriteData(column: Column): FieldDataInit {
  return fieldData(column, compacted(column.data, column.valid))
}

/** The rows of Insert and Upsert. */
export function writeFields({ columns, rowCount }: ColumnBatch): { fieldsData: FieldDataInit[]; numRows: number } {
  return { fieldsData: columns.map(toWriteData), numRows: rowCount }
}

function fieldData(column: Column, data: ColumnData): FieldDataInit {
  const { valid } = column
  return {
    fieldName: column.field,
    type: fieldTypes[column.type ?? typeOfKind[data.kind]].number,
    isDynamic: column.dynamic,
    validData: valid ? Array.from(valid, (bit) => bit === 1) : [],
    field: isVectorData(data)
      ? { case: 'vectors', value: vectorsOut(data) }
      : { case: 'scalars', value: { data: scalarOneof(column, data) } },
  }
}

function scalarOneof(
  { type, elementType }: Column,
  data: Exclude<ColumnData, VectorData>,
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
      if (type === 'Array') return { case: 'arrayData', value: arraysOut(data.values, elementType) }
      return { case: 'jsonData', value: { data: data.values.map((text) => encoder.encode(text)) } }
  }
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
