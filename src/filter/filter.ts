import type { SqlFilter } from '../embedded/store/contract.ts'
import type { TemplateValue } from '../model/calls.ts'
import { check } from './check.ts'
import type { CheckedExpr, FilterSchema } from './checked.ts'
import { FilterFailure, failureToFault, type PlanKind } from './failure.ts'
import { type FilterLimits, parseFilter } from './parser.ts'
import { exprToSql } from './to-sql.ts'

export type { CheckedExpr, FilterSchema } from './checked.ts'
export type { PlanKind } from './failure.ts'
export type { FilterLimits } from './parser.ts'
export { primaryKeysOf } from './primary-keys.ts'
export { toIndexFilter } from './to-index-filter.ts'

export interface CompileOptions extends FilterLimits {
  /** How errors begin: `failed to create <plan> plan: …`; search and query are both `query`. */
  readonly plan: PlanKind
}

/** Compiled filters kept a schema object, and the longest text kept. */
const KEPT_MAX = 256
const KEPT_CHARS_MAX = 4096

const kept = new WeakMap<FilterSchema, Map<string, CheckedExpr>>()
const sqlOf = new WeakMap<CheckedExpr, SqlFilter>()

/**
 * Milvus' filter language to a checked expression; null for an empty text (no filter). Filters without templates are
 * kept by the identity of `schema`, so pass the same object while the schema is the same.
 * @throws RedkiteError `invalidParameter` (1100) in Milvus' form, with the position and the cause
 */
export function compileFilter(
  text: string,
  schema: FilterSchema,
  templates: Readonly<Record<string, TemplateValue>>,
  options: CompileOptions,
): CheckedExpr | null {
  if (isEmptyFilter(text)) return null
  const known = recall(text, schema)
  if (known) return known
  try {
    const expr = check(parseFilter(text, options), { text, schema, templates })
    sqlOf.set(expr, exprToSql(expr))
    keep(text, schema, expr)
    return expr
  } catch (error) {
    throw error instanceof FilterFailure ? failureToFault(error, text, options.plan) : error
  }
}

/** The filter as SQL over `rows`; made once a compiled filter. */
export function toSql(expr: CheckedExpr): SqlFilter {
  const known = sqlOf.get(expr)
  if (known) return known
  const sql = exprToSql(expr)
  sqlOf.set(expr, sql)
  return sql
}

/** '' and blanks: no filter. */
export function isEmptyFilter(text: string): boolean {
  return text.trim() === ''
}

/** No filter, or one that is true of every row (`true`, `1 == 1`): refused by delete, needs a limit in query. */
export function isAlwaysTrue(expr: CheckedExpr | null): boolean {
  return expr === null || (expr.kind === 'constant' && expr.value)
}

function recall(text: string, schema: FilterSchema): CheckedExpr | null {
  const filters = kept.get(schema)
  const expr = filters?.get(text)
  if (!filters || !expr) return null
  // last used goes last: the first of the map is the one to give up
  filters.delete(text)
  filters.set(text, expr)
  return expr
}

function keep(text: string, schema: FilterSchema, expr: CheckedExpr): void {
  if (text.length > KEPT_CHARS_MAX || text.includes('{')) return
  const filters = kept.get(schema) ?? new Map<string, CheckedExpr>()
  kept.set(schema, filters)
  filters.set(text, expr)
  const [oldest] = filters.keys()
  if (filters.size > KEPT_MAX && oldest !== undefined) filters.delete(oldest)
}
