import type { Column, ColumnData, Ids } from '../../model/columns.ts'
import type { Change, RowsToInsert } from './contract.ts'

/**
 * A view over a part of a larger buffer (columns lie over the received message) would carry the whole buffer to the
 * thread: copy the part. Shared memory is not copied at all.
 */
export function compactChange(change: Change): Change {
  switch (change.kind) {
    case 'insert':
      return { ...change, rows: compactRows(change.rows) }
    case 'upsert':
      return { ...change, replaces: compactIds(change.replaces), rows: compactRows(change.rows) }
    case 'deletePks':
      return { ...change, pks: compactIds(change.pks) }
    default:
      return change
  }
}

function compactIds(ids: Ids): Ids {
  return ids.kind === 'long' ? { kind: 'long', values: compact(ids.values) } : ids
}

function compactRows(rows: RowsToInsert): RowsToInsert {
  return {
    ...rows,
    pks: compactIds(rows.pks),
    scalars: rows.scalars.map(compactColumn),
    vectors: rows.vectors.map(compactColumn),
  }
}

function compactColumn(column: Column): Column {
  return { ...column, data: compactData(column.data), valid: column.valid && compact(column.valid) }
}

function compactData(data: ColumnData): ColumnData {
  switch (data.kind) {
    case 'string':
    case 'json':
      return data
    case 'bool':
      return { ...data, values: compact(data.values) }
    case 'int':
      return { ...data, values: compact(data.values) }
    case 'long':
      return { ...data, values: compact(data.values) }
    case 'float':
    case 'floatVector':
      return { ...data, values: compact(data.values) }
    case 'double':
      return { ...data, values: compact(data.values) }
    case 'sparseVector':
      // made over shared memory before it comes here
      return data
    default:
      return { ...data, values: compact(data.values) }
  }
}

function compact<T extends ArrayBufferView & { slice(): T }>(view: T): T {
  if (view.buffer instanceof SharedArrayBuffer || view.byteLength === view.buffer.byteLength) return view
  return view.slice()
}
