import type { SqlFilter } from '../embedded/store/contract.ts'
import { sqlColumn } from '../model/schema.ts'
import type { PathStep, Scalar } from './ast.ts'
import type { ArithmeticOperand, CheckedExpr, ColumnOperand, JsonOperand, Operand, PatternPart } from './checked.ts'
import { isNumber } from './constants.ts'
import { FilterFailure } from './failure.ts'
import { globPattern, literalPattern } from './like.ts'

/** SQLite's own limits: parameters of a statement, and height of an expression tree (of 1000, the query needs some). */
const PARAMETERS_MAX = 32_000
const TREE_HEIGHT_MAX = 900
/** A longer list travels as one JSON parameter. */
const LIST_PARAMETERS_MAX = 64

type Params = (string | number | bigint | null)[]

/**
 * The filter as a SQL expression over `rows` (TRUE, FALSE or NULL as Milvus' TRUE, FALSE, UNKNOWN).
 * @throws FilterFailure where it is too large for SQLite
 */
export function exprToSql(expr: CheckedExpr): SqlFilter {
  if (treeHeight(expr) > TREE_HEIGHT_MAX) throw new FilterFailure('expression is too deep to be run', null)
  const params: Params = []
  const sql = emit(expr, params)
  if (params.length > PARAMETERS_MAX) {
    throw new FilterFailure(`expression has more than ${PARAMETERS_MAX} constants; use in [...]`, null)
  }
  return { sql, params }
}

function treeHeight(expr: CheckedExpr): number {
  switch (expr.kind) {
    case 'logical':
      return Math.ceil(Math.log2(expr.terms.length)) + expr.terms.reduce((most, t) => Math.max(most, treeHeight(t)), 0)
    case 'not':
      return 1 + treeHeight(expr.term)
    case 'contains':
      return 16 + Math.ceil(Math.log2(expr.values.length + 1))
    default:
      return 16
  }
}

/** Parameters are pushed in the order in which their `?` are written. */
function emit(expr: CheckedExpr, params: Params): string {
  switch (expr.kind) {
    case 'constant':
      return expr.value ? '1' : '0'
    case 'logical':
      return balanced(expr.terms, expr.op === 'and' ? 'AND' : 'OR', (term) => emit(term, params))
    case 'not':
      return `(NOT ${emit(expr.term, params)})`
    case 'compare':
      return compareSql(expr.operand, expr.op, expr.value, params)
    case 'compareColumns':
      return `(${columnSql(expr.left)} ${sqlOp(expr.op)} ${columnSql(expr.right)})`
    case 'in':
      return expr.operand.kind === 'column'
        ? columnInSql(expr.operand, expr.values, params)
        : jsonInSql(expr.operand, expr.values, params)
    case 'like':
      return likeSql(expr, params)
    case 'isNull':
      return isNullSql(expr.operand, params)
    case 'contains':
      return containsSql(expr, params)
  }
}

/** `a OR b OR …` as a balanced tree: SQLite's own would be as deep as the chain is long. */
function balanced<T>(items: readonly T[], word: 'AND' | 'OR', sql: (item: T) => string): string {
  const [first] = items
  if (items.length === 1 && first !== undefined) return sql(first)
  const middle = items.length >> 1
  const left = balanced(items.slice(0, middle), word, sql)
  return `(${left} ${word} ${balanced(items.slice(middle), word, sql)})`
}

function sqlOp(op: string): string {
  return op === '==' ? '=' : op === '!=' ? '<>' : op
}

function columnSql(operand: ColumnOperand): string {
  return sqlColumn(operand.field)
}

function bound(value: Scalar): string | number | bigint {
  return typeof value === 'boolean' ? BigInt(value) : value
}

function compareSql(operand: Operand, op: string, value: Scalar, params: Params): string {
  const left = operandSql(operand, value, params)
  params.push(bound(value))
  return `(${left} ${sqlOp(op)} ?)`
}

/** The operand as a value of the literal's type (an Array's elements are of one); NULL (UNKNOWN) where the stored JSON is of another type. */
function operandSql(operand: Operand, value: Scalar, params: Params): string {
  switch (operand.kind) {
    case 'column':
      return columnSql(operand)
    case 'json':
      return jsonValueSql(operand, typeof value === 'boolean' ? 'bool' : isNumber(value) ? 'number' : 'string', params)
    case 'length': {
      const column = sqlColumn(operand.of.field)
      const path = jsonPathText(operand.of.path)
      params.push(path, path)
      return `CASE WHEN json_type(${column}, ?) = 'array' THEN json_array_length(${column}, ?) END`
    }
    case 'arithmetic':
      return arithmeticSql(operand, params)
  }
}

type JsonClass = 'number' | 'integer' | 'string' | 'bool'

/** Tests of `json_type`, whose names for JSON's types they use. */
const jsonTypeTest = {
  number: "IN ('integer', 'real')",
  integer: "= 'integer'",
  string: "= 'text'",
  bool: "IN ('true', 'false')",
} as const satisfies Record<JsonClass, string>

function jsonValueSql(operand: JsonOperand, type: JsonClass, params: Params): string {
  const column = sqlColumn(operand.field)
  const path = jsonPathText(operand.path)
  if (operand.field.type === 'Array') {
    params.push(path)
    return `json_extract(${column}, ?)`
  }
  params.push(path, path)
  return `CASE WHEN json_type(${column}, ?) ${jsonTypeTest[type]} THEN json_extract(${column}, ?) END`
}

/** A path in SQLite's notation; JSON escapes are understood inside its quotes. */
function jsonPathText(path: readonly PathStep[]): string {
  return path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : `${text}.${JSON.stringify(step)}`),
    '$',
  )
}

function arithmeticSql(operand: ArithmeticOperand, params: Params): string {
  const { op, of, by } = operand
  const integers = op !== '+' && op !== '-' && op !== '*' && op !== '/'
  const value = (): string =>
    of.kind === 'column' ? columnSql(of) : `(${jsonValueSql(of, integers ? 'integer' : 'number', params)})`
  const left = value()
  params.push(by)
  if (op !== '^') return `(${left} ${op} ?)`
  // SQLite has no exclusive or: a ^ b = (a | b) - (a & b), which cannot overflow
  const again = value()
  params.push(by)
  return `((${left} | ?) - (${again} & ?))`
}

function columnInSql(operand: ColumnOperand, values: readonly Scalar[], params: Params): string {
  const column = columnSql(operand)
  if (values.length === 0) return `(${column} IS NULL AND NULL)`
  return `(${column} IN ${listSql(values, params)})`
}

/** A parenthesised list, or a subquery over one JSON parameter where it is long (64 bits survive there too). */
function listSql(values: readonly Scalar[], params: Params): string {
  const list = [...new Set(values.map(bound))]
  if (list.length > LIST_PARAMETERS_MAX && list.every((value) => value !== Infinity && value !== -Infinity)) {
    params.push(`[${list.map((value) => (typeof value === 'bigint' ? String(value) : JSON.stringify(value))).join()}]`)
    return '(SELECT value FROM json_each(?))'
  }
  for (const value of list) params.push(value)
  return `(${list.map(() => '?').join()})`
}

/** The values of one JSON type each are compared with stored values of that type. */
function jsonInSql(operand: JsonOperand, values: readonly Scalar[], params: Params): string {
  const column = sqlColumn(operand.field)
  const path = jsonPathText(operand.path)
  if (values.length === 0) return `(${isNullSql(operand, params)} AND NULL)`
  if (operand.field.type === 'Array') {
    params.push(path)
    return `(json_extract(${column}, ?) IN ${listSql(values, params)})`
  }
  const branches = byJsonClass(values).map(([type, list]) => {
    params.push(path, path)
    return `WHEN json_type(${column}, ?) ${jsonTypeTest[type]} THEN json_extract(${column}, ?) IN ${listSql(list, params)}`
  })
  return `(CASE ${branches.join(' ')} END)`
}

function byJsonClass(values: readonly Scalar[]): [JsonClass, Scalar[]][] {
  const classes: [JsonClass, Scalar[]][] = [
    ['number', values.filter(isNumber)],
    ['string', values.filter((value) => typeof value === 'string')],
    ['bool', values.filter((value) => typeof value === 'boolean')],
  ]
  return classes.filter(([, list]) => list.length > 0)
}

function likeSql(expr: CheckedExpr & { kind: 'like' }, params: Params): string {
  const { operand, pattern } = expr
  const left = operand.kind === 'column' ? columnSql(operand) : `(${jsonValueSql(operand, 'string', params)})`
  const literal = literalPattern(pattern)
  if (literal !== null) {
    params.push(literal)
    return `(${left} = ?)`
  }
  const [first, second, third] = pattern
  const ending = isAny(first) && typeof second === 'string' ? second : null
  if (ending !== null && pattern.length === 2) {
    params.push(BigInt(-[...ending].length), ending)
    return `(substr(${left}, ?) = ?)`
  }
  if (ending !== null && isAny(third) && pattern.length === 3) {
    params.push(ending)
    return `(instr(${left}, ?) > 0)`
  }
  params.push(globPattern(pattern))
  return `(${left} GLOB ?)`
}

function isAny(part: PatternPart | undefined): boolean {
  return typeof part === 'object' && part.wildcard === 'any'
}

function isNullSql(operand: ColumnOperand | JsonOperand, params: Params): string {
  const column = sqlColumn(operand.field)
  if (operand.kind === 'column' || operand.path.length === 0) return `(${column} IS NULL)`
  params.push(jsonPathText(operand.path))
  return `(coalesce(json_type(${column}, ?), 'null') = 'null')`
}

function containsSql(expr: CheckedExpr & { kind: 'contains' }, params: Params): string {
  const { operand, mode, values } = expr
  const column = sqlColumn(operand.field)
  if (operand.field.type === 'Array') return arrayContainsSql(column, mode, values, params)
  const path = jsonPathText(operand.path)
  params.push(path)
  const exists = (type: JsonClass, list: readonly Scalar[]): string => {
    params.push(path)
    const each = `SELECT 1 FROM json_each(${column}, ?) AS element WHERE element.type ${jsonTypeTest[type]}`
    return `EXISTS (${each} AND element.value IN ${listSql(list, params)})`
  }
  const groups = mode === 'any' ? byJsonClass(values) : values.flatMap((value) => byJsonClass([value]))
  const found =
    groups.length === 0
      ? mode === 'any'
        ? '0'
        : '1'
      : balanced(groups, mode === 'any' ? 'OR' : 'AND', ([type, list]) => exists(type, list))
  return `(CASE WHEN json_type(${column}, ?) = 'array' THEN ${found} END)`
}

/** Elements of an Array field are of the field's type: their JSON types need no look, which takes a third of the time. */
function arrayContainsSql(column: string, mode: 'all' | 'any', values: readonly Scalar[], params: Params): string {
  const exists = (list: readonly Scalar[]): string =>
    `EXISTS (SELECT 1 FROM json_each(${column}) AS element WHERE element.value IN ${listSql(list, params)})`
  const groups = mode === 'any' ? [values] : values.map((value) => [value])
  const found = values.length === 0 ? (mode === 'any' ? '0' : '1') : balanced(groups, 'AND', exists)
  return `(CASE WHEN ${column} IS NOT NULL THEN ${found} END)`
}
