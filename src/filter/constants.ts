import type { ArithmeticOp, CompareOp, Scalar } from './ast.ts'
import { FilterFailure } from './failure.ts'
import { isInt64 } from './literals.ts'

export type ScalarType = 'Int64' | 'Double' | 'VarChar' | 'Bool'

/** The type name Milvus gives a literal. */
export function scalarType(value: Scalar): ScalarType {
  switch (typeof value) {
    case 'bigint':
      return 'Int64'
    case 'number':
      return 'Double'
    case 'string':
      return 'VarChar'
    default:
      return 'Bool'
  }
}

/** A literal as Milvus prints it inside messages (a protobuf `GenericValue`). */
export function scalarText(value: Scalar): string {
  switch (typeof value) {
    case 'bigint':
      return `int64_val:${value}`
    case 'number':
      return `float_val:${value}`
    case 'string':
      return `string_val:${JSON.stringify(value)}`
    default:
      return `bool_val:${value}`
  }
}

export function isNumber(value: Scalar): value is bigint | number {
  return typeof value === 'bigint' || typeof value === 'number'
}

/** -1, 0, 1; null where the types do not compare. Integers and floats compare exactly, strings by their bytes. */
export function compareScalars(left: Scalar, right: Scalar): number | null {
  if (isNumber(left) && isNumber(right)) return left < right ? -1 : left > right ? 1 : 0
  if (typeof left === 'string' && typeof right === 'string')
    return Buffer.compare(Buffer.from(left), Buffer.from(right))
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right)
  return null
}

/** The truth of `order op 0`. */
export function orderHolds(op: CompareOp, order: number): boolean {
  switch (op) {
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
    case '==':
      return order === 0
    case '!=':
      return order !== 0
  }
}

/** `5 < a` as `a > 5`. */
export function mirrored(op: CompareOp): CompareOp {
  const pairs = { '<': '>', '<=': '>=', '>': '<', '>=': '<=', '==': '==', '!=': '!=' } as const
  return pairs[op]
}

/** Two constants folded: integers stay integers (division truncates), a float makes both float; `**` is float. */
export function foldArithmetic(op: ArithmeticOp, left: Scalar, right: Scalar, offset: number): bigint | number {
  if (!isNumber(left) || !isNumber(right)) {
    throw new FilterFailure(`'${op}' can only be used between integer or floating constants`, offset)
  }
  const value =
    typeof left === 'bigint' && typeof right === 'bigint'
      ? foldIntegers(op, left, right, offset)
      : foldFloats(op, Number(left), Number(right), offset)
  if (typeof value === 'bigint' ? !isInt64(value) : !Number.isFinite(value)) {
    throw new FilterFailure(`constant expression overflows ${typeof value === 'bigint' ? 'Int64' : 'Double'}`, offset)
  }
  return value
}

function foldIntegers(op: ArithmeticOp, left: bigint, right: bigint, offset: number): bigint | number {
  refuseZero(op, right, offset)
  refuseShift(op, right, offset)
  switch (op) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return left / right
    case '%':
      return left % right
    case '**':
      return Number(left) ** Number(right)
    case '<<':
      return BigInt.asIntN(64, left << right)
    case '>>':
      return left >> right
    case '&':
      return left & right
    case '|':
      return left | right
    case '^':
      return left ^ right
  }
}

function foldFloats(op: ArithmeticOp, left: number, right: number, offset: number): number {
  refuseZero(op, right, offset)
  switch (op) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return left / right
    case '**':
      return left ** right
    case '%':
      throw new FilterFailure('modulo can only apply on integer types', offset)
    default:
      throw new FilterFailure(`'${op}' can only apply on integer types`, offset)
  }
}

export function refuseZero(op: ArithmeticOp, by: bigint | number, offset: number): void {
  if ((op === '/' || op === '%') && Number(by) === 0) throw new FilterFailure('division or modulus by zero', offset)
}

export function refuseShift(op: ArithmeticOp, by: bigint | number, offset: number): void {
  if ((op === '<<' || op === '>>') && (by < 0 || by > 63)) {
    throw new FilterFailure(`shift by ${by} is out of the range 0 to 63`, offset)
  }
}
