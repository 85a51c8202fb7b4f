import { fault } from '../../errors/error.ts'
import { badJson, badRow } from './bad-value.ts'
import type { FieldType } from './field-type.ts'
import { refuseNotFinite } from './floating.ts'

export const floatVector: FieldType = {
  fromJson(field, values) {
    const { dim } = field
    const slots = new Float32Array(new SharedArrayBuffer(values.length * dim * 4))
    values.forEach((value, row) => {
      if (!Array.isArray(value)) throw badJson(field, row, value)
      if (value.length !== dim) {
        throw badRow(row, `the dim (${value.length}) of field data(${field.name}) is not equal to schema dim (${dim})`)
      }
      for (let i = 0; i < dim; i++) {
        const number: unknown = value[i]
        if (typeof number !== 'number') throw badJson(field, row, value)
        slots[row * dim + i] = number
      }
    })
    return { kind: 'floatVector', dim, values: slots }
  },
  check(field, column) {
    if (column.data.kind !== 'floatVector') return
    if (column.data.dim !== field.dim) {
      throw fault(
        'invalidParameter',
        `the dim (${column.data.dim}) of field data(${field.name}) is not equal to schema dim (${field.dim})`,
      )
    }
    refuseNotFinite(field, column, column.data.values)
  },
  fill: (field, rowCount) => ({
    kind: 'floatVector',
    dim: field.dim,
    values: new Float32Array(new SharedArrayBuffer(rowCount * field.dim * 4)),
  }),
}
