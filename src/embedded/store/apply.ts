import type { DatabaseSync } from 'node:sqlite'
import type { Ids } from '../../model/columns.ts'
import type { FieldSchema } from '../../model/schema.ts'
import type { Applied, Change, RowsToInsert, SqlFilter } from './contract.ts'
import { columnSql, type FieldRef, fieldRef, isVector } from './layout.ts'
import { columnBinder, filterSql, idBinder, partitionSql, Statements, whereSql } from './sql-values.ts'

/** The highest rid given out, and the live rows, as the file has them. */
export function countersOf(statements: Statements): { readonly lastRid: number; readonly rowCount: number } {
  const last = statements.one(
    'SELECT max(coalesce((SELECT max(rid) FROM rows), 0), coalesce((SELECT max(rid) FROM dead), 0))',
    [],
  )
  const count = statements.one('SELECT count(*) FROM rows', [])
  return { lastRid: Number(last?.[0] ?? 0), rowCount: Number(count?.[0] ?? 0) }
}

/**
 * Applies changes to one collection inside a transaction that its caller owns. It holds the two counters that a
 * rollback must take back: `nextRid` and `rowCount`.
 */
export class Applier {
  readonly #db: DatabaseSync
  readonly #statements: Statements
  #scalars: FieldRef[]
  readonly #vectors: readonly FieldRef[]
  nextRid = 1
  rowCount = 0

  constructor(db: DatabaseSync, fields: readonly FieldRef[]) {
    this.#db = db
    this.#statements = new Statements(db)
    this.#vectors = fields.filter(isVector)
    this.#scalars = fields.filter((field) => !isVector(field) && !field.isPrimary)
    this.refresh()
  }

  /** Reads the counters from the file: at open, and after a rollback. Deleted rows stay in `dead`: no rid comes twice. */
  refresh(): void {
    const { lastRid, rowCount } = countersOf(this.#statements)
    this.nextRid = lastRid + 1
    this.rowCount = rowCount
    const present = this.#columns()
    this.#scalars = this.#scalars.filter(({ sql }) => present.has(sql))
  }

  apply(change: Change): Applied {
    const firstRid = this.nextRid
    const deleted = this.#delete(change)
    const rows = change.kind === 'insert' || change.kind === 'upsert' ? change.rows : null
    if (rows) this.#insert(rows)
    const inserted = rows?.rowCount ?? 0
    this.rowCount += inserted - deleted.length
    const applied = { firstRid, inserted, deletedRids: Float64Array.from(deleted) }
    return change.kind === 'expire' ? { ...applied, oldestTs: this.#oldestTs() } : applied
  }

  #delete(change: Change): readonly number[] {
    switch (change.kind) {
      case 'insert':
        return []
      case 'upsert':
        return this.#deletePks(change.replaces, null)
      case 'deletePks':
        return this.#deletePks(change.pks, change.partitions)
      case 'deleteWhere':
        return this.#deleteWhere(change.where, change.partitions)
      case 'dropPartition':
        return this.#deleteWhere(null, [change.partition])
      case 'expire':
        this.#index('ts', true)
        return this.#deleteWhere({ sql: 'ts <= ?', params: [change.upTo] }, null)
      case 'addField':
        this.#addField(change.field)
        return []
      case 'scalarIndex':
        this.#index(change.column, change.wanted)
        return []
    }
  }

  /** A column that a kill left without its field in the catalog holds nothing and is made anew. */
  #addField(field: FieldSchema): void {
    const ref = fieldRef(field)
    if (this.#columns().has(ref.sql)) this.#db.exec(`ALTER TABLE rows DROP COLUMN ${ref.sql}`)
    this.#db.exec(`ALTER TABLE rows ADD COLUMN ${columnSql(field)}`)
    this.#scalars.push(ref)
  }

  #columns(): ReadonlySet<unknown> {
    return new Set(this.#statements.all("SELECT name FROM pragma_table_info('rows')", []).map(([name]) => name))
  }

  /** `column` is a name of ours (`f101`, `ts`). */
  #index(column: string, wanted: boolean): void {
    this.#db.exec(
      wanted ? `CREATE INDEX IF NOT EXISTS rows_${column} ON rows(${column})` : `DROP INDEX IF EXISTS rows_${column}`,
    )
  }

  #oldestTs(): bigint | null {
    const oldest = this.#statements.one('SELECT min(ts) FROM rows', [], true)?.[0]
    return typeof oldest === 'bigint' ? oldest : null
  }

  #deletePks(pks: Ids, partitions: readonly number[] | null): readonly number[] {
    const sql = `DELETE FROM rows ${whereSql('pk = ?', partitionSql(partitions))} RETURNING rid`
    const rids: number[] = []
    for (const pk of pks.values) {
      for (const row of this.#statements.all(sql, [pk])) rids.push(Number(row[0]))
    }
    return this.#bury(rids)
  }

  #deleteWhere(where: SqlFilter | null, partitions: readonly number[] | null): readonly number[] {
    const clause = whereSql(partitionSql(partitions), filterSql(where))
    const found = this.#statements.all(`DELETE FROM rows ${clause} RETURNING rid`, where?.params ?? [])
    return this.#bury(found.map((row) => Number(row[0])))
  }

  /** Takes the vectors of deleted rows away and notes the rows as dead. */
  #bury(rids: number[]): readonly number[] {
    rids.sort((a, b) => a - b)
    const statements = [
      this.#statements.get('INSERT INTO dead(rid) VALUES (?)'),
      ...this.#vectors.map((field) => this.#statements.get(`DELETE FROM ${field.sql} WHERE rid = ?`)),
    ]
    for (const statement of statements) for (const rid of rids) statement.run(rid)
    return rids
  }

  #insert(rows: RowsToInsert): void {
    const { rowCount } = rows
    const pk = idBinder(rows.pks, rowCount)
    const columns = new Map(rows.scalars.map((column) => [column.dynamic ? 'meta' : column.field, column]))
    // a field that was added after these rows were checked is left to the default of its column
    const fields = this.#scalars.filter((field) => columns.has(field.dynamic ? 'meta' : field.name))
    const values = fields.map((field) => columnBinder(columns.get(field.dynamic ? 'meta' : field.name), rowCount))
    const names = ['rid', 'pk', 'part', 'ts', ...fields.map((field) => field.sql)]
    const statement = this.#statements.get(
      `INSERT INTO rows(${names.join(',')}) VALUES (${names.map(() => '?').join(',')})`,
    )
    const firstRid = this.nextRid
    const bound: ReturnType<typeof pk>[] = [0, null, null, rows.ts, ...values.map(() => null)]
    for (let row = 0; row < rowCount; row++) {
      bound[0] = firstRid + row
      bound[1] = pk(row)
      bound[2] = typeof rows.partition === 'number' ? rows.partition : (rows.partition[row] ?? 0)
      for (let i = 0; i < values.length; i++) bound[i + 4] = values[i]?.(row) ?? null
      statement.run(...bound)
    }
    for (const field of this.#vectors) this.#insertVectors(field, rows, firstRid)
    this.nextRid += rowCount
  }

  /** Table by table, so that the pages of one table are written in one run. A row without a vector gets no entry. */
  #insertVectors(field: FieldRef, rows: RowsToInsert, firstRid: number): void {
    const column = rows.vectors.find((candidate) => candidate.field === field.name)
    if (!column) return
    if (column.data.kind !== field.kind || ('dim' in column.data && column.data.dim !== field.dim)) {
      throw new Error(`field ${field.name}: not a ${field.kind} of ${field.dim} values`)
    }
    const at = columnBinder(column, rows.rowCount)
    const statement = this.#statements.get(`INSERT INTO ${field.sql}(rid, v) VALUES (?, ?)`)
    for (let row = 0; row < rows.rowCount; row++) {
      const vector = at(row)
      if (vector !== null) statement.run(firstRid + row, vector)
    }
  }
}
