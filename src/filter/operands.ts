import { fieldTypes, isVectorType } from '../model/fields/table.ts'
import { DYNAMIC_FIELD, type FieldSchema } from '../model/schema.ts'
import type { NameNode, Scalar } from './ast.ts'
import type { ColumnOperand, FilterSchema, JsonOperand, Operand } from './checked.ts'
import { isNumber, scalarText } from './constants.ts'
import { FilterFailure } from './failure.ts'

/** How an operand compares: integers take only integer literals, floats any number, JSON anything. */
export type TypeClass = 'integer' | 'float' | 'string' | 'bool' | 'json' | 'other'

/** A written name as a column or a place in a JSON column. @throws FilterFailure `field x not exist` and the like */
export function resolveName(node: NameNode, schema: FilterSchema): ColumnOperand | JsonOperand {
  const field = schema.fields.find((candidate) => candidate.name === node.name)
  if (field) return resolveField(field, node)
  if (/^null$/i.test(node.name)) {
    throw new FilterFailure('NULL literal is not supported in expressions; use "is null" or "is not null"', node.offset)
  }
  const { dynamic } = schema
  if (!dynamic) throw new FilterFailure(`field ${node.name} not exist`, node.offset)
  const path = node.name === DYNAMIC_FIELD ? node.path : [node.name, ...node.path]
  return { kind: 'json', field: dynamic, path }
}

function resolveField(field: FieldSchema, node: NameNode): ColumnOperand | JsonOperand {
  if (field.type === 'JSON') return { kind: 'json', field, path: node.path }
  if (field.type === 'Array') return arrayOperand(field, node)
  if (!isVectorType(field.type) && fieldTypes[field.type].kind === null) {
    throw new FilterFailure(`filter on ${field.type} field ${field.name} is not served yet`, node.offset)
  }
  if (node.path.length > 0) {
    throw new FilterFailure(`${field.type} data type not supported accessed with []`, node.offset)
  }
  return { kind: 'column', field }
}

/** A whole array (no path) or one element of it, by its number. */
function arrayOperand(field: FieldSchema, node: NameNode): JsonOperand {
  const [index, ...deeper] = node.path
  if (deeper.length > 0 || typeof index === 'string') {
    throw new FilterFailure(`an element of Array field ${field.name} is accessed as ${field.name}[0]`, node.offset)
  }
  return { kind: 'json', field, path: node.path }
}

/** The type that stands behind an operand: that of the element of an Array field. */
function typeBehind({ field, path }: JsonOperand): FieldSchema['type'] {
  return field.type === 'Array' && path.length > 0 && field.elementType ? field.elementType : field.type
}

/** The type name for messages. */
export function operandType(operand: Operand): string {
  switch (operand.kind) {
    case 'column':
      return operand.field.type
    case 'json':
      return typeBehind(operand)
    case 'length':
      return 'Int64'
    case 'arithmetic':
      return typeClass(operand.of) === 'float' || typeof operand.by === 'number' ? 'Double' : 'Int64'
  }
}

export function typeClass(operand: Operand): TypeClass {
  switch (operand.kind) {
    case 'json':
      return operand.field.type === 'JSON' ? 'json' : classOf(typeBehind(operand))
    case 'length':
      return 'integer'
    case 'arithmetic':
      return typeClass(operand.of)
    case 'column':
      return classOf(operand.field.type)
  }
}

function classOf(type: FieldSchema['type']): TypeClass {
  switch (type) {
    case 'Bool':
      return 'bool'
    case 'Int8':
    case 'Int16':
    case 'Int32':
    case 'Int64':
      return 'integer'
    case 'Float':
    case 'Double':
      return 'float'
    case 'VarChar':
      return 'string'
    default:
      return 'other'
  }
}

/** Whether Milvus compares the two kinds of values at all. */
export function comparable(left: TypeClass, right: TypeClass): boolean {
  if (left === 'other' || right === 'other') return false
  if (left === 'json' || right === 'json') return true
  const number = (type: TypeClass): boolean => type === 'integer' || type === 'float'
  return left === right || (number(left) && number(right))
}

export function scalarClass(value: Scalar): TypeClass {
  switch (typeof value) {
    case 'bigint':
      return 'integer'
    case 'number':
      return 'float'
    case 'string':
      return 'string'
    default:
      return 'bool'
  }
}

/**
 * A literal in the type of what it is compared with, null where it cannot be: a float literal never meets an integer
 * column. Float columns hold float32, so their literals are rounded to float32 as Milvus does.
 */
export function castTo(operand: Operand, value: Scalar): Scalar | null {
  switch (typeClass(operand)) {
    case 'json':
      return value
    case 'integer':
      return typeof value === 'bigint' ? value : null
    case 'float':
      if (!isNumber(value)) return null
      return isFloat32(operand) ? Math.fround(Number(value)) : Number(value)
    case 'string':
      return typeof value === 'string' ? value : null
    case 'bool':
      return typeof value === 'boolean' ? value : null
    case 'other':
      return null
  }
}

function isFloat32(operand: Operand): boolean {
  if (operand.kind !== 'column' && operand.kind !== 'json') return false
  return operand.kind === 'json' ? typeBehind(operand) === 'Float' : operand.field.type === 'Float'
}

/** @throws FilterFailure with Milvus' cast text */
export function castOrFail(operand: Operand, value: Scalar, offset: number): Scalar {
  const cast = castTo(operand, value)
  if (cast === null) {
    throw new FilterFailure(`cannot cast value to ${operandType(operand)}, value: ${scalarText(value)}`, offset)
  }
  return cast
}
