import { badJson } from './bad-value.ts'
import type { FieldType } from './field-type.ts'

const MIN = -(2n ** 63n)
const MAX = 2n ** 63n - 1n

/** Reads an int64 from JSON: a whole number, a bigint (digits beyond 2^53 kept by the parser) or a numeric string. */
export function int64FromJson(value: unknown): bigint | null {
  let big: bigint
  if (typeof value === 'bigint') big = value
  else if (typeof value === 'number' && Number.isSafeInteger(value)) big = BigInt(value)
  else if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) big = BigInt(value)
  else return null
  return big < MIN || big > MAX ? null : big
}

export const int64: FieldType = {
  fromJson(field, values) {
    const slots = new BigInt64Array(values.length)
    values.forEach((value, row) => {
      if (value === undefined || value === null) return
      const big = int64FromJson(value)
      if (big === null) throw badJson(field, row, value)
      slots[row] = big
    })
    return { kind: 'long', values: slots }
  },
  check() {},
  fill: (field, rowCount) => ({
    kind: 'long',
    values: new BigInt64Array(rowCount).fill(BigInt(field.defaultValue ?? 0)),
  }),
}
