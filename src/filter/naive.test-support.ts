/**
 * A second opinion on filters, for tests only: its own expression type, written as text in Milvus' language and
 * evaluated row by row in plain JavaScript. Shares nothing with the compiler but the meaning.
 */

/** JSON with integers apart from doubles, as Milvus tells them apart. */
export type Json = null | boolean | bigint | number | string | readonly Json[] | { readonly [key: string]: Json }
export type Literal = boolean | bigint | number | string
export type Truth = boolean | null
export type Row = Readonly<Record<string, Json | undefined>>

/** A field (`float32` ones round literals) or a place in a JSON field. */
export interface Ref {
  readonly field: string
  readonly float32?: boolean
  readonly json?: boolean
  /** Steps inside the JSON; a dynamic name is written bare when `bare`. */
  readonly path?: readonly (string | number)[]
  readonly bare?: boolean
}

export type Op = '<' | '<=' | '>' | '>=' | '==' | '!='
export type Arith = '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '<<' | '>>'

export type Naive =
  | {
      readonly kind: 'compare'
      readonly ref: Ref
      readonly op: Op
      readonly value: Literal
      readonly mirrored: boolean
    }
  | {
      readonly kind: 'arith'
      readonly ref: Ref
      readonly arith: Arith
      readonly by: bigint | number
      readonly op: Op
      readonly value: bigint | number
    }
  | { readonly kind: 'columns'; readonly left: Ref; readonly op: Op; readonly right: Ref }
  | {
      readonly kind: 'range'
      readonly ref: Ref
      readonly low: bigint
      readonly high: bigint
      readonly lowOp: '<' | '<='
      readonly highOp: '<' | '<='
    }
  | { readonly kind: 'in'; readonly ref: Ref; readonly values: readonly Literal[]; readonly negated: boolean }
  | { readonly kind: 'like'; readonly ref: Ref; readonly pattern: string }
  | { readonly kind: 'null'; readonly ref: Ref; readonly word: 'is null' | 'is not null' | 'exists' }
  | {
      readonly kind: 'contains'
      readonly ref: Ref
      readonly call:
        | 'json_contains'
        | 'json_contains_all'
        | 'array_contains'
        | 'ARRAY_CONTAINS_ALL'
        | 'array_contains_any'
      readonly values: readonly Literal[]
    }
  | { readonly kind: 'list'; readonly ref: Ref; readonly op: Op; readonly values: readonly Literal[] }
  | { readonly kind: 'length'; readonly ref: Ref; readonly op: Op; readonly value: bigint }
  | { readonly kind: 'not'; readonly term: Naive; readonly word: string }
  | { readonly kind: 'chain'; readonly op: 'and' | 'or'; readonly terms: readonly Naive[]; readonly word: string }

// ---- as text

export function literalText(value: Literal): string {
  if (typeof value === 'string') return `"${value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`
  if (typeof value !== 'number') return String(value)
  const text = String(value)
  return /[.e]/.test(text) ? text : `${text}.0`
}

function refText(ref: Ref): string {
  const path = [...(ref.path ?? [])]
  const name = ref.bare ? String(path.shift()) : ref.field
  return name + path.map((step) => `[${typeof step === 'number' ? step : literalText(step)}]`).join('')
}

function listText(values: readonly Literal[]): string {
  return `[${values.map(literalText).join(', ')}]`
}

export function naiveText(expr: Naive): string {
  switch (expr.kind) {
    case 'compare': {
      const flip = { '<': '>', '<=': '>=', '>': '<', '>=': '<=', '==': '==', '!=': '!=' }
      const [ref, value] = [refText(expr.ref), literalText(expr.value)]
      return expr.mirrored ? `${value} ${flip[expr.op]} ${ref}` : `${ref} ${expr.op} ${value}`
    }
    case 'arith': {
      const sum = `${refText(expr.ref)} ${expr.arith} ${literalText(expr.by)}`
      // `& | ^` bind looser than comparisons
      return `${/[&|^]/.test(expr.arith) ? `(${sum})` : sum} ${expr.op} ${literalText(expr.value)}`
    }
    case 'columns':
      return `${refText(expr.left)} ${expr.op} ${refText(expr.right)}`
    case 'range':
      return `${expr.low} ${expr.lowOp} ${refText(expr.ref)} ${expr.highOp} ${expr.high}`
    case 'in':
      return `${refText(expr.ref)} ${expr.negated ? 'not in' : 'in'} ${listText(expr.values)}`
    case 'like':
      return `${refText(expr.ref)} like ${literalText(expr.pattern)}`
    case 'null':
      return expr.word === 'exists' ? `exists ${refText(expr.ref)}` : `${refText(expr.ref)} ${expr.word}`
    case 'contains': {
      const [first] = expr.values
      const arg = /contains$/.test(expr.call) && first !== undefined ? literalText(first) : listText(expr.values)
      return `${expr.call}(${refText(expr.ref)}, ${arg})`
    }
    case 'list':
      return `${refText(expr.ref)} ${expr.op} ${listText(expr.values)}`
    case 'length':
      return `array_length(${refText(expr.ref)}) ${expr.op} ${expr.value}`
    case 'not':
      return `${expr.word}(${naiveText(expr.term)})`
    case 'chain':
      return expr.terms.map((t) => (t.kind === 'chain' ? `(${naiveText(t)})` : naiveText(t))).join(` ${expr.word} `)
  }
}

// ---- as truth

function read(ref: Ref, row: Row): Json | undefined {
  let value: Json | undefined = row[ref.field]
  for (const step of ref.path ?? []) {
    if (value === null || typeof value !== 'object') return undefined
    if (Array.isArray(value)) value = typeof step === 'number' ? value[step] : undefined
    else value = typeof step === 'string' && Object.hasOwn(value, step) ? Reflect.get(value, step) : undefined
  }
  return value
}

function family(value: Json | undefined): string {
  if (typeof value === 'bigint' || typeof value === 'number') return 'number'
  return typeof value === 'string' || typeof value === 'boolean' ? typeof value : 'other'
}

function order(left: Literal, right: Literal): number {
  if (typeof left === 'string' && typeof right === 'string') {
    const [a, b] = [[...left].map((c) => c.codePointAt(0) ?? 0), [...right].map((c) => c.codePointAt(0) ?? 0)]
    for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return (a[i] ?? 0) - (b[i] ?? 0)
    return a.length - b.length
  }
  return left < right ? -1 : left > right ? 1 : 0
}

function holds(op: Op, sign: number): boolean {
  return { '<': sign < 0, '<=': sign <= 0, '>': sign > 0, '>=': sign >= 0, '==': sign === 0, '!=': sign !== 0 }[op]
}

function compare(stored: Json | undefined, op: Op, value: Literal): Truth {
  if (stored === undefined || stored === null || typeof stored === 'object') return null
  return family(stored) === family(value) ? holds(op, order(stored, value)) : null
}

function rounded(ref: Ref, value: Literal): Literal {
  return ref.float32 && family(value) === 'number' ? Math.fround(Number(value)) : value
}

/** Beyond int64 the result is a double, as in SQLite (Milvus wraps around: C++). */
function arithmetic(stored: Json | undefined, arith: Arith, by: bigint | number): bigint | number | null {
  const value = exactArithmetic(stored, arith, by)
  return typeof value === 'bigint' && BigInt.asIntN(64, value) !== value ? Number(value) : value
}

function exactArithmetic(stored: Json | undefined, arith: Arith, by: bigint | number): bigint | number | null {
  if (typeof stored !== 'bigint' && typeof stored !== 'number') return null
  if (typeof stored === 'bigint' && typeof by === 'bigint') {
    switch (arith) {
      case '+':
        return stored + by
      case '-':
        return stored - by
      case '*':
        return stored * by
      case '/':
        return stored / by
      case '%':
        return stored % by
      case '&':
        return stored & by
      case '|':
        return stored | by
      case '^':
        return stored ^ by
      case '<<':
        return BigInt.asIntN(64, stored << by)
      case '>>':
        return stored >> by
    }
  }
  const [left, right] = [Number(stored), Number(by)]
  switch (arith) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return left / right
    default:
      return null
  }
}

/** `%` any run, `_` one character, `\` escapes. */
export function naiveLike(text: readonly string[], pattern: readonly string[]): boolean {
  const [head, ...rest] = pattern
  if (head === undefined) return text.length === 0
  if (head === '%') return text.some((_, i) => naiveLike(text.slice(i), rest)) || naiveLike([], rest)
  const [first, ...tail] = text
  if (first === undefined) return false
  if (head === '_') return naiveLike(tail, rest)
  if (head === '\\' && rest.length > 0) return rest[0] === first && naiveLike(tail, rest.slice(1))
  return head === first && naiveLike(tail, rest)
}

function isIn(stored: Json | undefined, values: readonly Literal[]): Truth {
  if (stored === undefined || stored === null) return null
  if (values.length === 0) return false
  const like = values.filter((value) => family(value) === family(stored))
  if (like.length === 0 || typeof stored === 'object') return null
  return like.some((value) => order(stored, value) === 0)
}

export function naiveTruth(expr: Naive, row: Row): Truth {
  switch (expr.kind) {
    case 'compare':
      return compare(read(expr.ref, row), expr.op, rounded(expr.ref, expr.value))
    case 'arith': {
      const value = arithmetic(read(expr.ref, row), expr.arith, expr.by)
      return value === null ? null : compare(value, expr.op, expr.value)
    }
    case 'columns': {
      const right = read(expr.right, row)
      return right === null || right === undefined || typeof right === 'object'
        ? null
        : compare(read(expr.left, row), expr.op, right)
    }
    case 'range': {
      const stored = read(expr.ref, row)
      return and([
        compare(stored, expr.lowOp === '<' ? '>' : '>=', rounded(expr.ref, expr.low)),
        compare(stored, expr.highOp, rounded(expr.ref, expr.high)),
      ])
    }
    case 'in': {
      const found = isIn(
        read(expr.ref, row),
        expr.values.map((value) => rounded(expr.ref, value)),
      )
      return expr.negated ? not(found) : found
    }
    case 'like': {
      const stored = read(expr.ref, row)
      return typeof stored === 'string' ? naiveLike([...stored], [...expr.pattern]) : null
    }
    case 'null': {
      const missing = (read(expr.ref, row) ?? null) === null
      return expr.word === 'is null' ? missing : !missing
    }
    case 'contains': {
      const stored = read(expr.ref, row)
      if (!Array.isArray(stored)) return null
      const has = (value: Literal): boolean => stored.some((element) => compare(element, '==', value) === true)
      return /all$/i.test(expr.call) ? expr.values.every(has) : expr.values.some(has)
    }
    case 'list': {
      const stored = read(expr.ref, row)
      if (!Array.isArray(stored)) return null
      const same = (value: Literal, i: number): boolean => compare(stored[i], '==', value) === true
      return (stored.length === expr.values.length && expr.values.every(same)) === (expr.op === '==')
    }
    case 'length': {
      const stored = read(expr.ref, row)
      return Array.isArray(stored) ? compare(BigInt(stored.length), expr.op, expr.value) : null
    }
    case 'not':
      return not(naiveTruth(expr.term, row))
    case 'chain': {
      const truths = expr.terms.map((term) => naiveTruth(term, row))
      return expr.op === 'and' ? and(truths) : not(and(truths.map(not)))
    }
  }
}

function not(truth: Truth): Truth {
  return truth === null ? null : !truth
}
function and(truths: readonly Truth[]): Truth {
  return truths.includes(false) ? false : truths.includes(null) ? null : true
}

/** JSON text that keeps integers and doubles apart. */
export function jsonText(value: Json): string {
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return literalText(value)
  if (Array.isArray(value)) return `[${value.map(jsonText).join()}]`
  if (value !== null && typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([key, item]) => `${JSON.stringify(key)}:${jsonText(item)}`)
      .join()}}`
  }
  return JSON.stringify(value)
}
