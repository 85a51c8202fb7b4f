/** Vector columns of every type: how many bytes a row takes, and which rows lie where. */
import type { ColumnData, ColumnDataByKind, ColumnKind } from './columns.ts'

/** Vectors of a fixed number of bytes other than float32: kept as received. */
export type PackedKind = 'float16Vector' | 'bfloat16Vector' | 'int8Vector' | 'binaryVector'
export type PackedData = ColumnDataByKind[PackedKind]
/** Columns of vectors, whatever their type. */
export type VectorData = ColumnDataByKind['floatVector'] | PackedData | ColumnDataByKind['sparseVector']
export type VectorKind = VectorData['kind']

/** Bits of one value; null = rows of their own length. */
const bits: Readonly<Record<VectorKind, number | null>> = {
  floatVector: 32,
  float16Vector: 16,
  bfloat16Vector: 16,
  int8Vector: 8,
  binaryVector: 1,
  sparseVector: null,
}

export function isVectorKind(kind: ColumnKind): kind is VectorKind {
  return Object.hasOwn(bits, kind)
}

export function isVectorData(data: ColumnData): data is VectorData {
  return isVectorKind(data.kind)
}

export function isPacked(data: ColumnData): data is PackedData {
  return data.kind !== 'floatVector' && data.kind !== 'sparseVector' && isVectorData(data)
}

/** Bytes of one vector of this dimension; 0 for sparse ones, which have none. */
export function rowBytes(kind: VectorKind, dim: number): number {
  return ((bits[kind] ?? 0) * dim) / 8
}

/** Rows of a column; a part of a row counts as a fraction, which no whole number of rows equals. */
export function packedRows({ kind, dim, values }: PackedData): number {
  return dim === 0 ? 0 : values.byteLength / rowBytes(kind, dim)
}

/** A view of one row. */
export function packedRow({ kind, dim, values }: PackedData, row: number): Uint8Array {
  const bytes = rowBytes(kind, dim)
  return values.subarray(row * bytes, (row + 1) * bytes)
}

/** Rows at these slots, in that order. */
export function takeVectors(data: VectorData, rows: readonly number[]): VectorData {
  if (data.kind === 'sparseVector') return { ...data, values: rows.map((row) => data.values[row] ?? EMPTY) }
  const taken = emptyVectors(data.kind, rows.length, data.dim)
  rows.forEach((row, to) => {
    copyVector(data, row, taken, to)
  })
  return taken
}

const EMPTY = new Uint8Array(0)

/** `rows` vectors of zeros; sparse ones are empty. */
export function emptyVectors(kind: VectorKind, rows: number, dim: number): VectorData {
  switch (kind) {
    case 'floatVector':
      return { kind, dim, values: new Float32Array(rows * dim) }
    case 'sparseVector':
      return { kind, values: new Array<Uint8Array>(rows).fill(EMPTY) }
    default:
      return { kind, dim, values: new Uint8Array(rows * rowBytes(kind, dim)) }
  }
}

/** Copies one row between columns of one kind and dimension. */
export function copyVector(source: VectorData, from: number, target: VectorData, to: number): void {
  if (source.kind === 'sparseVector') {
    if (target.kind !== 'sparseVector')
      throw new Error(`a sparse row for a column of ${target.kind}`)
      // made by `emptyVectors` and not handed out yet
    ;(target.values as Uint8Array[])[to] = source.values[from] ?? EMPTY
  } else if (source.kind === 'floatVector' && target.kind === 'floatVector') {
    target.values.set(source.values.subarray(from * source.dim, (from + 1) * source.dim), to * source.dim)
  } else if (isPacked(source) && isPacked(target)) {
    target.values.set(packedRow(source, from), to * rowBytes(source.kind, source.dim))
  }
}

/** The same vectors over shared memory, so that threads read them without a copy. */
export function sharedVectors(data: VectorData): VectorData {
  if (data.kind === 'floatVector') {
    if (data.values.buffer instanceof SharedArrayBuffer) return data
    const values = new Float32Array(new SharedArrayBuffer(data.values.byteLength))
    values.set(data.values)
    return { ...data, values }
  }
  if (data.kind !== 'sparseVector') {
    if (data.values.buffer instanceof SharedArrayBuffer) return data
    const values = new Uint8Array(new SharedArrayBuffer(data.values.byteLength))
    values.set(data.values)
    return { ...data, values }
  }
  const bytes = new Uint8Array(new SharedArrayBuffer(data.values.reduce((sum, row) => sum + row.byteLength, 0)))
  let at = 0
  const values = data.values.map((row) => {
    const copy = bytes.subarray(at, at + row.byteLength)
    copy.set(row)
    at += row.byteLength
    return copy
  })
  return { ...data, values }
}
