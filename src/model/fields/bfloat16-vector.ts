import { packedType, refuseNotFiniteHalves } from './packed.ts'

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

/** BFloat16Vector: the upper halves of float32, two bytes a value, little-endian. JSON numbers are rounded, ties to even. */
export const bfloat16Vector = packedType(
  'bfloat16Vector',
  (numbers, target) => {
    for (const [i, number] of numbers.entries()) {
      float[0] = number
      const whole = bits[0] ?? 0
      const half = (whole + 0x7fff + ((whole >>> 16) & 1)) >>> 16
      if ((half & 0x7f80) === 0x7f80) return false
      target[i * 2] = half & 0xff
      target[i * 2 + 1] = half >>> 8
    }
    return true
  },
  { check: (field, column, values) => refuseNotFiniteHalves(field, column, values, 0x7f80) },
)
