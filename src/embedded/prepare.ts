import type { HybridClock } from '../catalog/clock.ts'
import type { CollectionEntry } from '../catalog/entries.ts'
import { fault } from '../errors/error.ts'
import type { WriteRequest } from '../model/calls.ts'
import { type Column, type ColumnBatch, type ColumnData, type Ids, slotCount } from '../model/columns.ts'
import type { ValueLimits } from '../model/fields/field-type.ts'
import { fieldTypeOf } from '../model/fields/registry.ts'
import { fieldTypes, isVectorType } from '../model/fields/table.ts'
import { DYNAMIC_FIELD, dynamicField, type FieldSchema, primaryField } from '../model/schema.ts'
import { isVectorData, sharedVectors } from '../model/vectors.ts'
import { partitionKeyOf, partitionsByKey } from './partition-key.ts'
import type { RowsToInsert } from './store/contract.ts'

export interface Prepared {
  readonly rows: RowsToInsert
  /** The keys as the client gave them (upsert: what is replaced); null when they are made here. */
  readonly givenKeys: Ids | null
}

/**
 * Turns what a client sent into checked, full-length columns in schema order; fills defaults and automatic keys.
 * Vectors end in shared memory, so that the writer thread and the search threads read them without a copy.
 * @throws RedkiteError with Milvus' text on the first row or field that does not fit
 */
export function prepareRows(
  entry: CollectionEntry,
  partition: number,
  write: WriteRequest,
  mode: 'insert' | 'upsert',
  clock: HybridClock,
  limits: ValueLimits,
): Prepared {
  const source = columnsOf(write.rows)
  const rowCount = source.rowCount
  if (rowCount === 0) throw fault('invalidParameter', 'num_rows should be greater than 0', { num_rows: 0 })
  const pk = primaryField(entry.schema)
  const taken = new Set<string>()
  const scalars: Column[] = []
  const vectors: Column[] = []
  let givenKeys: Ids | null = null
  for (const field of entry.schema.fields) {
    const given = source.columns.get(field.name)
    if (given) taken.add(field.name)
    if (field.isPrimary) {
      givenKeys = keysOf(field, given, rowCount, mode, limits)
      continue
    }
    const column = admitColumn(field, given, rowCount, limits)
    if (isVectorType(field.type)) vectors.push(shared(column))
    else scalars.push(column)
  }
  for (const name of source.columns.keys()) {
    if (!taken.has(name))
      throw fault('invalidParameter', `more fieldData has pass in, field ${name} is not in the schema`)
  }
  if (entry.dynamicFieldId > 0) scalars.push(dynamicColumn(entry, source.dynamic, rowCount, limits))
  else if (source.dynamic) {
    throw fault('invalidParameter', 'has pass more field without dynamic schema, please check it')
  }
  const ts = clock.next()
  const pks = pk.autoId || givenKeys === null ? automaticKeys(pk, rowCount, clock) : givenKeys
  if (mode === 'upsert' && givenKeys) refuseDuplicates(givenKeys)
  const key = scalars.find((column) => column.field === partitionKeyOf(entry.schema)?.name)
  const where = key ? partitionsByKey(entry, key) : partition
  return { rows: { partition: where, rowCount, pks, scalars, vectors, ts }, givenKeys }
}

interface Source {
  readonly rowCount: number
  readonly columns: ReadonlyMap<string, Column>
  readonly dynamic: Column | null
}

function columnsOf(batch: ColumnBatch): Source {
  const columns = new Map<string, Column>()
  let dynamic: Column | null = null
  for (const column of batch.columns) {
    if (column.dynamic) dynamic = { ...column, field: DYNAMIC_FIELD }
    else if (columns.has(column.field)) throw fault('invalidParameter', `duplicated field data of ${column.field}`)
    else columns.set(column.field, column)
  }
  return { rowCount: batch.rowCount, columns, dynamic }
}

function admitColumn(field: FieldSchema, given: Column | undefined, rowCount: number, limits: ValueLimits): Column {
  const type = fieldTypeOf(field)
  if (!given) {
    if (!field.nullable && field.defaultValue === null) {
      throw fault('invalidParameter', `fieldSchema(${field.name}) has no corresponding fieldData pass in`)
    }
    const valid = field.defaultValue === null ? new Uint8Array(rowCount) : null
    return { field: field.name, data: type.fill(field, rowCount), valid, dynamic: false }
  }
  checkShape(field, given, rowCount)
  const column = withDefaults(field, given, rowCount)
  if (column.valid !== null && !field.nullable) {
    const row = column.valid.indexOf(0)
    if (row >= 0) throw fault('invalidParameter', `field ${field.name} is not nullable, but row ${row} has no value`)
  }
  type.check(field, column, limits)
  return column
}

function checkShape(field: FieldSchema, column: Column, rowCount: number): void {
  const expected = fieldTypes[field.type].kind
  const isAlike = column.type === undefined || (column.type === 'Array') === (field.type === 'Array')
  if (column.data.kind !== expected || !isAlike) {
    throw fault(
      'invalidParameter',
      `the data type of field ${field.name} does not match: the schema says ${field.type}, the data is ${column.type ?? column.data.kind}`,
    )
  }
  if (isVectorData(column.data) && 'dim' in column.data && column.data.dim !== field.dim) {
    throw fault(
      'invalidParameter',
      `the dim (${column.data.dim}) of field data(${field.name}) is not equal to schema dim (${field.dim})`,
    )
  }
  const slots = slotCount(column.data)
  if (slots !== rowCount) {
    throw fault(
      'invalidParameter',
      `the num_rows (${slots}) of field (${field.name}) is not equal to passed num_rows (${rowCount})`,
    )
  }
}

/** A false bit takes the field's default where it has one. */
function withDefaults(field: FieldSchema, column: Column, rowCount: number): Column {
  const { valid } = column
  if (valid === null || field.defaultValue === null || !valid.includes(0)) return column
  const filled = fieldTypeOf(field).fill(field, rowCount)
  return { ...column, data: overlay(filled, column.data, valid), valid: null }
}

function overlay(base: ColumnData, over: ColumnData, valid: Uint8Array): ColumnData {
  if (base.kind !== over.kind) return over
  const target = base.values as { [row: number]: unknown }
  for (let row = 0; row < valid.length; row++) if (valid[row] === 1) target[row] = over.values[row]
  return base
}

function dynamicColumn(entry: CollectionEntry, given: Column | null, rowCount: number, limits: ValueLimits): Column {
  const field = dynamicField(entry.dynamicFieldId)
  const type = fieldTypeOf(field)
  if (!given) return { field: field.name, data: type.fill(field, rowCount), valid: null, dynamic: true }
  checkShape(field, given, rowCount)
  type.check(field, given, limits)
  return given
}

function keysOf(
  field: FieldSchema,
  given: Column | undefined,
  rowCount: number,
  mode: 'insert' | 'upsert',
  limits: ValueLimits,
): Ids | null {
  if (!given) {
    if (mode === 'upsert') throw fault('invalidParameter', `must assign pk when upsert, primary field: ${field.name}`)
    if (!field.autoId) {
      throw fault('invalidParameter', `fieldSchema(${field.name}) has no corresponding fieldData pass in`)
    }
    return null
  }
  if (field.autoId && mode === 'insert') {
    throw fault(
      'invalidParameter',
      'can not assign primary field data when auto id enabled and allow_insert_auto_id is false',
    )
  }
  checkShape(field, given, rowCount)
  fieldTypeOf(field).check(field, given, limits)
  if (given.valid?.includes(0)) throw fault('invalidParameter', `primary field not support null: ${field.name}`)
  if (given.data.kind === 'long') return { kind: 'long', values: given.data.values }
  if (given.data.kind === 'string') return { kind: 'string', values: given.data.values }
  throw new Error(`primary key of kind ${given.data.kind}`)
}

function automaticKeys(field: FieldSchema, count: number, clock: HybridClock): Ids {
  const first = clock.take(count)
  const values = BigInt64Array.from({ length: count }, (_, i) => first + BigInt(i))
  return field.type === 'VarChar' ? { kind: 'string', values: Array.from(values, String) } : { kind: 'long', values }
}

function refuseDuplicates(ids: Ids): void {
  if (new Set<string | bigint>(ids.values).size < ids.values.length) {
    throw fault('invalidParameter', 'duplicate primary keys are not allowed in the same batch')
  }
}

function shared(column: Column): Column {
  return isVectorData(column.data) ? { ...column, data: sharedVectors(column.data) } : column
}
