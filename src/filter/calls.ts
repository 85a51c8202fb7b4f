import type { FilterNode, Scalar } from './ast.ts'
import type { JsonOperand } from './checked.ts'
import { scalarType } from './constants.ts'
import { FilterFailure } from './failure.ts'
import { type CheckContext, type Meaning, sourceOf } from './meaning.ts'
import { castTo, comparable, operandType, scalarClass, typeClass } from './operands.ts'

type CallNode = FilterNode & { kind: 'call' }

/** Milvus' function names are all-lower or all-UPPER; `array_*` are the same as `json_*` on JSON paths. */
const functions: Readonly<Record<string, (node: CallNode, context: CheckContext) => Meaning>> = {
  json_contains: (node, context) => contains(node, context, 'one'),
  json_contains_all: (node, context) => contains(node, context, 'all'),
  json_contains_any: (node, context) => contains(node, context, 'any'),
  array_contains: (node, context) => contains(node, context, 'one'),
  array_contains_all: (node, context) => contains(node, context, 'all'),
  array_contains_any: (node, context) => contains(node, context, 'any'),
  array_length: arrayLength,
}

/** @throws FilterFailure naming the function where it is unknown or not served yet */
export function checkCall(node: CallNode, context: CheckContext): Meaning {
  const lower = node.name.toLowerCase()
  const spelled = node.name === lower || node.name === node.name.toUpperCase()
  const call = spelled && Object.hasOwn(functions, lower) ? functions[lower] : undefined
  if (!call) throw new FilterFailure(`function ${node.name} is not served yet`, node.offset)
  return call(node, context)
}

function contains(node: CallNode, context: CheckContext, mode: 'one' | 'all' | 'any'): Meaning {
  const [target, element] = argumentPair(node)
  const name = mode === 'one' ? 'contains' : `contains_${mode}`
  const operand = jsonArgument(target, context, name)
  const isArray = operand.field.type === 'Array'
  const meaning = context.meaningOf(element)
  if (meaning.kind !== 'scalar' && meaning.kind !== 'list') {
    const got = sourceOf(element, context)
    throw new FilterFailure(
      `${name} operation are only supported explicitly specified element, got: ${got}`,
      element.offset,
    )
  }
  const values: readonly Scalar[] = meaning.kind === 'scalar' ? [meaning.value] : meaning.values
  if (mode === 'one' && meaning.kind === 'list') {
    throw new FilterFailure(`${node.name} of an array is not served yet`, element.offset)
  }
  if (mode !== 'one' && meaning.kind === 'scalar') {
    throw new FilterFailure(`${name} operation element must be an array`, element.offset)
  }
  const elements = isArray ? values.map((value) => elementOf(operand, value, name, element.offset)) : values
  return {
    kind: 'predicate',
    expr: { kind: 'contains', operand, mode: mode === 'one' ? 'any' : mode, values: elements },
  }
}

/** A literal as an element of an Array field; Milvus compares integers and floats by value. */
function elementOf({ field }: JsonOperand, value: Scalar, name: string, offset: number): Scalar {
  const element: JsonOperand = { kind: 'json', field, path: [0] }
  if (!comparable(typeClass(element), scalarClass(value))) {
    const types = `${operandType(element)} and ${scalarType(value)}`
    throw new FilterFailure(`${name} operation can't compare between array element type: ${types}`, offset)
  }
  return castTo(element, value) ?? value
}

function arrayLength(node: CallNode, context: CheckContext): Meaning {
  const [target, ...rest] = node.args
  if (!target || rest.length > 0) throw new FilterFailure(`${node.name} takes one argument`, node.offset)
  return { kind: 'operand', operand: { kind: 'length', of: jsonArgument(target, context, 'array_length') } }
}

function argumentPair(node: CallNode): [FilterNode, FilterNode] {
  const [first, second, ...rest] = node.args
  if (!first || !second || rest.length > 0) {
    throw new FilterFailure(`${node.name} takes two arguments, got ${node.args.length}`, node.offset)
  }
  return [first, second]
}

function jsonArgument(node: FilterNode, context: CheckContext, name: string): JsonOperand {
  const meaning = context.meaningOf(node)
  if (meaning.kind === 'operand' && meaning.operand.kind === 'json') {
    const { operand } = meaning
    if (operand.field.type !== 'Array' || operand.path.length === 0) return operand
  }
  const got = sourceOf(node, context)
  throw new FilterFailure(`${name} operation are only supported on json or array fields now, got: ${got}`, node.offset)
}
