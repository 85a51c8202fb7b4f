import type { TemplateValue } from '../model/calls.ts'
import type { FilterNode, Scalar } from './ast.ts'
import type { CheckedExpr, FilterSchema, Operand } from './checked.ts'
import { scalarType } from './constants.ts'
import { quoted } from './failure.ts'
import { operandType } from './operands.ts'

/** What a node turned out to be. */
export type Meaning =
  | { readonly kind: 'scalar'; readonly value: Scalar }
  | { readonly kind: 'list'; readonly values: readonly Scalar[] }
  | { readonly kind: 'operand'; readonly operand: Operand }
  | { readonly kind: 'predicate'; readonly expr: CheckedExpr }

/** One check: the text (for messages), what it may name, and its template values. */
export interface FilterInput {
  readonly text: string
  readonly schema: FilterSchema
  readonly templates: Readonly<Record<string, TemplateValue>>
}

/** What the parts of the check share: the input, and the way back to the whole for nested nodes. */
export interface CheckContext extends FilterInput {
  readonly meaningOf: (node: FilterNode) => Meaning
}

/** The piece of the filter a node was read from. */
export function sourceOf(node: FilterNode, context: CheckContext): string {
  return quoted(context.text.slice(node.offset, node.end))
}

/** The type name for messages. */
export function meaningType(meaning: Meaning): string {
  switch (meaning.kind) {
    case 'scalar':
      return scalarType(meaning.value)
    case 'list':
      return 'Array'
    case 'operand':
      return operandType(meaning.operand)
    case 'predicate':
      return 'Bool'
  }
}
