import { fault } from '../../errors/error.ts'
import { badJson } from './bad-value.ts'
import { type FieldType, isValid } from './field-type.ts'
import { fieldTypes } from './table.ts'

/** Int8, Int16 and Int32: one int32 column on the wire, so the narrower two are range-checked here. */
export const int: FieldType = {
  fromJson(field, values) {
    const slots = new Int32Array(values.length)
    values.forEach((value, row) => {
      if (value === undefined || value === null) return
      const number = typeof value === 'string' ? Number(value) : value
      if (typeof number !== 'number' || !Number.isInteger(number) || number !== (number | 0)) {
        throw badJson(field, row, value)
      }
      slots[row] = number
    })
    return { kind: 'int', values: slots }
  },
  check(field, column) {
    const range = fieldTypes[field.type].range
    if (column.data.kind !== 'int' || range === null || field.type === 'Int32') return
    const [min, max] = [Number(range[0]), Number(range[1])]
    const { values } = column.data
    for (let row = 0; row < values.length; row++) {
      const value = values[row] ?? 0
      if ((value < min || value > max) && isValid(column, row)) {
        throw fault(
          'invalidParameter',
          `the ${row}th element (${value}) of field ${field.name} out of range: [${min}, ${max}], integer doesn't overflow int${field.type.slice(3)}`,
        )
      }
    }
  },
  fill: (field, rowCount) => ({
    kind: 'int',
    values: new Int32Array(rowCount).fill(Number(field.defaultValue ?? 0)),
  }),
}
