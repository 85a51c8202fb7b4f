import type { ColumnData, ColumnKind } from '../../model/columns.ts'
import { copyVector, emptyVectors, isVectorData } from '../../model/vectors.ts'

/** A compact column, which has slots for valid rows only, spread over all rows. */
export function spread(compact: ColumnData, valid: Uint8Array): ColumnData {
  const full = emptyOf(compact.kind, valid.length, dimOf(compact))
  let from = 0
  for (let row = 0; row < valid.length; row++) {
    if (valid[row] === 1) copySlot(compact, from++, full, row)
  }
  return full
}

/** The slots of valid rows only, in their order; the column itself where every row is valid. */
export function compacted(full: ColumnData, valid: Uint8Array | null): ColumnData {
  if (valid === null) return full
  const compact = emptyOf(
    full.kind,
    valid.reduce((sum, bit) => sum + bit, 0),
    dimOf(full),
  )
  let to = 0
  for (let row = 0; row < valid.length; row++) {
    if (valid[row] === 1) copySlot(full, row, compact, to++)
  }
  return compact
}

function dimOf(data: ColumnData): number {
  return 'dim' in data ? data.dim : 0
}

function copySlot(source: ColumnData, from: number, target: ColumnData, to: number): void {
  if (isVectorData(source) && isVectorData(target)) {
    copyVector(source, from, target, to)
    return
  }
  // both are of one kind: `target` was made from `source`
  const values = target.values as unknown[]
  values[to] = source.values[from]
}

/** A column of fillers. */
export function emptyOf(kind: ColumnKind, rows: number, dim = 0): ColumnData {
  switch (kind) {
    case 'bool':
      return { kind, values: new Uint8Array(rows) }
    case 'int':
      return { kind, values: new Int32Array(rows) }
    case 'long':
      return { kind, values: new BigInt64Array(rows) }
    case 'float':
      return { kind, values: new Float32Array(rows) }
    case 'double':
      return { kind, values: new Float64Array(rows) }
    case 'string':
      return { kind, values: new Array<string>(rows).fill('') }
    case 'json':
      return { kind, values: new Array<string>(rows).fill('null') }
    default:
      return emptyVectors(kind, rows, dim)
  }
}
