import type { FieldTypeName } from './fields/table.ts'
import { isPacked, packedRow, packedRows } from './vectors.ts'

/**
 * Columns: how rows travel from socket to engine and back. One typed array a field, never an object a row.
 *
 * Inside the server a column is always full length: slot i belongs to row i, whether it is valid or not (the wire's
 * compact form is undone in `ops/`). `valid` is null when every row has a value; else one byte a row, 1 = value,
 * and an invalid slot holds a filler (0, '').
 */
export interface ColumnDataByKind {
  /** 0 or 1 a row. */
  bool: { readonly kind: 'bool'; readonly values: Uint8Array }
  /** Int8, Int16, Int32. */
  int: { readonly kind: 'int'; readonly values: Int32Array }
  long: { readonly kind: 'long'; readonly values: BigInt64Array }
  float: { readonly kind: 'float'; readonly values: Float32Array }
  double: { readonly kind: 'double'; readonly values: Float64Array }
  string: { readonly kind: 'string'; readonly values: readonly string[] }
  /** JSON text a row, as received; of an Array column the list (`fields/array.ts`). */
  json: { readonly kind: 'json'; readonly values: readonly string[] }
  /** rows x dim, row-major. */
  floatVector: { readonly kind: 'floatVector'; readonly dim: number; readonly values: Float32Array }
  float16Vector: PackedVectors<'float16Vector'>
  bfloat16Vector: PackedVectors<'bfloat16Vector'>
  int8Vector: PackedVectors<'int8Vector'>
  binaryVector: PackedVectors<'binaryVector'>
  /** One row after the other as on the wire: pairs of uint32 index and float32 value, little-endian, indexes ascending. */
  sparseVector: { readonly kind: 'sparseVector'; readonly values: readonly Uint8Array[] }
}

/** Vectors of a fixed number of bytes (`rowBytes` in `vectors.ts`), row after row, as on the wire. */
export interface PackedVectors<Kind> {
  readonly kind: Kind
  readonly dim: number
  readonly values: Uint8Array
}
export type ColumnKind = keyof ColumnDataByKind
export type ColumnData = ColumnDataByKind[ColumnKind]

export interface Column {
  readonly field: string
  readonly data: ColumnData
  /** One byte a row, 1 = has a value; null = every row has one. */
  readonly valid: Uint8Array | null
  /** The `$meta` column (or a wire column flagged `is_dynamic`). */
  readonly dynamic: boolean
  /** The declared type where it is known: the wire tells Int8 from Int32, memory does not. */
  readonly type?: FieldTypeName
  /** Array columns: the type of their elements, where it is known. */
  readonly elementType?: FieldTypeName
}

/** Rows in columns; every column has `rowCount` slots. */
export interface ColumnBatch {
  readonly rowCount: number
  readonly columns: readonly Column[]
}

/** Primary keys, or row ids of a result. */
export type Ids =
  | { readonly kind: 'long'; readonly values: BigInt64Array }
  | { readonly kind: 'string'; readonly values: readonly string[] }

/** Slots of a column, whatever its kind. */
export function slotCount(data: ColumnData): number {
  if (data.kind === 'floatVector') return data.dim === 0 ? 0 : data.values.length / data.dim
  return isPacked(data) ? packedRows(data) : data.values.length
}

/** One slot as a plain JS value: for JSON output, filters over few rows and tests; never in a per-vector loop. */
export function slotValue(column: Column, row: number): unknown {
  if (column.valid && column.valid[row] === 0) return null
  const { data } = column
  switch (data.kind) {
    case 'bool':
      return data.values[row] === 1
    case 'json':
      return JSON.parse(data.values[row] ?? 'null')
    case 'floatVector':
      return data.values.subarray(row * data.dim, (row + 1) * data.dim)
    default:
      return isPacked(data) ? packedRow(data, row) : data.values[row]
  }
}

/** About what the values take: strings count a byte a UTF-16 unit. */
export function columnBytes(columns: readonly Column[]): number {
  let bytes = 0
  for (const { data } of columns) {
    if (data.kind === 'string' || data.kind === 'json') for (const value of data.values) bytes += value.length
    else if (data.kind === 'sparseVector') for (const value of data.values) bytes += value.byteLength
    else bytes += data.values.byteLength
  }
  return bytes
}

export function idCount(ids: Ids): number {
  return ids.values.length
}
