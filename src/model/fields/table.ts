import type { ColumnKind } from '../columns.ts'
import type { VectorKind } from '../vectors.ts'

/** What the server knows about one field type; the numbers are `schema.DataType`. */
export interface FieldTypeRow {
  readonly number: number
  /** In-memory column shape; null = known to the protocol, not served by the embedded engine yet. */
  readonly kind: ColumnKind | null
  readonly isVector: boolean
  /** SQLite column affinity of a scalar. Bool 0/1; JSON as text; vectors live in tables of their own. */
  readonly sql: 'INTEGER' | 'REAL' | 'TEXT' | 'BLOB'
  /** Inclusive range of an integer type. */
  readonly range: readonly [bigint, bigint] | null
}

function scalar(number: number, kind: ColumnKind, sql: FieldTypeRow['sql'], bits = 0): FieldTypeRow {
  const half = bits === 0 ? null : 1n << BigInt(bits - 1)
  return { number, kind, isVector: false, sql, range: half === null ? null : [-half, half - 1n] }
}
function vector(number: number, kind: VectorKind): FieldTypeRow {
  return { number, kind, isVector: true, sql: 'BLOB', range: null }
}
function later(number: number, isVector: boolean): FieldTypeRow {
  return { number, kind: null, isVector, sql: 'BLOB', range: null }
}

/** Every field type of the protocol, once. */
export const fieldTypes = {
  Bool: scalar(1, 'bool', 'INTEGER'),
  Int8: scalar(2, 'int', 'INTEGER', 8),
  Int16: scalar(3, 'int', 'INTEGER', 16),
  Int32: scalar(4, 'int', 'INTEGER', 32),
  Int64: scalar(5, 'long', 'INTEGER', 64),
  Float: scalar(10, 'float', 'REAL'),
  Double: scalar(11, 'double', 'REAL'),
  VarChar: scalar(21, 'string', 'TEXT'),
  /** JSON text of a list of `elementType` in one spelling (`fields/array.ts`). */
  Array: scalar(22, 'json', 'TEXT'),
  JSON: scalar(23, 'json', 'TEXT'),
  Geometry: later(24, false),
  Text: later(25, false),
  Timestamptz: later(26, false),
  BinaryVector: vector(100, 'binaryVector'),
  FloatVector: vector(101, 'floatVector'),
  Float16Vector: vector(102, 'float16Vector'),
  BFloat16Vector: vector(103, 'bfloat16Vector'),
  SparseFloatVector: vector(104, 'sparseVector'),
  Int8Vector: vector(105, 'int8Vector'),
  ArrayOfVector: later(106, true),
  ArrayOfStruct: later(200, false),
} as const satisfies Record<string, FieldTypeRow>

export type FieldTypeName = keyof typeof fieldTypes

export function fieldTypeByNumber(number: number): FieldTypeName | null {
  for (const [name, row] of Object.entries(fieldTypes)) if (row.number === number) return name as FieldTypeName
  return null
}

export function isVectorType(type: FieldTypeName): boolean {
  return fieldTypes[type].isVector
}
