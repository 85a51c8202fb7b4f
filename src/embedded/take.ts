import { type Column, type ColumnData, slotCount } from '../model/columns.ts'
import { takeVectors } from '../model/vectors.ts'

/** The column at the given slots, in that order; the identity order returns the column itself. */
export function takeColumn(column: Column, rows: readonly number[]): Column {
  if (isIdentity(rows, column)) return column
  const { valid } = column
  return {
    ...column,
    data: takeData(column.data, rows),
    valid: valid === null ? null : Uint8Array.from(rows, (row) => valid[row] ?? 0),
  }
}

function isIdentity(rows: readonly number[], column: Column): boolean {
  if (rows.length !== slotCount(column.data)) return false
  for (let i = 0; i < rows.length; i++) if (rows[i] !== i) return false
  return true
}

function takeData(data: ColumnData, rows: readonly number[]): ColumnData {
  switch (data.kind) {
    case 'bool':
      return { kind: 'bool', values: Uint8Array.from(rows, (row) => data.values[row] ?? 0) }
    case 'int':
      return { kind: 'int', values: Int32Array.from(rows, (row) => data.values[row] ?? 0) }
    case 'long':
      return { kind: 'long', values: BigInt64Array.from(rows, (row) => data.values[row] ?? 0n) }
    case 'float':
      return { kind: 'float', values: Float32Array.from(rows, (row) => data.values[row] ?? 0) }
    case 'double':
      return { kind: 'double', values: Float64Array.from(rows, (row) => data.values[row] ?? 0) }
    case 'string':
    case 'json':
      return { kind: data.kind, values: rows.map((row) => data.values[row] ?? '') }
    default:
      return takeVectors(data, rows)
  }
}
