import type { Scalar } from './ast.ts'
import type { CheckedExpr, ColumnOperand } from './checked.ts'

/** `not`, without double negation. */
export function negate(expr: CheckedExpr): CheckedExpr {
  if (expr.kind === 'constant') return { kind: 'constant', value: !expr.value }
  if (expr.kind === 'not') return expr.term
  return { kind: 'not', term: expr }
}

/**
 * A flat `and`/`or` of the terms, in fewer of them where three-valued logic allows: constants vanish or decide, and
 * `a == 1 or a == 2` becomes `a in [1, 2]`.
 */
export function combine(op: 'and' | 'or', terms: readonly CheckedExpr[]): CheckedExpr {
  const decides = op === 'or'
  const kept: CheckedExpr[] = []
  for (const term of terms) {
    if (term.kind === 'constant') {
      if (term.value === decides) return term
    } else if (term.kind === 'logical' && term.op === op) {
      for (const inner of term.terms) kept.push(inner)
    } else {
      kept.push(term)
    }
  }
  const merged = op === 'or' ? mergeEqualities(kept) : kept
  const [only, ...rest] = merged
  if (only === undefined) return { kind: 'constant', value: !decides }
  return rest.length === 0 ? only : { kind: 'logical', op, terms: merged }
}

/** Only on columns: on JSON, values of several types in one list mean something else than their `or`. */
function mergeEqualities(terms: readonly CheckedExpr[]): CheckedExpr[] {
  const lists = new Map<number, { operand: ColumnOperand; values: Scalar[] }>()
  const merged: (CheckedExpr | number)[] = []
  for (const term of terms) {
    const equality = columnEquality(term)
    if (!equality) {
      merged.push(term)
      continue
    }
    const { id } = equality.operand.field
    const list = lists.get(id)
    if (list) {
      for (const value of equality.values) list.values.push(value)
    } else {
      lists.set(id, { operand: equality.operand, values: [...equality.values] })
      merged.push(id)
    }
  }
  return merged.map((term) => {
    const list = typeof term === 'number' ? lists.get(term) : undefined
    if (typeof term !== 'number') return term
    if (!list) throw new Error('equality list lost')
    const [first, second] = list.values
    return first !== undefined && second === undefined
      ? { kind: 'compare', operand: list.operand, op: '==', value: first }
      : { kind: 'in', operand: list.operand, values: list.values }
  })
}

function columnEquality(term: CheckedExpr): { operand: ColumnOperand; values: readonly Scalar[] } | null {
  if (term.kind === 'compare' && term.op === '==' && term.operand.kind === 'column') {
    return { operand: term.operand, values: [term.value] }
  }
  if (term.kind === 'in' && term.operand.kind === 'column') return { operand: term.operand, values: term.values }
  return null
}
