import type { FieldSchema } from '../model/schema.ts'
import type { ArithmeticOp, CompareOp, PathStep, Scalar } from './ast.ts'

/** What a filter may name: the schema's fields and, where the dynamic field is enabled, the hidden `$meta` column. */
export interface FilterSchema {
  readonly fields: readonly FieldSchema[]
  readonly dynamic: FieldSchema | null
}

export interface ColumnOperand {
  readonly kind: 'column'
  readonly field: FieldSchema
}
/** A place in a JSON column, or an element of an Array; an empty path is the whole document or array. */
export interface JsonOperand {
  readonly kind: 'json'
  readonly field: FieldSchema
  readonly path: readonly PathStep[]
}
/** `of op by`; `%` and the bit operators only on integers (a JSON double there is UNKNOWN). */
export interface ArithmeticOperand {
  readonly kind: 'arithmetic'
  readonly op: Exclude<ArithmeticOp, '**'>
  readonly of: ColumnOperand | JsonOperand
  readonly by: bigint | number
}
/** Number of elements of a JSON array; UNKNOWN where there is none. */
export interface LengthOperand {
  readonly kind: 'length'
  readonly of: JsonOperand
}
export type Operand = ColumnOperand | JsonOperand | ArithmeticOperand | LengthOperand

/** A `like` pattern: literal text, `any` run of characters, exactly `one` character. Anchored at both ends. */
export type PatternPart = string | { readonly wildcard: 'any' | 'one' }

/**
 * A filter whose names, types and constants are checked. Three-valued as SQL: a comparison with null, a missing JSON
 * key or a JSON value of another type is UNKNOWN; `isNull` and `constant` are never UNKNOWN. Only TRUE selects a row.
 */
export type CheckedExpr =
  | { readonly kind: 'constant'; readonly value: boolean }
  | { readonly kind: 'logical'; readonly op: 'and' | 'or'; readonly terms: readonly CheckedExpr[] }
  | { readonly kind: 'not'; readonly term: CheckedExpr }
  | { readonly kind: 'compare'; readonly operand: Operand; readonly op: CompareOp; readonly value: Scalar }
  | {
      readonly kind: 'compareColumns'
      readonly left: ColumnOperand
      readonly op: CompareOp
      readonly right: ColumnOperand
    }
  /** On JSON, values may be of several types: FALSE where the stored type is among them but the value is not. */
  | { readonly kind: 'in'; readonly operand: ColumnOperand | JsonOperand; readonly values: readonly Scalar[] }
  | {
      readonly kind: 'like'
      readonly operand: ColumnOperand | JsonOperand
      readonly pattern: readonly PatternPart[]
    }
  /** JSON: a missing key and a JSON null are both null. */
  | { readonly kind: 'isNull'; readonly operand: ColumnOperand | JsonOperand }
  /** Whether a JSON array holds all, or any, of the values; UNKNOWN where there is no array. */
  | {
      readonly kind: 'contains'
      readonly operand: JsonOperand
      readonly mode: 'all' | 'any'
      readonly values: readonly Scalar[]
    }
