import type { InCollection } from '../../model/calls.ts'
import type { RestInput } from '../op.ts'
import { requireFields, text, texts } from './body.ts'

/** Collection and partition that a body must name. */
export function partitionOf(input: RestInput): InCollection & { partition: string } {
  requireFields(input.body, 'PartitionReq', ['collectionName', 'partitionName'])
  return { db: input.db, collection: text(input.body, 'collectionName'), partition: text(input.body, 'partitionName') }
}

/** Collection and partitions that a body must name. */
export function partitionsOf(input: RestInput): InCollection & { partitions: readonly string[] } {
  requireFields(input.body, 'PartitionsReq', ['collectionName', 'partitionNames'])
  return {
    db: input.db,
    collection: text(input.body, 'collectionName'),
    partitions: texts(input.body, 'partitionNames'),
  }
}
