import { arrayText } from '../model/fields/array.ts'
import type { CompareOp, FilterNode, Scalar } from './ast.ts'
import type { CheckedExpr, ColumnOperand, JsonOperand, Operand } from './checked.ts'
import { compareScalars, mirrored, orderHolds, scalarText } from './constants.ts'
import { FilterFailure } from './failure.ts'
import { parseLikePattern } from './like.ts'
import { negate } from './logic.ts'
import { type CheckContext, type Meaning, meaningType, sourceOf } from './meaning.ts'
import { castOrFail, castTo, comparable, operandType, resolveName, scalarClass, typeClass } from './operands.ts'

/** Matching takes up to pattern x text steps a row, and a stored text has up to 65,535 bytes. */
const PATTERN_CHARS_MAX = 2_048

type CompareNode = FilterNode & { kind: 'compare' }

/** `left op right`: two constants fold, a constant on the left is mirrored, two columns compare. */
export function compareNodes(node: CompareNode, context: CheckContext): Meaning {
  const left = context.meaningOf(node.left)
  const right = context.meaningOf(node.right)
  if (left.kind === 'scalar' && right.kind === 'scalar') {
    return { kind: 'scalar', value: foldComparison(node, left.value, right.value, context) }
  }
  if (left.kind === 'operand' && right.kind === 'scalar') {
    return predicate(compareOperand(left.operand, node.op, right.value, node.offset))
  }
  if (left.kind === 'scalar' && right.kind === 'operand') {
    return predicate(compareOperand(right.operand, mirrored(node.op), left.value, node.offset))
  }
  if (left.kind === 'operand' && right.kind === 'list') {
    return predicate(compareArray(left.operand, node.op, right.values, node.offset))
  }
  if (left.kind === 'list' && right.kind === 'operand') {
    return predicate(compareArray(right.operand, mirrored(node.op), left.values, node.offset))
  }
  if (left.kind === 'operand' && right.kind === 'operand') {
    return predicate(compareColumns(left.operand, node.op, right.operand, node.offset))
  }
  const types = `${meaningType(left)} and ${meaningType(right)}`
  throw new FilterFailure(`comparisons between ${types} are not supported`, node.offset)
}

function predicate(expr: CheckedExpr): Meaning {
  return { kind: 'predicate', expr }
}

function foldComparison(node: CompareNode, left: Scalar, right: Scalar, context: CheckContext): boolean {
  const order = compareScalars(left, right)
  const ordered = node.op !== '==' && node.op !== '!='
  if (order === null || (ordered && typeof left === 'boolean')) {
    throw new FilterFailure(
      `comparison operations cannot be applied to two incompatible operands: ${sourceOf(node, context)}`,
      node.offset,
    )
  }
  return orderHolds(node.op, order)
}

function compareOperand(operand: Operand, op: CompareOp, value: Scalar, offset: number): CheckedExpr {
  if (!comparable(typeClass(operand), scalarClass(value))) {
    const types = `${operandType(operand)} and ${scalarTypeName(value)}`
    throw new FilterFailure(`comparisons between ${types} are not supported`, offset)
  }
  if (typeof value === 'boolean') refuseOrder(op, offset)
  const cast = castOrFail(operand, value, offset)
  if (operand.kind === 'arithmetic' && typeof cast !== 'bigint' && typeof cast !== 'number') {
    throw new FilterFailure(`cannot cast value to ${operandType(operand)}, value: ${scalarText(value)}`, offset)
  }
  return { kind: 'compare', operand, op, value: cast }
}

/** `array == [1, 2]`: arrays are stored in one spelling, so equal ones are equal texts. */
function compareArray(operand: Operand, op: CompareOp, values: readonly Scalar[], offset: number): CheckedExpr {
  if (operand.kind !== 'json' || operand.field.type !== 'Array' || operand.path.length > 0) {
    throw new FilterFailure(`comparisons between ${operandType(operand)} and Array are not supported`, offset)
  }
  if (op !== '==' && op !== '!=') throw new FilterFailure('can not comparisons array fields directly', offset)
  const { field } = operand
  const element: JsonOperand = { kind: 'json', field, path: [0] }
  const cast = values.map((value) => castOrFail(element, value, offset))
  return { kind: 'compare', operand: { kind: 'column', field }, op, value: arrayText(cast) }
}

function scalarTypeName(value: Scalar): string {
  return meaningType({ kind: 'scalar', value })
}

function refuseOrder(op: CompareOp, offset: number): void {
  if (op !== '==' && op !== '!=') throw new FilterFailure('invalid range operations on boolean expr', offset)
}

function compareColumns(left: Operand, op: CompareOp, right: Operand, offset: number): CheckedExpr {
  if (typeClass(left) === 'json' || typeClass(right) === 'json') {
    throw new FilterFailure('two column comparison with JSON type is not supported', offset)
  }
  if (left.kind !== 'column' || right.kind !== 'column') {
    throw new FilterFailure('only comparison between two fields is supported', offset)
  }
  if (!comparable(typeClass(left), typeClass(right))) {
    const types = `${operandType(left)} and ${operandType(right)}`
    throw new FilterFailure(`comparisons between ${types} are not supported`, offset)
  }
  if (typeClass(left) === 'bool') refuseOrder(op, offset)
  return { kind: 'compareColumns', left, op, right }
}

/** `1 < field <= 5` as the `and` of its halves. */
export function rangeNodes(node: FilterNode & { kind: 'range' }, context: CheckContext): CheckedExpr {
  const operand = resolveName(node.middle, context.schema)
  const ascending = node.leftOp === '<' || node.leftOp === '<='
  const [lowerNode, upperNode] = ascending ? [node.left, node.right] : [node.right, node.left]
  const lower = rangeBound(operand, lowerNode, 'lowerbound', context)
  const upper = rangeBound(operand, upperNode, 'upperbound', context)
  const order = compareScalars(lower, upper)
  if (order === null) throw new FilterFailure('invalid range operations', node.offset)
  const open = node.leftOp.length === 1 || node.rightOp.length === 1
  if (order > 0 || (order === 0 && open)) {
    throw new FilterFailure('invalid range: lowerbound is greater than upperbound', node.offset)
  }
  const [first, last] = ascending ? [lower, upper] : [upper, lower]
  return {
    kind: 'logical',
    op: 'and',
    terms: [
      { kind: 'compare', operand, op: mirrored(node.leftOp), value: first },
      { kind: 'compare', operand, op: node.rightOp, value: last },
    ],
  }
}

function rangeBound(
  operand: ColumnOperand | JsonOperand,
  node: FilterNode,
  name: string,
  context: CheckContext,
): Scalar {
  const meaning = context.meaningOf(node)
  if (meaning.kind !== 'scalar') {
    const got = sourceOf(node, context)
    throw new FilterFailure(`${name} cannot be a non-const expression: ${got}`, node.offset)
  }
  if (typeof meaning.value === 'boolean' || typeClass(operand) === 'bool') refuseOrder('<', node.offset)
  const cast = castTo(operand, meaning.value)
  if (cast === null) throw new FilterFailure('invalid range operations', node.offset)
  return cast
}

/** `field in [...]`, `field not in [...]`, or a template list. */
export function inNodes(node: FilterNode & { kind: 'in' }, context: CheckContext): CheckedExpr {
  const left = context.meaningOf(node.left)
  const got = sourceOf(node.left, context)
  if (left.kind === 'scalar' || left.kind === 'list') {
    throw new FilterFailure(`'term' can only be used on non-const expression, but got: ${got}`, node.offset)
  }
  const operand = left.kind === 'operand' ? left.operand : null
  if (operand?.kind !== 'column' && operand?.kind !== 'json') {
    const hint = node.left.kind === 'unary' ? '; write not (x in [...])' : ''
    throw new FilterFailure(`'term' can only be used on single field, but got: ${got}${hint}`, node.offset)
  }
  const right = context.meaningOf(node.right)
  if (right.kind !== 'list') {
    const text = `the right-hand side of 'in' must be a list, but got: ${sourceOf(node.right, context)}`
    throw new FilterFailure(text, node.right.offset)
  }
  const values = right.values.map((value) => {
    const cast = castTo(operand, value)
    if (cast !== null) return cast
    const type = operandType(operand)
    throw new FilterFailure(`value '${scalarText(value)}' in list cannot be casted to ${type}`, node.right.offset)
  })
  const membership: CheckedExpr = { kind: 'in', operand, values }
  return node.negated ? negate(membership) : membership
}

/** `field like "pattern"`. */
export function likeNodes(node: FilterNode & { kind: 'like' }, context: CheckContext): CheckedExpr {
  const left = context.meaningOf(node.left)
  const operand = left.kind === 'operand' ? left.operand : null
  if (operand?.kind !== 'column' && operand?.kind !== 'json') {
    throw new FilterFailure('like operation on complicated expr is unsupported', node.offset)
  }
  if (typeClass(operand) !== 'string' && typeClass(operand) !== 'json') {
    throw new FilterFailure('like operation on non-string or no-json field is unsupported', node.offset)
  }
  const right = context.meaningOf(node.right)
  if (right.kind !== 'scalar' || typeof right.value !== 'string') {
    throw new FilterFailure(`the pattern of like must be a string: ${sourceOf(node.right, context)}`, node.right.offset)
  }
  if (right.value.length > PATTERN_CHARS_MAX) {
    throw new FilterFailure(
      `like pattern of ${right.value.length} characters is longer than ${PATTERN_CHARS_MAX}`,
      node.right.offset,
    )
  }
  return { kind: 'like', operand, pattern: parseLikePattern(right.value) }
}
