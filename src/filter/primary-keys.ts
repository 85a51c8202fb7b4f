import type { Ids } from '../model/columns.ts'
import type { CheckedExpr } from './checked.ts'

/** The keys of `pk in [...]`, `pk == x` (or their `or`) as given, duplicates too; null for any other filter. */
export function primaryKeysOf(expr: CheckedExpr): Ids | null {
  const keys = expr.kind === 'in' ? expr.values : expr.kind === 'compare' && expr.op === '==' ? [expr.value] : null
  if (keys === null || (expr.kind !== 'in' && expr.kind !== 'compare') || expr.operand.kind !== 'column') return null
  const { field } = expr.operand
  if (!field.isPrimary) return null
  return field.type === 'VarChar'
    ? { kind: 'string', values: keys.filter((key) => typeof key === 'string') }
    : { kind: 'long', values: BigInt64Array.from(keys.filter((key) => typeof key === 'bigint')) }
}
