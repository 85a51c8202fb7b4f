import { fault } from '../../errors/error.ts'
import type { Column } from '../columns.ts'
import type { FieldSchema } from '../schema.ts'
import { badJson } from './bad-value.ts'
import { type FieldType, isValid } from './field-type.ts'

function readNumbers(field: FieldSchema, values: readonly unknown[], slots: Float32Array | Float64Array): void {
  values.forEach((value, row) => {
    if (value === undefined || value === null) return
    const number = typeof value === 'bigint' ? Number(value) : value
    if (typeof number !== 'number' || !Number.isFinite(number)) throw badJson(field, row, value)
    slots[row] = number
  })
}

/** Milvus refuses NaN and infinities in every floating column and vector. */
export function refuseNotFinite(field: FieldSchema, column: Column, values: Float32Array | Float64Array): void {
  // x * 0 is 0 for finite x and NaN for NaN and infinities: one pass without branches, then the culprit is looked up
  let taint = 0
  for (let i = 0; i < values.length; i++) taint += (values[i] as number) * 0
  if (taint === 0) return
  const width = field.dim > 0 ? field.dim : 1
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number
    const row = Math.floor(i / width)
    if (!Number.isFinite(value) && isValid(column, row)) {
      throw fault('invalidParameter', `value '${value}' is not a number or infinity (field ${field.name}, row ${row})`)
    }
  }
}

export const float: FieldType = {
  fromJson(field, values) {
    const slots = new Float32Array(values.length)
    readNumbers(field, values, slots)
    return { kind: 'float', values: slots }
  },
  check(field, column) {
    if (column.data.kind === 'float') refuseNotFinite(field, column, column.data.values)
  },
  fill: (field, rowCount) => ({
    kind: 'float',
    values: new Float32Array(rowCount).fill(Number(field.defaultValue ?? 0)),
  }),
}

export const double: FieldType = {
  fromJson(field, values) {
    const slots = new Float64Array(values.length)
    readNumbers(field, values, slots)
    return { kind: 'double', values: slots }
  },
  check(field, column) {
    if (column.data.kind === 'double') refuseNotFinite(field, column, column.data.values)
  },
  fill: (field, rowCount) => ({
    kind: 'double',
    values: new Float64Array(rowCount).fill(Number(field.defaultValue ?? 0)),
  }),
}
