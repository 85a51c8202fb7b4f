import type { FieldSchema } from '../model/schema.ts'
import { sqlColumn } from '../model/schema.ts'
import type { CompareOp, Scalar } from './ast.ts'
import type { CheckedExpr, ColumnOperand, PatternPart } from './checked.ts'

/** Bounds for the native parser, whose recursion and allocations are not ours. */
const LEAVES_MAX = 256
const NESTING_MAX = 16
const LIST_VALUES_MAX = 10_000

const INT32_MAX = (1n << 31n) - 1n

/** Below this a double may be subnormal, which a native number parser can refuse. */
const DOUBLE_MIN = 1e-300

/**
 * The filter in the native index's own language (zvec 0.7: `= != < <= > >=`, `and or`, `in`, `not in`, `is null`,
 * prefix `like`), or null when any part cannot be said there exactly. `pushable` holds column names (`f<id>`, `pk`).
 *
 * There is no `not (…)`: negation moves into the leaves by De Morgan, which Kleene's logic keeps exact; and a leaf
 * that is UNKNOWN counts as FALSE there, which is exact because no negation is left above it.
 */
export function toIndexFilter(expr: CheckedExpr, pushable: ReadonlySet<string>): string | null {
  const budget = { leaves: LEAVES_MAX, booleans: new Set<number>() }
  return push(expr, false, NESTING_MAX, { pushable, budget })
}

interface Context {
  readonly pushable: ReadonlySet<string>
  /** Leaves left, and the Bool columns that stand in one already. */
  readonly budget: { leaves: number; readonly booleans: Set<number> }
}

function push(expr: CheckedExpr, negated: boolean, nesting: number, context: Context): string | null {
  if (nesting === 0) return null
  switch (expr.kind) {
    case 'not':
      return push(expr.term, !negated, nesting - 1, context)
    case 'logical': {
      const word = (expr.op === 'and') === negated ? ' or ' : ' and '
      return joined(expr.terms, word, (term) => push(term, negated, nesting - 1, context))
    }
    case 'compare': {
      if (expr.operand.kind !== 'column') return null
      return compareLeaf(expr.operand, negated ? opposite(expr.op) : expr.op, expr.value, context)
    }
    case 'in':
      return expr.operand.kind === 'column' ? inLeaf(expr.operand, expr.values, negated, context) : null
    case 'isNull': {
      if (expr.operand.kind !== 'column') return null
      const name = leafName(expr.operand.field, context)
      return name === null ? null : `${name} is ${negated ? 'not null' : 'null'}`
    }
    case 'like':
      return expr.operand.kind === 'column' && !negated ? prefixLeaf(expr.operand, expr.pattern, context) : null
    case 'constant':
    case 'compareColumns':
    case 'contains':
      return null
  }
}

/** Null as soon as one part is. */
function joined<T>(items: readonly T[], word: string, text: (item: T) => string | null): string | null {
  const parts: string[] = []
  for (const item of items) {
    const part = text(item)
    if (part === null) return null
    parts.push(part)
  }
  return `(${parts.join(word)})`
}

/** The column's name where it may be pushed and the filter is not too large already. */
function leafName(field: FieldSchema, { pushable, budget }: Context): string | null {
  budget.leaves -= 1
  const name = sqlColumn(field)
  return budget.leaves >= 0 && pushable.has(name) ? name : null
}

function opposite(op: CompareOp): CompareOp {
  const pairs = { '<': '>=', '<=': '>', '>': '<=', '>=': '<', '==': '!=', '!=': '==' } as const
  return pairs[op]
}

function compareLeaf({ field }: ColumnOperand, op: CompareOp, value: Scalar, context: Context): string | null {
  const name = leafName(field, context)
  const text = literalText(field, value)
  if (name === null || text === null) return null
  if (typeof value === 'boolean') {
    // `f = true or f = false` becomes `f in (…)` in zvec, which it then refuses for booleans
    if (context.budget.booleans.has(field.id)) return null
    context.budget.booleans.add(field.id)
  }
  if (op === '!=' && typeof value !== 'boolean') {
    // zvec joins `f != 1 or f != 2` to `f not in (1, 2)`, which says something else
    return `(${name} < ${lowest(text)} or ${name} > ${text})`
  }
  if (op === '==') return text === ZERO ? `${name} in (${NEGATIVE_ZERO},${ZERO})` : `${name} = ${text}`
  return `${name} ${op} ${op === '<' || op === '>=' ? lowest(text) : text}`
}

/** An inverted index orders doubles by their bits: -0 before 0, and not equal to it. */
const ZERO = '0.0'
const NEGATIVE_ZERO = '-0.0'

function lowest(text: string): string {
  return text === ZERO ? NEGATIVE_ZERO : text
}

function inLeaf(operand: ColumnOperand, values: readonly Scalar[], negated: boolean, context: Context): string | null {
  const { field } = operand
  if (values.length === 0 || values.length > LIST_VALUES_MAX) return null
  if (field.type === 'Bool') {
    const [only, ...others] = new Set(values)
    if (only === undefined || others.length > 0) return null
    return compareLeaf(operand, negated ? '!=' : '==', only, context)
  }
  const name = leafName(field, context)
  const list = joined(values, ',', (value) => {
    const text = literalText(field, value)
    return text === ZERO ? `${NEGATIVE_ZERO},${ZERO}` : text
  })
  if (name === null || list === null) return null
  // a forward scan counts null as `not in` the list, an index scan does not
  return negated ? `(${name} not in ${list} and ${name} is not null)` : `${name} in ${list}`
}

/** Only `abc%`: a suffix pattern finds nothing on an indexed field there, and patterns have no escape. */
function prefixLeaf({ field }: ColumnOperand, pattern: readonly PatternPart[], context: Context): string | null {
  const [prefix, rest] = pattern
  const name = leafName(field, context)
  if (pattern.length !== 2 || typeof prefix !== 'string' || typeof rest !== 'object' || rest.wildcard !== 'any') {
    return null
  }
  const text = /[%_]/.test(prefix) ? null : stringText(`${prefix}%`)
  return name === null || text === null ? null : `${name} like ${text}`
}

/** A literal as the native parser reads it back exactly, else null. */
function literalText(field: FieldSchema, value: Scalar): string | null {
  switch (typeof value) {
    case 'boolean':
      return String(value)
    case 'string':
      return stringText(value)
    case 'number':
      return doubleText(value)
    default: {
      const max = field.type === 'Int64' ? BigInt(Number.MAX_SAFE_INTEGER) : INT32_MAX
      return value >= -max && value <= max ? String(value) : null
    }
  }
}

function doubleText(value: number): string | null {
  const size = Math.abs(value)
  if (size === 0) return ZERO
  if (!Number.isFinite(value) || size < DOUBLE_MIN) return null
  // without an exponent a whole number is read as an int64, which it may not fit
  return size >= 1e15 ? value.toExponential() : String(value)
}

/** Quotes cannot be escaped, and a backslash before one is taken for an escape. */
function stringText(value: string): string | null {
  if (/[\p{Cc}\\]/u.test(value)) return null
  if (!value.includes('"')) return `"${value}"`
  return value.includes("'") ? null : `'${value}'`
}
