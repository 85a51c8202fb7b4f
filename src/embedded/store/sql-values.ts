import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'
import { type Column, type ColumnData, type Ids, slotCount } from '../../model/columns.ts'
import { isVectorData, rowBytes } from '../../model/vectors.ts'
import type { SqlFilter } from './contract.ts'
import type { FieldRef } from './layout.ts'

export type SqlRow = readonly SQLOutputValue[]
/** The value of one row of a column, as SQLite binds it. */
export type Binder = (row: number) => SQLInputValue

/**
 * Prepared statements of one connection by their text, the least recently used dropped above the bound. Rows come as
 * arrays; with `bigints` every integer comes as a bigint, which only int64 columns need.
 */
export class Statements {
  readonly #db: DatabaseSync
  readonly #byText = new Map<string, StatementSync>()
  readonly #bound = 64

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  get(sql: string, bigints = false): StatementSync {
    const key = bigints ? `big ${sql}` : sql
    let statement = this.#byText.get(key)
    if (statement) {
      this.#byText.delete(key)
    } else {
      statement = this.#db.prepare(sql)
      statement.setReturnArrays(true)
      statement.setReadBigInts(bigints)
      if (this.#byText.size >= this.#bound) {
        for (const oldest of this.#byText.keys()) {
          this.#byText.delete(oldest)
          break
        }
      }
    }
    this.#byText.set(key, statement)
    return statement
  }

  all(sql: string, params: readonly SQLInputValue[], bigints = false): readonly SqlRow[] {
    // The type declarations of node:sqlite do not know setReturnArrays.
    return this.get(sql, bigints).all(...params) as unknown as readonly SqlRow[]
  }

  each(sql: string, params: readonly SQLInputValue[], bigints = false): Iterable<SqlRow> {
    return this.get(sql, bigints).iterate(...params) as unknown as Iterable<SqlRow>
  }

  one(sql: string, params: readonly SQLInputValue[], bigints = false): SqlRow | undefined {
    return this.get(sql, bigints).get(...params) as unknown as SqlRow | undefined
  }

  /** A list of integers below 2^53. One JSON text is several times cheaper than a JS row for each. */
  integers(select: string, params: readonly SQLInputValue[]): Float64Array {
    const text = this.one(`SELECT json_group_array(rid) FROM (${select})`, params)?.[0]
    const list: unknown = JSON.parse(String(text))
    if (!Array.isArray(list)) throw new Error('json_group_array did not answer with an array')
    return Float64Array.from(list)
  }
}

/** `part IN (…)` inlined: partition ids are integers of ours. '' = every partition. */
export function partitionSql(partitions: readonly number[] | null): string {
  if (partitions === null) return ''
  for (const id of partitions) if (!Number.isSafeInteger(id)) throw new Error(`not a partition id: ${id}`)
  return `part IN (${partitions.join(',')})`
}

/** Joins conditions to a WHERE clause, '' when there are none. */
export function whereSql(...conditions: readonly (string | null | undefined)[]): string {
  const given = conditions.filter((condition) => condition)
  return given.length === 0 ? '' : `WHERE ${given.join(' AND ')}`
}

export function filterSql(filter: SqlFilter | null): string {
  return filter === null ? '' : `(${filter.sql})`
}

/** @throws Error when the column is shorter than `rowCount`: a fault of ours, never stored. */
export function columnBinder(column: Column | undefined, rowCount: number): Binder {
  if (!column) return () => null
  const at = dataBinder(column.data, rowCount, column.field)
  const { valid } = column
  return valid ? (row) => (valid[row] === 1 ? at(row) : null) : at
}

export function idBinder(ids: Ids, rowCount: number): Binder {
  const { values } = ids
  if (values.length !== rowCount) throw new Error(`${values.length} primary keys for ${rowCount} rows`)
  return (row) => values[row] ?? null
}

function dataBinder(data: ColumnData, rowCount: number, field: string): Binder {
  const slots = slotCount(data)
  if (slots !== rowCount) throw new Error(`field ${field}: ${slots} slots for ${rowCount} rows`)
  if (isVectorData(data) && data.kind !== 'sparseVector') {
    const { buffer, byteOffset } = data.values
    const bytes = rowBytes(data.kind, data.dim)
    return (row) => new Uint8Array(buffer, byteOffset + row * bytes, bytes)
  }
  const { values } = data
  return (row) => values[row] ?? null
}

/** Slot `slot` of the rows as a column; a missing row (`undefined`) or NULL is an invalid slot. */
export function scalarColumn(field: FieldRef, rows: readonly (SqlRow | undefined)[], slot: number): Column {
  const valid = new Uint8Array(rows.length).fill(1)
  const at = (row: number): SQLOutputValue => rows[row]?.[slot] ?? null
  const data = scalarData(field, rows.length, at, valid)
  return { field: field.name, data, valid: valid.includes(0) ? valid : null, dynamic: field.dynamic }
}

function scalarData(
  field: FieldRef,
  count: number,
  at: (row: number) => SQLOutputValue,
  valid: Uint8Array,
): ColumnData {
  const numbers = <T extends { [row: number]: number }>(values: T): T => {
    for (let row = 0; row < count; row++) {
      const value = at(row)
      if (value === null) valid[row] = 0
      else values[row] = Number(value)
    }
    return values
  }
  switch (field.kind) {
    case 'bool':
      return { kind: 'bool', values: numbers(new Uint8Array(count)) }
    case 'int':
      return { kind: 'int', values: numbers(new Int32Array(count)) }
    case 'float':
      return { kind: 'float', values: numbers(new Float32Array(count)) }
    case 'double':
      return { kind: 'double', values: numbers(new Float64Array(count)) }
    case 'long': {
      const values = new BigInt64Array(count)
      for (let row = 0; row < count; row++) {
        const value = at(row)
        if (typeof value === 'bigint') values[row] = value
        else valid[row] = 0
      }
      return { kind: 'long', values }
    }
    case 'string':
    case 'json': {
      const values: string[] = []
      for (let row = 0; row < count; row++) {
        const value = at(row)
        if (typeof value !== 'string') valid[row] = 0
        values.push(typeof value === 'string' ? value : '')
      }
      return { kind: field.kind, values }
    }
    default:
      throw new Error(`field ${field.name} is a vector: it has a table of its own`)
  }
}
