import type { Column, ColumnData } from '../columns.ts'
import type { FieldSchema } from '../schema.ts'

/** Bounds on single values that the configuration sets. */
export interface ValueLimits {
  /** Largest JSON value (`common.JSONMaxLength`). */
  readonly jsonBytesMax: number
}

/**
 * What a field type must be able to do beside its row in `table.ts`. One file a type; `registry.ts` lists them.
 * Values of rows that are not valid are never looked at.
 */
export interface FieldType {
  /**
   * JSON values of a REST row (already `undefined`/null where absent, then marked invalid) as column slots.
   * @throws RedkiteError `restInsertData` naming field, row and value
   */
  fromJson(field: FieldSchema, values: readonly unknown[]): ColumnData
  /** @throws RedkiteError `invalidParameter` when a value is outside what the schema allows */
  check(field: FieldSchema, column: Column, limits: ValueLimits): void
  /** `rowCount` slots of the default value, or of a filler where there is none. */
  fill(field: FieldSchema, rowCount: number): ColumnData
}

/** Whether slot `row` holds a value. */
export function isValid(column: Column, row: number): boolean {
  return column.valid === null || column.valid[row] === 1
}
