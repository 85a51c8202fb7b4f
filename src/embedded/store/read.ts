import type { DatabaseSync } from 'node:sqlite'
import type { Column } from '../../model/columns.ts'
import { openReader } from './connection.ts'
import type { SqlFilter } from './contract.ts'
import { type FieldRef, isVector } from './layout.ts'
import { filterSql, partitionSql, type SqlRow, Statements, scalarColumn, whereSql } from './sql-values.ts'

/** Rows of a scope: partitions and a filter. */
export interface Scope {
  readonly where: SqlFilter | null
  readonly partitions: readonly number[] | null
}
/** Row ids in (after, upTo], at most `limit`. */
export interface RidRange {
  readonly after: number
  readonly upTo: number
  readonly limit: number
}

/** One reading connection to a collection. Used on the main thread for point reads, in reader threads for the rest. */
export class Reader {
  readonly #db: DatabaseSync
  readonly #statements: Statements

  constructor(file: string) {
    this.#db = openReader(file)
    this.#statements = new Statements(this.#db)
  }

  count({ where, partitions }: Scope): number {
    const sql = `SELECT count(*) FROM rows ${whereSql(partitionSql(partitions), filterSql(where))}`
    return Number(this.#statements.one(sql, where?.params ?? [])?.[0] ?? 0)
  }

  query(
    { where, partitions }: Scope,
    limit: number | null,
    offset: number,
    fields: readonly FieldRef[],
  ): { rowCount: number; columns: Column[] } {
    const scalars = fields.filter((field) => !isVector(field))
    const sql =
      `SELECT ${['rid', ...scalars.map((field) => field.sql)].join(',')} FROM rows ` +
      `${whereSql(partitionSql(partitions), filterSql(where))} ORDER BY pk, rid LIMIT ? OFFSET ?`
    return this.#snapshot(() => {
      const params = [...(where?.params ?? []), limit ?? -1, offset]
      const rows = this.#statements.all(sql, params, hasLong(scalars))
      const rids = rows.map((row) => Number(row[0]))
      return { rowCount: rows.length, columns: this.#columns(fields, rids, rows) }
    })
  }

  matching({ where, partitions }: Scope, { after, upTo, limit }: RidRange): Float64Array {
    const clause = whereSql('rid > ? AND rid <= ?', partitionSql(partitions), filterSql(where))
    return this.#statements.integers(`SELECT rid FROM rows ${clause} ORDER BY rid LIMIT ?`, [
      after,
      upTo,
      ...(where?.params ?? []),
      sqlLimit(limit),
    ])
  }

  fetch(rids: Float64Array, fields: readonly FieldRef[]): { alive: Uint8Array; columns: Column[] } {
    const scalars = fields.filter((field) => !isVector(field))
    const sql = `SELECT ${['rid', ...scalars.map((field) => field.sql)].join(',')} FROM rows WHERE rid = ?`
    const bigints = hasLong(scalars)
    return this.#snapshot(() => {
      const rows: (SqlRow | undefined)[] = []
      const alive = new Uint8Array(rids.length)
      for (let i = 0; i < rids.length; i++) {
        const row = this.#statements.one(sql, [rids[i] ?? 0], bigints)
        rows.push(row)
        alive[i] = row ? 1 : 0
      }
      return { alive, columns: this.#columns(fields, rids, rows) }
    })
  }

  readVectors(
    vector: FieldRef,
    scalars: readonly FieldRef[],
    { after, upTo, limit }: RidRange,
  ): { rids: Float64Array; vectors: Float32Array; scalars: Column[] } {
    return this.#snapshot(() => {
      const bounds = [after, upTo, sqlLimit(limit)]
      // A row whose vector is null has no entry in the vector's table, so the rows' count is an upper bound.
      const count = 'SELECT count(*) FROM (SELECT 1 FROM rows WHERE rid > ? AND rid <= ? LIMIT ?)'
      const bound = Number(this.#statements.one(count, bounds)?.[0] ?? 0)
      const rids = new Float64Array(bound)
      const vectors = new Float32Array(new SharedArrayBuffer(bound * vector.dim * Float32Array.BYTES_PER_ELEMENT))
      const bytes = new Uint8Array(vectors.buffer)
      const rows: SqlRow[] = []
      const sql =
        `SELECT x.rid, x.v${scalars.map((field) => `, r.${field.sql}`).join('')} FROM ${vector.sql} AS x ` +
        `${scalars.length > 0 ? 'JOIN rows AS r ON r.rid = x.rid ' : ''}` +
        'WHERE x.rid > ? AND x.rid <= ? ORDER BY x.rid LIMIT ?'
      let found = 0
      for (const row of this.#statements.get(sql, hasLong(scalars)).iterate(...bounds) as Iterable<unknown>) {
        const [rid, blob, ...rest] = row as SqlRow
        rids[found] = Number(rid)
        copyVector(blob, bytes, found, vector)
        if (scalars.length > 0) rows.push(rest)
        found += 1
      }
      return {
        rids: rids.slice(0, found),
        vectors: vectors.subarray(0, found * vector.dim),
        scalars: scalars.map((field, slot) => scalarColumn(field, rows, slot)),
      }
    })
  }

  deadRids(after: number, upTo: number): Float64Array {
    return this.#statements.integers('SELECT rid FROM dead WHERE rid > ? AND rid <= ? ORDER BY rid', [after, upTo])
  }

  close(): void {
    this.#db.close()
  }

  /** Columns in the order of `fields`; `rows` hold rid and then the scalar fields among them. */
  #columns(
    fields: readonly FieldRef[],
    rids: { readonly length: number; readonly [row: number]: number },
    rows: readonly (SqlRow | undefined)[],
  ): Column[] {
    let slot = 0
    return fields.map((field) => {
      if (isVector(field)) return this.#vectorColumn(field, rids)
      slot += 1
      return scalarColumn(field, rows, slot)
    })
  }

  #vectorColumn(field: FieldRef, rids: { readonly length: number; readonly [row: number]: number }): Column {
    const values = new Float32Array(rids.length * field.dim)
    const bytes = new Uint8Array(values.buffer)
    const valid = new Uint8Array(rids.length).fill(1)
    const sql = `SELECT v FROM ${field.sql} WHERE rid = ?`
    for (let i = 0; i < rids.length; i++) {
      const blob = this.#statements.one(sql, [rids[i] ?? 0])?.[0]
      if (blob === undefined || blob === null) valid[i] = 0
      else copyVector(blob, bytes, i, field)
    }
    const data = { kind: 'floatVector', dim: field.dim, values } as const
    return { field: field.name, data, valid: valid.includes(0) ? valid : null, dynamic: false }
  }

  /** Several statements over one state of the collection. */
  #snapshot<T>(read: () => T): T {
    this.#db.exec('BEGIN')
    try {
      return read()
    } finally {
      if (this.#db.isTransaction) this.#db.exec('COMMIT')
    }
  }
}

function hasLong(fields: readonly FieldRef[]): boolean {
  return fields.some((field) => field.kind === 'long')
}

function sqlLimit(limit: number): number {
  return Number.isFinite(limit) ? limit : -1
}

/** Copies a stored vector to slot `slot` of `into`, the bytes of a column of vectors. */
function copyVector(blob: unknown, into: Uint8Array, slot: number, field: FieldRef): void {
  const bytes = field.dim * Float32Array.BYTES_PER_ELEMENT
  if (!(blob instanceof Uint8Array) || blob.byteLength !== bytes) {
    throw new Error(`field ${field.name}: a stored vector does not have ${bytes} bytes`)
  }
  into.set(blob, slot * bytes)
}
