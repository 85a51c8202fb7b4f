import type { CheckedExpr } from './checked.ts'

/** Placeholder until the native syntax is verified: nothing is pushed. */
export function toIndexFilter(_expr: CheckedExpr, _pushable: ReadonlySet<string>): string | null {
  return null
}
