import { faultText } from '../../errors/error.ts'

/**
 * Reads an enumeration of two values, adding 0 and removing 1. Any other is refused: what is neither must not pass for
 * the first.
 * @throws RedkiteError `unexpected`, as Milvus
 */
export function isSecondOfTwo(value: number, what: string): boolean {
  if (value === 0 || value === 1) return value === 1
  throw faultText('unexpected', `invalid ${what}, current type: ${value}, valid value: [0, 1]`)
}
