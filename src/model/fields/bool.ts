import { badJson } from './bad-value.ts'
import type { FieldType } from './field-type.ts'

export const bool: FieldType = {
  fromJson(field, values) {
    const slots = new Uint8Array(values.length)
    values.forEach((value, row) => {
      if (value === undefined || value === null) return
      if (typeof value !== 'boolean') throw badJson(field, row, value)
      slots[row] = value ? 1 : 0
    })
    return { kind: 'bool', values: slots }
  },
  check() {},
  fill: (field, rowCount) => ({
    kind: 'bool',
    values: new Uint8Array(rowCount).fill(field.defaultValue === true ? 1 : 0),
  }),
}
