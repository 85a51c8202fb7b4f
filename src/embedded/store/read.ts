import type { DatabaseSync } from 'node:sqlite'
import { rowWords, wordsOf } from '../../engine/words.ts'
import { fault } from '../../errors/error.ts'
import type { Column } from '../../model/columns.ts'
import { emptyVectors, isPacked, type VectorKind } from '../../model/vectors.ts'
import { openReader } from './connection.ts'
import type { SqlFilter } from './contract.ts'
import { type FieldRef, isVector, storedBytes } from './layout.ts'
import { filterSql, partitionSql, type SqlRow, Statements, scalarColumn, whereSql } from './sql-values.ts'

/** Rows of a scope: partitions and a filter. */
export interface Scope {
  readonly where: SqlFilter | null
  readonly partitions: readonly number[] | null
}
/** Which of a scope's rows, in order of their keys; `bytesMax` bounds what their values may take. */
export interface Page {
  readonly limit: number | null
  readonly offset: number
  readonly bytesMax: number | null
}
/** Row ids in (after, upTo], at most `limit`. */
export interface RidRange {
  readonly after: number
  readonly upTo: number
  readonly limit: number
}

/** Vectors are read in pieces of about this size. */
const CHUNK_BYTES = 512 << 10

/** One reading connection to a collection. Used on the main thread for point reads, in reader threads for the rest. */
export class Reader {
  readonly #db: DatabaseSync
  readonly #statements: Statements

  constructor(file: string, use: 'scans' | 'points') {
    this.#db = openReader(file, use)
    this.#statements = new Statements(this.#db)
  }

  count({ where, partitions }: Scope): number {
    const sql = `SELECT count(*) FROM rows ${whereSql(partitionSql(partitions), filterSql(where))}`
    return Number(this.#statements.one(sql, where?.params ?? [])?.[0] ?? 0)
  }

  query(
    { where, partitions }: Scope,
    { limit, offset, bytesMax }: Page,
    fields: readonly FieldRef[],
  ): { rowCount: number; columns: Column[] } {
    const scalars = fields.filter((field) => !isVector(field))
    const sql =
      `SELECT ${['rid', ...scalars.map((field) => field.sql)].join(',')} FROM rows ` +
      `${whereSql(partitionSql(partitions), filterSql(where))} ORDER BY pk, rid LIMIT ? OFFSET ?`
    return this.#snapshot(() => {
      const params = [...(where?.params ?? []), limit ?? -1, offset]
      const rows =
        bytesMax === null
          ? this.#statements.all(sql, params, hasLong(scalars))
          : within(this.#statements.each(sql, params, hasLong(scalars)), fixedBytes(fields), bytesMax)
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
      // A row whose vector is null has no entry in the vector's table, so the rows' count is an upper bound.
      const bound = this.#rowsIn({ after, upTo, limit })
      const { rids, vectors } = this.#wordsIn(vector, { after, upTo, limit: bound })
      return { rids, vectors, scalars: this.#scalarsOf(rids, scalars) }
    })
  }

  /** The vectors of at most `limit` rows as the engine takes them (`engine/words.ts`). */
  #wordsIn(vector: FieldRef, range: RidRange): { rids: Float64Array; vectors: Float32Array } {
    const { kind, dim } = vector
    if (kind === 'sparseVector') {
      const sql = `SELECT rid, v FROM ${vector.sql} WHERE rid > ? AND rid <= ? ORDER BY rid LIMIT ?`
      const rows = this.#statements.all(sql, [range.after, range.upTo, range.limit])
      const values = rows.map(([, blob]) => sparseRow(blob, vector))
      return { rids: Float64Array.from(rows, ([rid]) => Number(rid)), vectors: wordsOf({ kind, values }) }
    }
    const bytes = new Uint8Array(new SharedArrayBuffer(range.limit * storedBytes(vector)))
    const rids = new Float64Array(range.limit)
    const found = this.#copyVectors(vector, range, rids, bytes)
    const kept = bytes.subarray(0, found * storedBytes(vector))
    const data = emptyVectors(isVector(vector) ? vector.kind : 'floatVector', 0, dim)
    const vectors = isPacked(data)
      ? wordsOf({ ...data, values: kept })
      : new Float32Array(bytes.buffer, 0, found * rowWords('floatVector', dim))
    return { rids: rids.slice(0, found), vectors }
  }

  #rowsIn({ after, upTo, limit }: RidRange): number {
    const count = 'SELECT count(*) FROM (SELECT 1 FROM rows WHERE rid > ? AND rid <= ? LIMIT ?)'
    return Number(this.#statements.one(count, [after, upTo, sqlLimit(limit)])?.[0] ?? 0)
  }

  /**
   * Copies vectors to `bytes` behind one another; returns how many. SQLite joins the blobs of a chunk to one (text and
   * blob are the same bytes to it in a UTF-8 database): an object for each vector costs more than reading it.
   */
  #copyVectors(vector: FieldRef, { after, upTo, limit }: RidRange, rids: Float64Array, bytes: Uint8Array): number {
    const size = storedBytes(vector)
    const chunk = Math.max(1, Math.floor(CHUNK_BYTES / size))
    const sql =
      "SELECT json_group_array(rid), CAST(group_concat(v, '') AS BLOB), min(length(v)), max(length(v)) " +
      `FROM (SELECT rid, v FROM ${vector.sql} WHERE rid > ? AND rid <= ? ORDER BY rid LIMIT ?)`
    let found = 0
    let last = after
    while (found < limit) {
      const row = this.#statements.one(sql, [last, upTo, Math.min(chunk, limit - found)])
      const list: unknown = JSON.parse(String(row?.[0]))
      if (!Array.isArray(list) || list.length === 0) break
      if (row?.[2] !== size || row[3] !== size || !(row[1] instanceof Uint8Array)) throw wrongLength(vector)
      rids.set(list, found)
      bytes.set(row[1], found * size)
      found += list.length
      last = Number(list.at(-1))
    }
    return found
  }

  /** Scalars of live rows, `rids` ascending. */
  #scalarsOf(rids: Float64Array, scalars: readonly FieldRef[]): Column[] {
    if (scalars.length === 0) return []
    const names = ['rid', ...scalars.map((field) => field.sql)]
    const sql = `SELECT ${names.join(',')} FROM rows WHERE rid >= ? AND rid <= ? ORDER BY rid`
    const all = this.#statements.all(sql, [rids[0] ?? 0, rids.at(-1) ?? -1], hasLong(scalars))
    let next = 0
    const rows = all.length === rids.length ? all : all.filter((row) => Number(row[0]) === rids[next] && ++next > 0)
    return scalars.map((field, slot) => scalarColumn(field, rows, slot + 1))
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

  #vectorColumn(
    field: FieldRef & { readonly kind: VectorKind },
    rids: { readonly length: number; readonly [row: number]: number },
  ): Column {
    const data = emptyVectors(field.kind, rids.length, field.dim)
    const sparse: Uint8Array[] = []
    const bytes = data.kind === 'sparseVector' ? null : new Uint8Array(data.values.buffer)
    const valid = new Uint8Array(rids.length).fill(1)
    const sql = `SELECT v FROM ${field.sql} WHERE rid = ?`
    for (let i = 0; i < rids.length; i++) {
      const blob = this.#statements.one(sql, [rids[i] ?? 0])?.[0]
      // an empty sparse row may have been stored as NULL
      const isNull = blob === undefined || (blob === null && bytes !== null)
      if (isNull) valid[i] = 0
      if (bytes === null) sparse.push(isNull ? new Uint8Array(0) : sparseRow(blob, field))
      else if (!isNull) copyStored(blob, bytes, i, field)
    }
    const column = { field: field.name, valid: valid.includes(0) ? valid : null, dynamic: false }
    return { ...column, data: data.kind === 'sparseVector' ? { ...data, values: sparse } : data }
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

/** Bytes a row takes whatever its values. */
function fixedBytes(fields: readonly FieldRef[]): number {
  return fields.reduce((sum, field) => sum + (isVector(field) ? storedBytes(field) : 8), 0)
}

/** The rows, as long as they stay below the bound: it holds before memory is filled. @throws RedkiteError */
function within(rows: Iterable<SqlRow>, rowBytes: number, bytesMax: number): SqlRow[] {
  const kept: SqlRow[] = []
  let bytes = 0
  for (const row of rows) {
    bytes += rowBytes
    for (const value of row) if (typeof value === 'string') bytes += value.length
    if (bytes > bytesMax) {
      const text = `query results exceed the maxOutputSize Limit ${bytesMax}; ask for fewer rows or fields`
      throw fault('parameterTooLarge', text)
    }
    kept.push(row)
  }
  return kept
}

function hasLong(fields: readonly FieldRef[]): boolean {
  return fields.some((field) => field.kind === 'long')
}

function sqlLimit(limit: number): number {
  return Number.isFinite(limit) ? limit : -1
}

/** Copies a stored vector to slot `slot` of `into`, the bytes of a column of vectors. */
function copyStored(blob: unknown, into: Uint8Array, slot: number, field: FieldRef): void {
  const bytes = storedBytes(field)
  if (!(blob instanceof Uint8Array) || blob.byteLength !== bytes) {
    throw wrongLength(field)
  }
  into.set(blob, slot * bytes)
}

function sparseRow(blob: unknown, field: FieldRef): Uint8Array {
  if (blob === null) return new Uint8Array(0)
  if (!(blob instanceof Uint8Array) || blob.byteLength % 8 !== 0) {
    throw new Error(`field ${field.name}: a stored sparse vector is no list of pairs`)
  }
  return blob
}

function wrongLength(field: FieldRef): Error {
  return new Error(`field ${field.name}: a stored vector does not have ${field.dim} values`)
}
