import type { FieldTypeName } from './fields/table.ts'

/** Key-value pairs as Milvus carries them: all values are strings. */
export type Properties = Readonly<Record<string, string>>

/** A scalar default (`schema.ValueField`). JSON and Array have none. */
export type DefaultValue = boolean | number | bigint | string

export interface FieldSchema {
  /** From 100 in schema order; 0 and 1 are Milvus' RowID and Timestamp; assigned by the catalog. */
  readonly id: number
  readonly name: string
  readonly description: string
  readonly type: FieldTypeName
  readonly isPrimary: boolean
  readonly autoId: boolean
  readonly isPartitionKey: boolean
  readonly isClusteringKey: boolean
  /** Only the hidden `$meta` JSON column. */
  readonly isDynamic: boolean
  readonly nullable: boolean
  readonly defaultValue: DefaultValue | null
  /** Vectors: values a row. 0 elsewhere. */
  readonly dim: number
  /** VarChar: bytes of UTF-8 a value. 0 elsewhere. */
  readonly maxLength: number
  /** Array: elements a row, and their type. */
  readonly maxCapacity: number
  readonly elementType: FieldTypeName | null
  /** As the user gave them (`dim`, `max_length`, `mmap.enabled` …), returned by DescribeCollection. */
  readonly typeParams: Properties
}

export const DYNAMIC_FIELD = '$meta'
export const DEFAULT_DATABASE = 'default'
export const DEFAULT_PARTITION = '_default'

/** What CreateCollection carries and DescribeCollection returns. `fields` excludes `$meta`. */
export interface CollectionSchema {
  readonly name: string
  readonly description: string
  readonly autoId: boolean
  readonly enableDynamicField: boolean
  readonly fields: readonly FieldSchema[]
}

export const consistencyLevels = ['Strong', 'Session', 'Bounded', 'Eventually', 'Customized'] as const
export type ConsistencyLevel = (typeof consistencyLevels)[number]

/** Metrics of vectors of numbers. */
export const denseMetrics = ['L2', 'IP', 'COSINE'] as const
export const metricTypes = [...denseMetrics, 'HAMMING', 'JACCARD', 'SUBSTRUCTURE', 'SUPERSTRUCTURE'] as const
/**
 * Milvus' metric names. Scores: L2 squared, smaller is better; IP and COSINE larger is better. The others are distances
 * of binary vectors; SUBSTRUCTURE and SUPERSTRUCTURE find only rows that match, at distance 0.
 */
export type MetricType = (typeof metricTypes)[number]

export function primaryField(schema: CollectionSchema): FieldSchema {
  const field = schema.fields.find((f) => f.isPrimary)
  if (!field) throw new Error(`collection ${schema.name} has no primary field`)
  return field
}

/** A field's column in the collection's `rows` table; vectors have tables of their own (`vec_<id>`). */
export function sqlColumn(field: FieldSchema): string {
  if (field.isPrimary) return 'pk'
  return field.isDynamic ? 'meta' : `f${field.id}`
}

/** The hidden JSON column of a collection with a dynamic field. */
export function dynamicField(id: number): FieldSchema {
  return {
    id,
    name: DYNAMIC_FIELD,
    description: 'dynamic schema',
    type: 'JSON',
    isPrimary: false,
    autoId: false,
    isPartitionKey: false,
    isClusteringKey: false,
    isDynamic: true,
    nullable: false,
    defaultValue: null,
    dim: 0,
    maxLength: 0,
    maxCapacity: 0,
    elementType: null,
    typeParams: {},
  }
}
