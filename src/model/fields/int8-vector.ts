import { packedType } from './packed.ts'

/** Int8Vector: one signed byte a value. */
export const int8Vector = packedType(
  'int8Vector',
  (numbers, target) => {
    for (const [i, number] of numbers.entries()) {
      if (!Number.isInteger(number) || number < -128 || number > 127) return false
      target[i] = number
    }
    return true
  },
  {},
)
