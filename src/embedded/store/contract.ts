/**
 * The row store: SQLite, the truth. One database file a collection; every write is one durable transaction.
 *
 * Tables of `<collection>/rows.db` (WAL, synchronous=FULL, page size 16 KiB):
 *   rows(rid INTEGER PRIMARY KEY, pk, part INTEGER, ts INTEGER, f<id>…, meta TEXT)   scalars; `pk` indexed, not unique
 *   vec_<fieldId>(rid INTEGER PRIMARY KEY, v BLOB)                                   the vector's bytes as on the wire
 *   dead(rid INTEGER PRIMARY KEY)     rows deleted since they were written: what sealed segments must hide
 *   info(key TEXT PRIMARY KEY, value) format version
 *
 * `rid` is the internal row id: from 1, never reused (the next one is above every rid in `rows` and `dead`), ascending
 * in commit order, below 2^53.
 */

import type { HybridTs } from '../../model/calls.ts'
import type { Column, Ids } from '../../model/columns.ts'
import type { FieldSchema } from '../../model/schema.ts'

/** SQL over the `rows` table: a boolean expression with `?` parameters. */
export interface SqlFilter {
  readonly sql: string
  readonly params: readonly (string | number | bigint | null)[]
}

export interface RowsToInsert {
  /** One for all rows, or one a row. */
  readonly partition: number | Int32Array
  readonly rowCount: number
  readonly pks: Ids
  /** Scalar fields other than the primary key (also `$meta`), checked and full length. */
  readonly scalars: readonly Column[]
  /** Vector columns; their Float32Array lies over a SharedArrayBuffer, so it is shared, not copied or detached. */
  readonly vectors: readonly Column[]
  readonly ts: HybridTs
}

export type Change =
  | { readonly kind: 'insert'; readonly rows: RowsToInsert }
  /** Deletes every row whose key is in `replaces`, then inserts, atomically. The new rows' keys may differ (autoID). */
  | { readonly kind: 'upsert'; readonly replaces: Ids; readonly rows: RowsToInsert }
  | { readonly kind: 'deletePks'; readonly pks: Ids; readonly partitions: readonly number[] | null }
  | { readonly kind: 'deleteWhere'; readonly where: SqlFilter; readonly partitions: readonly number[] | null }
  | { readonly kind: 'dropPartition'; readonly partition: number }
  /** Deletes the rows written up to a time; keeps an index on `ts` from then on. */
  | { readonly kind: 'expire'; readonly upTo: HybridTs }
  /** Gives `rows` a column; the rows that are there read its default. */
  | { readonly kind: 'addField'; readonly field: FieldSchema }
  /** Makes or drops SQLite's index on a column of `rows`. */
  | { readonly kind: 'scalarIndex'; readonly column: string; readonly wanted: boolean }

/** What a durable change did. Row ids of inserted rows are contiguous. */
export interface Applied {
  readonly firstRid: number
  readonly inserted: number
  readonly deletedRids: Float64Array
  /** After `expire`: when the oldest row that is left was written; null = none is left. */
  readonly oldestTs?: HybridTs | null
}

export interface RowQuery {
  readonly where: SqlFilter | null
  readonly partitions: readonly number[] | null
  readonly limit: number | null
  readonly offset: number
  /** Field ids to return, the primary key included if wanted. Rows come in ascending primary key order. */
  readonly fields: readonly FieldSchema[]
  /** The query fails (`parameterTooLarge`) when the values of its rows take more bytes; absent = no bound. */
  readonly bytesMax?: number
}

export interface RowStore extends AsyncDisposable {
  /** Live rows, kept current in memory. */
  readonly rowCount: number
  readonly lastRid: number
  /** Resolves after the fsync of the transaction that holds the change; concurrent changes share one transaction. */
  write(change: Change): Promise<Applied>
  count(where: SqlFilter | null, partitions: readonly number[] | null): Promise<number>
  query(query: RowQuery): Promise<{ readonly rowCount: number; readonly columns: readonly Column[] }>
  /** Row ids that pass, ascending, within (after, upTo]; stops at `limit` rows. Off the main thread. */
  matching(
    where: SqlFilter | null,
    partitions: readonly number[] | null,
    after: number,
    upTo: number,
    limit: number,
  ): Promise<Float64Array>
  /**
   * The given rows in the given order; a row that is gone has valid = 0 in `alive`. Point reads: on the calling
   * thread for few rows, in a reader thread for many (vectors count by their bytes).
   */
  fetch(
    rids: Float64Array,
    fields: readonly FieldSchema[],
  ): Promise<{ readonly alive: Uint8Array; readonly columns: readonly Column[] }>
  /** Live rows with rid in (after, upTo], ascending, at most `limit`: for building segments and loading the tail. */
  readVectors(
    vector: FieldSchema,
    scalars: readonly FieldSchema[],
    after: number,
    upTo: number,
    limit: number,
  ): Promise<{ readonly rids: Float64Array; readonly vectors: Float32Array; readonly scalars: readonly Column[] }>
  /** Row ids deleted so far within (after, upTo], ascending. */
  deadRids(after: number, upTo: number): Promise<Float64Array>
}

export interface StoreLayout {
  readonly fields: readonly FieldSchema[]
  /** The collection was there before: a missing file is damage, not a new store. Absent = false. */
  readonly mustExist?: boolean
}

/** Owns the writer and reader threads of all collections and the lock on the data directory is held elsewhere. */
export interface StorePool extends AsyncDisposable {
  /** Why the last write could not be stored or its thread ended, without paths; null when it succeeded. */
  readonly ailment: string | null
  /** Creates the file when absent; refuses a newer format; @throws StartError naming the file and the remedy. */
  open(directory: string, layout: StoreLayout): Promise<RowStore>
}
