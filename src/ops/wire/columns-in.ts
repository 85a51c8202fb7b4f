import { fault } from '../../errors/error.ts'
import type { FieldData, ScalarField } from '../../gen/schema_pb.js'
import { type Column, type ColumnBatch, type ColumnData, type ColumnKind, slotCount } from '../../model/columns.ts'
import { type FieldTypeName, fieldTypeByNumber, fieldTypes } from '../../model/fields/table.ts'
import { isVectorKind } from '../../model/vectors.ts'
import { type Arrays, arraysIn } from './arrays.ts'
import { floatView } from './floats.ts'
import { emptyOf, spread } from './spread.ts'
import { vectorsIn } from './vectors.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The columns of an insert or upsert, full length (the wire's compact form of nullable columns is undone). Float
 * vectors stay views of the received bytes. Whether a column fits the schema (name, kind, dim, rows) is for the
 * service to say: columns without `valid_data` come with as many slots as the client sent.
 * @throws RedkiteError `invalidParameter` for a column that contradicts itself, `unimplemented` for types not served.
 */
export function toColumnBatch(fields: readonly FieldData[], rowCount: number): ColumnBatch {
  return { rowCount, columns: fields.map((field) => toColumn(field, rowCount)) }
}

function toColumn(field: FieldData, rowCount: number): Column {
  const type = fieldTypeByNumber(field.type)
  if (type === null) {
    throw fault('invalidParameter', `unknown data type ${field.type} of field ${field.fieldName}`)
  }
  const kind = fieldTypes[type].kind
  if (kind === null) throw fault('unimplemented', `data type ${type} of field ${field.fieldName}`)
  const named = { field: field.fieldName, dynamic: field.isDynamic, type }
  if (type !== 'Array') return { ...named, ...withValidity(field, dataOf(field, kind), rowCount) }
  const { texts, elementType } = arraysOf(field)
  const { data, valid } = withValidity(field, { kind: 'json', values: texts }, rowCount)
  const values = data.kind === 'json' ? data.values.map((text) => (text === 'null' ? '[]' : text)) : []
  const column: Column = { ...named, data: { kind: 'json', values }, valid }
  return elementType === undefined ? column : { ...column, elementType }
}

function arraysOf({ field: body, fieldName }: FieldData): Arrays {
  const data = body.case === 'scalars' ? body.value.data : { case: undefined }
  if (data.case === 'arrayData') return arraysIn(data.value, fieldName)
  if (data.case === undefined) return { texts: [], elementType: undefined }
  throw fault('invalidParameter', `array field ${fieldName} holds ${data.case}`)
}

function dataOf(field: FieldData, kind: ColumnKind): ColumnData {
  const { field: body } = field
  switch (body.case) {
    case 'scalars':
      return scalarData(body.value, field.fieldName, kind)
    case 'vectors':
      return vectorsIn(body.value, field.fieldName, isVectorKind(kind) ? kind : null)
    case 'structArrays':
      throw fault('unimplemented', `struct arrays (field ${field.fieldName})`)
    case undefined:
      return emptyOf(kind, 0)
  }
}

function scalarData(scalars: ScalarField, name: string, kind: ColumnKind): ColumnData {
  const { data } = scalars
  switch (data.case) {
    case 'boolData':
      return { kind: 'bool', values: Uint8Array.from(data.value.data, Number) }
    case 'intData':
      return { kind: 'int', values: Int32Array.from(data.value.data) }
    case 'longData':
      return { kind: 'long', values: BigInt64Array.from(data.value.data) }
    case 'floatData':
      return { kind: 'float', values: floatView(data.value.data) }
    case 'doubleData':
      return { kind: 'double', values: Float64Array.from(data.value.data) }
    case 'stringData':
      return { kind: 'string', values: data.value.data }
    case 'jsonData':
      return { kind: 'json', values: data.value.data.map((bytes, row) => jsonText(bytes, name, row)) }
    case undefined:
      return emptyOf(kind, 0)
    default:
      throw fault('unimplemented', `${data.case} (field ${name})`)
  }
}

function jsonText(bytes: Uint8Array, name: string, row: number): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw fault('invalidParameter', `field ${name} holds invalid UTF-8 in row ${row}`)
  }
}

/** Spreads a compact column over all rows. A full-length one is accepted too: the Node SDK sends some that way. */
function withValidity(field: FieldData, data: ColumnData, rowCount: number): Pick<Column, 'data' | 'valid'> {
  const bits = field.validData
  if (bits.length === 0) return { data, valid: null }
  const valid = Uint8Array.from(bits, Number)
  const count = valid.reduce((sum, bit) => sum + bit, 0)
  const sent = slotCount(data)
  if (bits.length !== rowCount || (sent !== count && sent !== rowCount)) {
    throw fault('invalidParameter', `the length of field(${field.fieldName}) is wrong`, {
      expected: count,
      actual: sent,
      valid_data: bits.length,
      num_rows: rowCount,
    })
  }
  if (count === rowCount) return { data, valid: null }
  return { data: sent === rowCount ? data : spread(data, valid), valid }
}

/** The type that a column's kind stands for where nothing better is known. */
export const typeOfKind = {
  bool: 'Bool',
  int: 'Int32',
  long: 'Int64',
  float: 'Float',
  double: 'Double',
  string: 'VarChar',
  json: 'JSON',
  floatVector: 'FloatVector',
  float16Vector: 'Float16Vector',
  bfloat16Vector: 'BFloat16Vector',
  int8Vector: 'Int8Vector',
  binaryVector: 'BinaryVector',
  sparseVector: 'SparseFloatVector',
} as const satisfies Record<ColumnKind, FieldTypeName>
