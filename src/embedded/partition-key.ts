import type { CollectionEntry } from '../catalog/entries.ts'
import { fault } from '../errors/error.ts'
import type { Column } from '../model/columns.ts'
import { type CollectionSchema, DEFAULT_PARTITION, type FieldSchema } from '../model/schema.ts'

/** Milvus' `rootCoord.defaultPartitionNum` of a collection with a partition key. */
const PARTITIONS_DEFAULT = 16

export function partitionKeyOf(schema: CollectionSchema): FieldSchema | null {
  return schema.fields.find((field) => field.isPartitionKey) ?? null
}

/** Names of a new collection's partitions. @throws RedkiteError `invalidParameter` with Milvus' texts */
export function firstPartitions(schema: CollectionSchema, asked: number, max: number): readonly string[] {
  if (partitionKeyOf(schema) === null) {
    if (asked > 1) {
      throw fault('invalidParameter', 'num_partitions should only be specified with partition key field enabled')
    }
    return [DEFAULT_PARTITION]
  }
  if (!Number.isInteger(asked) || asked < 0 || asked > max) {
    throw fault('invalidParameter', `partition number (${asked}) exceeds max configuration (${max})`)
  }
  return Array.from({ length: asked || PARTITIONS_DEFAULT }, (_, i) => `${DEFAULT_PARTITION}_${i}`)
}

/** @throws RedkiteError `invalidParameter` where partitions are named although rows are spread by their key */
export function refuseNamedPartitions(entry: CollectionEntry, names: readonly string[]): void {
  if (names.every((name) => name === '') || partitionKeyOf(entry.schema) === null) return
  throw fault('invalidParameter', 'not support manually specifying the partition names if partition key mode is used')
}

/** @throws RedkiteError `invalidParameter`: such a collection's partitions are the server's own */
export function refusePartitionCall(entry: CollectionEntry, what: string): void {
  if (partitionKeyOf(entry.schema) === null) return
  throw fault('invalidParameter', `disable ${what} if partition key mode is used`)
}

/** The partition of each row by the hash of its key: equal keys lie together. */
export function partitionsByKey(entry: CollectionEntry, key: Column): Int32Array {
  const numbers = entry.partitions.map(({ number }) => number)
  const { data } = key
  if (data.kind !== 'long' && data.kind !== 'string') throw new Error(`partition key of kind ${data.kind}`)
  return Int32Array.from(data.values as ArrayLike<bigint | string>, (value) => {
    return numbers[hashOf(value) % numbers.length] ?? 0
  })
}

/** FNV-1a over the UTF-16 units of a string, or the digits of an integer. Stored rows depend on it: never change it. */
function hashOf(value: bigint | string): number {
  const text = String(value)
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
