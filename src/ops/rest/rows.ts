import type { Column, Ids } from '../../model/columns.ts'
import { arrayElements } from '../../model/fields/array.ts'
import { sparseToJson } from '../../model/fields/sparse-float-vector.ts'
import { isPacked, packedRow } from '../../model/vectors.ts'
import { rowOut } from '../wire/arrays.ts'
import { isObject } from '../wire/properties.ts'

/** Result columns as row objects in Milvus' REST encoding; int64 as bigint (a JSON number) or as string. */
export function toRows(
  columns: readonly Column[],
  rowCount: number,
  int64AsNumber: boolean,
): Record<string, unknown>[] {
  const rows = Array.from({ length: rowCount }, (): Record<string, unknown> => ({}))
  for (const column of columns) {
    rows.forEach((row, index) => {
      putCell(row, column, index, int64AsNumber)
    })
  }
  return rows
}

function putCell(row: Record<string, unknown>, column: Column, index: number, int64AsNumber: boolean): void {
  const { data, field } = column
  if (column.valid?.[index] === 0) {
    if (!column.dynamic) row[field] = null
    return
  }
  switch (data.kind) {
    case 'bool':
      row[field] = data.values[index] === 1
      return
    case 'long':
      row[field] = int64Out(data.values[index] ?? 0n, int64AsNumber)
      return
    case 'float':
      row[field] = shortFloat(data.values[index] ?? 0)
      return
    case 'json':
      if (column.type === 'Array') row[field] = arrayBody(column, data.values[index] ?? '[]')
      else if (column.dynamic) Object.assign(row, dynamicKeys(data.values[index] ?? '{}'))
      else row[field] = data.values[index]
      return
    case 'floatVector':
      row[field] = Array.from(data.values.subarray(index * data.dim, (index + 1) * data.dim), shortFloat)
      return
    case 'sparseVector':
      row[field] = sparseToJson(data.values[index] ?? new Uint8Array(0), shortFloat)
      return
    default:
      row[field] = isPacked(data) ? Buffer.from(packedRow(data, index)).toString('base64') : data.values[index]
  }
}

/** Go prints the protobuf oneof of an array as its wrapper struct: `{"Data":{"LongData":{"data":[1]}}}`. */
function arrayBody({ elementType = 'Int64' }: Column, text: string): unknown {
  const { case: member } = rowOut([], elementType)
  const elements = arrayElements(text, elementType)
  const data = elementType === 'Float' ? elements.map((value) => shortFloat(Number(value))) : elements
  return { Data: { [`${member?.charAt(0).toUpperCase()}${member?.slice(1)}`]: { data } } }
}

function dynamicKeys(text: string): object {
  const value = parseExact(text)
  return isObject(value) ? value : {}
}

/** JSON with whole numbers beyond 2^53 kept as bigint. */
function parseExact(text: string): unknown {
  const exact = (_key: string, value: unknown, context?: { source?: string }): unknown => {
    const source = context?.source
    if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined) return value
    return /^-?\d+$/.test(source) ? BigInt(source) : value
  }
  return JSON.parse(text, exact)
}

/** An int64 as the caller asked for it (`Accept-Type-Allow-Int64`). */
export function int64Out(value: bigint, asNumber: boolean): bigint | string {
  return asNumber ? value : String(value)
}

export function idsOut(ids: Ids, int64AsNumber: boolean): readonly (bigint | string)[] {
  return ids.kind === 'string' ? ids.values : Array.from(ids.values, (id) => int64Out(id, int64AsNumber))
}

/**
 * The number whose shortest decimal is that of a float32, as Go prints one: 0.1, not 0.10000000149011612. Tries few
 * decimal places first; multiplying and dividing by an exact power of ten rounds once, so the text is the decimal's.
 */
export function shortFloat(value: number): number {
  if (Number.isInteger(value) || !Number.isFinite(value)) return value
  if (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e4) {
    for (let scale = 10; scale <= 1e11; scale *= 10) {
      const short = Math.round(value * scale) / scale
      if (Math.fround(short) === value) return short
    }
  }
  for (let digits = 6; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return value
}
