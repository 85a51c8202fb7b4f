import { packedType, refuseNotFiniteHalves } from './packed.ts'

/** Float16Vector: halves of IEEE 754, two bytes a value, little-endian. JSON numbers are rounded to the nearest half. */
export const float16Vector = packedType(
  'float16Vector',
  (numbers, target) => {
    const view = new DataView(target.buffer, target.byteOffset, target.byteLength)
    for (const [i, number] of numbers.entries()) {
      // 65520 and more round to infinity
      if (!Number.isFinite(Math.f16round(number))) return false
      view.setFloat16(i * 2, number, true)
    }
    return true
  },
  { check: (field, column, values) => refuseNotFiniteHalves(field, column, values, 0x7c00) },
)
