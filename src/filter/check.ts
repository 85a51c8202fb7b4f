import type { TemplateValue } from '../model/calls.ts'
import { isVectorType } from '../model/fields/table.ts'
import type { FilterNode, Scalar } from './ast.ts'
import { checkCall } from './calls.ts'
import type { CheckedExpr } from './checked.ts'
import { compareNodes, inNodes, likeNodes, rangeNodes } from './comparisons.ts'
import { foldArithmetic, isNumber, refuseShift, refuseZero, scalarType } from './constants.ts'
import { FilterFailure, quoted } from './failure.ts'
import { isInt64 } from './literals.ts'
import { combine, negate } from './logic.ts'
import { type CheckContext, type FilterInput, type Meaning, meaningType, sourceOf } from './meaning.ts'
import { operandType, resolveName, typeClass } from './operands.ts'

/**
 * Resolves names, folds constants and checks types as Milvus 3.x does.
 * @throws FilterFailure with the offset and Milvus' text
 */
export function check(root: FilterNode, input: FilterInput): CheckedExpr {
  const context: CheckContext = { ...input, meaningOf: (node) => meaningOf(node, context) }
  const meaning = meaningOf(root, context)
  const predicate = predicateOf(meaning)
  if (predicate) return predicate
  const text = `predicate is not a boolean expression: ${quoted(context.text)}, data type: ${meaningType(meaning)}`
  throw new FilterFailure(text, null, true)
}

/** A boolean constant counts as a predicate, a boolean column does not (`flag == true` is one). */
function predicateOf(meaning: Meaning): CheckedExpr | null {
  if (meaning.kind === 'predicate') return meaning.expr
  if (meaning.kind === 'scalar' && typeof meaning.value === 'boolean') return { kind: 'constant', value: meaning.value }
  return null
}

function meaningOf(node: FilterNode, context: CheckContext): Meaning {
  switch (node.kind) {
    case 'literal':
      if (typeof node.value === 'bigint' && !isInt64(node.value)) {
        throw new FilterFailure(`integer ${node.value} is out of the range of Int64`, node.offset)
      }
      return { kind: 'scalar', value: node.value }
    case 'list':
      return { kind: 'list', values: node.items.map((item) => listItem(item, context)) }
    case 'constants':
      return { kind: 'list', values: node.values }
    case 'template':
      return templateMeaning(node.name, node.offset, context)
    case 'name':
      return { kind: 'operand', operand: resolveName(node, context.schema) }
    case 'unary':
      return unaryMeaning(node, context)
    case 'arithmetic':
      return arithmeticMeaning(node, context)
    case 'call':
      return checkCall(node, context)
    case 'compare':
      return compareNodes(node, context)
    case 'range':
      return { kind: 'predicate', expr: rangeNodes(node, context) }
    case 'in':
      return { kind: 'predicate', expr: inNodes(node, context) }
    case 'like':
      return { kind: 'predicate', expr: likeNodes(node, context) }
    case 'isNull':
      return { kind: 'predicate', expr: isNullPredicate(node, context) }
    case 'exists':
      return { kind: 'predicate', expr: existsPredicate(node, context) }
    case 'logical':
      return { kind: 'predicate', expr: logicalPredicate(node, context) }
  }
}

function listItem(item: FilterNode, context: CheckContext): Scalar {
  const meaning = meaningOf(item, context)
  if (meaning.kind === 'scalar') return meaning.value
  if (meaning.kind === 'list') throw new FilterFailure('an array inside an array is not served yet', item.offset)
  const got = sourceOf(item, context)
  throw new FilterFailure(`array element type must be generic value, but got: ${got}`, item.offset)
}

function templateMeaning(name: string, offset: number, context: CheckContext): Meaning {
  const value = Object.hasOwn(context.templates, name) ? context.templates[name] : undefined
  if (value === undefined) {
    throw new FilterFailure(`the value of expression template variable name {${name}} is not found`, offset)
  }
  return isList(value)
    ? { kind: 'list', values: value.map((item) => templateScalar(item, name, offset)) }
    : { kind: 'scalar', value: templateScalar(value, name, offset) }
}

function isList(value: TemplateValue): value is readonly TemplateValue[] {
  return Array.isArray(value)
}

function templateScalar(value: TemplateValue, name: string, offset: number): Scalar {
  if (isList(value)) {
    throw new FilterFailure(`template variable {${name}}: an array inside an array is not served yet`, offset)
  }
  if ((typeof value === 'bigint' && !isInt64(value)) || (typeof value === 'number' && !Number.isFinite(value))) {
    throw new FilterFailure(`template variable {${name}} holds ${value}, which is out of range`, offset)
  }
  return value
}

function unaryMeaning(node: FilterNode & { kind: 'unary' }, context: CheckContext): Meaning {
  // -9223372036854775808 is one number to the user, although 9223372036854775808 alone does not fit.
  if (node.op === '-' && node.operand.kind === 'literal' && typeof node.operand.value === 'bigint') {
    return { kind: 'scalar', value: -node.operand.value }
  }
  const meaning = meaningOf(node.operand, context)
  if (node.op === 'not') {
    const predicate = predicateOf(meaning)
    if (!predicate) throw new FilterFailure('not op can only be applied on boolean expression', node.offset)
    return { kind: 'predicate', expr: negate(predicate) }
  }
  if (meaning.kind === 'scalar' && isNumber(meaning.value)) {
    if (node.op === '+') return meaning
    if (node.op === '-') return { kind: 'scalar', value: foldArithmetic('-', 0n, meaning.value, node.offset) }
    if (typeof meaning.value === 'bigint') return { kind: 'scalar', value: ~meaning.value }
  }
  if (node.op === '+' && meaning.kind === 'operand') return meaning
  throw new FilterFailure(`unary '${node.op}' can only be applied on constant numbers`, node.offset)
}

function arithmeticMeaning(node: FilterNode & { kind: 'arithmetic' }, context: CheckContext): Meaning {
  const left = meaningOf(node.left, context)
  const right = meaningOf(node.right, context)
  const { op, offset } = node
  if (left.kind === 'scalar' && right.kind === 'scalar') {
    return { kind: 'scalar', value: foldArithmetic(op, left.value, right.value, offset) }
  }
  if (op === '**') throw new FilterFailure(`power can only apply on constants: ${sourceOf(node, context)}`, offset)
  if (left.kind === 'operand' && right.kind === 'operand') {
    throw new FilterFailure('not supported to do arithmetic operations between multiple fields', offset)
  }
  const [operand, by] = left.kind === 'operand' ? [left, right] : [right, left]
  if (operand.kind !== 'operand' || by.kind !== 'scalar') {
    throw new FilterFailure(`invalid arithmetic expression: ${sourceOf(node, context)}`, offset)
  }
  const of = operand.operand
  if (of.kind !== 'column' && of.kind !== 'json') {
    throw new FilterFailure('complicated arithmetic operations are not supported', offset)
  }
  if (left.kind !== 'operand' && !COMMUTATIVE.has(op)) {
    throw new FilterFailure('module field is not yet supported', offset)
  }
  const { value } = by
  const type = typeClass(of)
  const fits = type === 'json' || type === 'float' ? isNumber(value) : type === 'integer' && typeof value === 'bigint'
  if (!fits || !isNumber(value)) {
    const types = `${operandType(of)} field and ${scalarType(value)}`
    throw new FilterFailure(`'${op}' cannot perform arithmetic between ${types}`, offset)
  }
  if (INTEGER_ONLY.has(op) && (type === 'float' || typeof value === 'number')) {
    const text = op === '%' ? 'modulo' : `'${op}'`
    throw new FilterFailure(`${text} can only apply on integer types`, offset)
  }
  refuseZero(op, value, offset)
  refuseShift(op, value, offset)
  const exact = type === 'float' ? Number(value) : value
  return { kind: 'operand', operand: { kind: 'arithmetic', op, of, by: exact } }
}

const COMMUTATIVE: ReadonlySet<string> = new Set(['+', '*', '&', '|', '^'])
const INTEGER_ONLY: ReadonlySet<string> = new Set(['%', '&', '|', '^', '<<', '>>'])

function isNullPredicate(node: FilterNode & { kind: 'isNull' }, context: CheckContext): CheckedExpr {
  const operand = resolveName(node.operand, context.schema)
  if (isVectorType(operand.field.type)) {
    throw new FilterFailure(
      `IsNull/IsNotNull operations are not supported on vector field ${operand.field.name}`,
      node.offset,
    )
  }
  const isNull: CheckedExpr = { kind: 'isNull', operand }
  return node.negated ? negate(isNull) : isNull
}

function existsPredicate(node: FilterNode & { kind: 'exists' }, context: CheckContext): CheckedExpr {
  const meaning = meaningOf(node.operand, context)
  const operand = meaning.kind === 'operand' ? meaning.operand : null
  if (operand?.kind !== 'column' && operand?.kind !== 'json') {
    const got = sourceOf(node.operand, context)
    throw new FilterFailure(`exists operations are only supported on single fields now, got: ${got}`, node.offset)
  }
  if (operand.kind === 'column' || operand.field.type === 'Array') {
    throw new FilterFailure(
      `exists operations are only supportted on json field, got:${operand.field.type}`,
      node.offset,
    )
  }
  if (operand.path.length === 0) {
    throw new FilterFailure('exists operations are only supportted on json key', node.offset)
  }
  return negate({ kind: 'isNull', operand })
}

function logicalPredicate(node: FilterNode & { kind: 'logical' }, context: CheckContext): CheckedExpr {
  const terms = node.terms.map((term) => {
    const predicate = predicateOf(meaningOf(term, context))
    if (!predicate) {
      throw new FilterFailure(`'${node.op}' can only be used between boolean expressions`, term.offset)
    }
    return predicate
  })
  return combine(node.op, terms)
}
