import { packedType } from './packed.ts'

/** BinaryVector: one bit a value, dim / 8 bytes a row; JSON has them as numbers from 0 to 255 or as base64. */
export const binaryVector = packedType(
  'binaryVector',
  (numbers, target) => {
    for (const [i, number] of numbers.entries()) {
      if (!Number.isInteger(number) || number < 0 || number > 255) return false
      target[i] = number
    }
    return true
  },
  { perNumber: 8 },
)
