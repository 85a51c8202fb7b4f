import { fault } from '../../errors/error.ts'
import { badJson } from './bad-value.ts'
import { type FieldType, isValid } from './field-type.ts'

export const varchar: FieldType = {
  fromJson(field, values) {
    return {
      kind: 'string',
      values: values.map((value, row) => {
        if (value === undefined || value === null) return ''
        if (typeof value !== 'string') throw badJson(field, row, value)
        return value
      }),
    }
  },
  check(field, column) {
    if (column.data.kind !== 'string') return
    column.data.values.forEach((value, row) => {
      // a JS string takes at most three bytes a code unit in UTF-8: most values need no count
      if (value.length * 3 <= field.maxLength || !isValid(column, row)) return
      const length = Buffer.byteLength(value)
      if (length > field.maxLength) {
        throw fault(
          'invalidParameter',
          `length of varchar field ${field.name} exceeds max length, row number: ${row}, length: ${length}, max length: ${field.maxLength}`,
        )
      }
    })
  },
  fill: (field, rowCount) => ({
    kind: 'string',
    values: new Array<string>(rowCount).fill(String(field.defaultValue ?? '')),
  }),
}
