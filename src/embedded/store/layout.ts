import { StartError } from '../../errors/start-error.ts'
import type { ColumnKind } from '../../model/columns.ts'
import { fieldTypes } from '../../model/fields/table.ts'
import { type FieldSchema, sqlColumn } from '../../model/schema.ts'
import { isVectorKind, rowBytes, type VectorKind } from '../../model/vectors.ts'

/** Format of `rows.db`. Raise it with every change of the tables that an older Redkite could not read. */
export const STORE_FORMAT = 1

/** What the store's threads need to know of a field; plain data, so it crosses threads. */
export interface FieldRef {
  readonly name: string
  readonly kind: ColumnKind
  /** Column of `rows`, or the table of a vector field. */
  readonly sql: string
  readonly affinity: 'INTEGER' | 'REAL' | 'TEXT' | 'BLOB'
  /** Vectors: values a row. 0 elsewhere. */
  readonly dim: number
  readonly isPrimary: boolean
  readonly dynamic: boolean
}

/** @throws Error for a field type that the engine does not serve: the catalog lets none in. */
export function fieldRef(field: FieldSchema): FieldRef {
  const row = fieldTypes[field.type]
  if (row.kind === null) throw new Error(`field ${field.name}: the row store has no column for ${field.type}`)
  return {
    name: field.name,
    kind: row.kind,
    sql: row.isVector ? `vec_${field.id}` : sqlColumn(field),
    affinity: row.sql,
    dim: field.dim,
    isPrimary: field.isPrimary,
    dynamic: field.isDynamic,
  }
}

export function isVector(field: FieldRef): field is FieldRef & { readonly kind: VectorKind } {
  return isVectorKind(field.kind)
}

/** What a sparse row is counted as where its size is not known yet. */
const SPARSE_BYTES = 1024

/** Bytes of one stored vector; an estimate for sparse ones. */
export function storedBytes({ kind, dim }: FieldRef): number {
  if (!isVectorKind(kind)) return 0
  return kind === 'sparseVector' ? SPARSE_BYTES : rowBytes(kind, dim)
}

/** Statements that bring a file, new or already there, to the layout. `present` = columns that `rows` has already. */
export function layoutStatements(fields: readonly FieldRef[], present: ReadonlySet<string>): string[] {
  const primary = fields.find((field) => field.isPrimary)
  if (!primary) throw new Error('a row store needs a primary field')
  const scalars = fields.filter((field) => !isVector(field) && !field.isPrimary && !field.dynamic)
  const statements = [
    'CREATE TABLE IF NOT EXISTS info(key TEXT PRIMARY KEY, value) WITHOUT ROWID',
    `INSERT OR IGNORE INTO info VALUES ('format', ${STORE_FORMAT})`,
    'CREATE TABLE IF NOT EXISTS dead(rid INTEGER PRIMARY KEY)',
    `CREATE TABLE IF NOT EXISTS rows(rid INTEGER PRIMARY KEY, pk ${primary.affinity}, part INTEGER, ts INTEGER, ` +
      `${scalars.map((field) => `${field.sql} ${field.affinity}, `).join('')}meta TEXT)`,
    'CREATE INDEX IF NOT EXISTS rows_pk ON rows(pk)',
  ]
  if (present.size > 0) {
    for (const field of scalars) {
      if (!present.has(field.sql)) statements.push(`ALTER TABLE rows ADD COLUMN ${field.sql} ${field.affinity}`)
    }
  }
  for (const field of fields.filter(isVector)) {
    statements.push(`CREATE TABLE IF NOT EXISTS ${field.sql}(rid INTEGER PRIMARY KEY, v BLOB)`)
  }
  return statements
}

/** @throws StartError when the file was written by a newer Redkite. */
export function checkFormat(file: string, found: unknown): void {
  if (typeof found === 'number' && found <= STORE_FORMAT) return
  throw new StartError(
    78,
    `${file} has format ${String(found)}; this Redkite reads formats up to ${STORE_FORMAT}`,
    'start the newer Redkite that wrote it, or restore a backup made before the upgrade',
  )
}

/** A column that is added to `rows`, with the default that older rows read. */
export function columnSql(field: FieldSchema): string {
  const { sql, affinity } = fieldRef(field)
  const { defaultValue: value, type } = field
  if (value === null) return `${sql} ${affinity}`
  const literal =
    typeof value === 'string'
      ? `'${value.replaceAll("'", "''")}'`
      : typeof value === 'boolean'
        ? Number(value)
        : type === 'Float'
          ? Math.fround(Number(value))
          : value
  return `${sql} ${affinity} DEFAULT ${literal}`
}
