/** Collections and rows for the tests of the row store. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Column, type ColumnData, type Ids, slotCount, slotValue } from '../../model/columns.ts'
import type { FieldTypeName } from '../../model/fields/table.ts'
import { dynamicField, type FieldSchema } from '../../model/schema.ts'
import { silentLog } from '../../observe/log.ts'
import { createMetrics } from '../../observe/metrics.ts'
import type { RowStore, RowsToInsert, StorePool } from './contract.ts'
import { createStorePool, type StorePoolOptions } from './pool.ts'

export function field(id: number, name: string, type: FieldTypeName, more: Partial<FieldSchema> = {}): FieldSchema {
  return { ...dynamicField(id), name, type, description: '', isDynamic: false, ...more }
}

export const DIM = 4
export const idField = field(100, 'id', 'Int64', { isPrimary: true })
export const vecField = field(101, 'vec', 'FloatVector', { dim: DIM, nullable: true })
export const labelField = field(102, 'label', 'Int64')
export const sampleFields: readonly FieldSchema[] = [idField, vecField, labelField, dynamicField(103)]

export function column(name: string, data: ColumnData, valid: Uint8Array | null = null): Column {
  return { field: name, data, valid, dynamic: name === '$meta' }
}

export function longs(values: readonly (number | bigint)[]): Ids & { kind: 'long' } {
  return { kind: 'long', values: BigInt64Array.from(values, BigInt) }
}

export function vectors(rows: readonly (readonly number[])[], dim = DIM): ColumnData {
  const values = new Float32Array(new SharedArrayBuffer(rows.length * dim * 4))
  rows.forEach((row, i) => {
    values.set(row, i * dim)
  })
  return { kind: 'floatVector', dim, values }
}

/** Rows with the given keys; label and every value of the vector are `value(key)`. */
export function sampleRows(
  keys: readonly number[],
  value: (key: number) => number = (key) => key,
  partition = 1,
): RowsToInsert {
  return {
    partition,
    rowCount: keys.length,
    pks: longs(keys),
    scalars: [
      column('label', longs(keys.map(value))),
      column('$meta', { kind: 'json', values: keys.map((key) => `{"key":${key}}`) }),
    ],
    vectors: [column('vec', vectors(keys.map((key) => Array(DIM).fill(value(key)))))],
    ts: 1n,
  }
}

/** `count` keys from `from`. */
export function range(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + i)
}

export function plain(column: Column | undefined): unknown[] {
  if (!column) throw new Error('no such column')
  return Array.from({ length: slotCount(column.data) }, (_, row) => {
    const value = slotValue(column, row)
    return value instanceof Float32Array ? [...value] : value
  })
}

/** Live keys in ascending order with their labels. */
export async function labels(store: RowStore): Promise<Map<bigint, bigint>> {
  const fields = [idField, labelField]
  const { columns } = await store.query({ where: null, partitions: null, limit: null, offset: 0, fields })
  const [keys, values] = columns.map((c) => (c.data.kind === 'long' ? [...c.data.values] : []))
  return new Map(keys?.map((key, i) => [key, values?.[i] ?? -1n]))
}

export interface TemporaryDirectory extends Disposable {
  readonly path: string
}
export function temporaryDirectory(): TemporaryDirectory {
  const path = mkdtempSync(join(tmpdir(), 'redkite-store-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

export function openPool(more: Partial<StorePoolOptions> = {}): StorePool {
  return createStorePool({ writerThreads: 1, readerThreads: 1, log: silentLog, metrics: createMetrics(), ...more })
}
