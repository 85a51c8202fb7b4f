/** What the vector types of a fixed number of bytes a row have in common. */
import { fault } from '../../errors/error.ts'
import type { Column } from '../columns.ts'
import type { FieldSchema } from '../schema.ts'
import { isPacked, type PackedKind, rowBytes } from '../vectors.ts'
import { badJson, badRow } from './bad-value.ts'
import { type FieldType, isValid } from './field-type.ts'

/** Writes the numbers of one JSON row; false for a number that the type cannot hold. */
export type PutNumbers = (numbers: readonly number[], target: Uint8Array) => boolean

/**
 * A type of packed vectors.
 * @param perNumber values of the vector that one JSON number stands for: 8 for binary vectors, whose numbers are bytes
 * @param check of the rows' values, after their dimension
 */
export function packedType(
  kind: PackedKind,
  put: PutNumbers,
  { perNumber = 1, base64 = true, check = () => {} }: PackedOptions,
): FieldType {
  return {
    fromJson(field, values) {
      const data = zeros(kind, values.length, field.dim)
      const bytes = rowBytes(kind, field.dim)
      values.forEach((value, row) => {
        if (value === undefined || value === null) return
        const target = data.subarray(row * bytes, (row + 1) * bytes)
        if (typeof value === 'string' && base64) {
          const given = Buffer.from(value, 'base64')
          if (given.byteLength !== bytes) throw badDim(field, row, (given.byteLength / bytes) * field.dim)
          target.set(given)
          return
        }
        if (!Array.isArray(value)) throw badJson(field, row, value)
        if (value.length * perNumber !== field.dim) throw badDim(field, row, value.length * perNumber)
        if (!value.every((number) => typeof number === 'number') || !put(value, target))
          throw badJson(field, row, value)
      })
      return { kind, dim: field.dim, values: data }
    },
    check(field, column) {
      if (!isPacked(column.data)) return
      if (column.data.dim !== field.dim) {
        throw fault(
          'invalidParameter',
          `the dim (${column.data.dim}) of field data(${field.name}) is not equal to schema dim (${field.dim})`,
        )
      }
      check(field, column, column.data.values)
    },
    fill: (field, rowCount) => ({ kind, dim: field.dim, values: zeros(kind, rowCount, field.dim) }),
  }
}

interface PackedOptions {
  readonly perNumber?: number
  readonly base64?: boolean
  readonly check?: (field: FieldSchema, column: Column, values: Uint8Array) => void
}

function zeros(kind: PackedKind, rows: number, dim: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(rows * rowBytes(kind, dim)))
}

function badDim(field: FieldSchema, row: number, got: number): Error {
  return badRow(row, `the dim (${got}) of field data(${field.name}) is not equal to schema dim (${field.dim})`)
}

/**
 * Refuses NaN and infinities among halves, whose exponent bits are then all set.
 * @param exponent the mask of those bits: 0x7c00 of float16, 0x7f80 of bfloat16
 */
export function refuseNotFiniteHalves(field: FieldSchema, column: Column, values: Uint8Array, exponent: number): void {
  const high = exponent >> 8
  const low = exponent & 0xff
  for (let at = 0; at < values.byteLength; at += 2) {
    if (((values[at + 1] ?? 0) & high) !== high || ((values[at] ?? 0) & low) !== low) continue
    const row = Math.floor(at / 2 / field.dim)
    if (!isValid(column, row)) continue
    const mantissa = ((values[at] ?? 0) | ((values[at + 1] ?? 0) << 8)) & ~exponent & 0x7fff
    const shown = mantissa !== 0 ? 'NaN' : (values[at + 1] ?? 0) & 0x80 ? '-Inf' : '+Inf'
    throw fault('invalidParameter', `value '${shown}' is not a number or infinity (field ${field.name}, row ${row})`)
  }
}
