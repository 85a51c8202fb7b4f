import { fault } from '../errors/error.ts'
import { dbOf, defineOp } from './define-op.ts'
import type { Op } from './op.ts'
import { collectionOf, post } from './rest/body.ts'
import { describeCollectionBody } from './rest/describe-collection.ts'
import { consistencyNumber } from './wire/consistency.ts'
import { toPairs } from './wire/properties.ts'
import { schemaOut } from './wire/schema-out.ts'
import { physicalMs } from './wire/time.ts'

/** By name, or by id where the name is empty. Its code 100 is how the SDKs ask whether a collection exists. */
export const describeCollection: Op<'DescribeCollection'> = defineOp({
  rpc: 'DescribeCollection',
  decode: (message, meta) => {
    const { collectionName: collection, collectionID: collectionId } = message
    if (collection === '' && collectionId === 0n) {
      throw fault('invalidParameter', 'collection name should not be empty')
    }
    return { db: dbOf(message.dbName, meta), collection, collectionId }
  },
  encode: (info) => {
    const channels = Array.from({ length: info.shards }, (_, shard) => `by-dev-rootcoord-dml_${shard}`)
    return {
      schema: schemaOut(info.schema, info.db),
      collectionID: info.id,
      collectionName: info.schema.name,
      virtualChannelNames: channels.map((name, shard) => `${name}_${info.id}v${shard}`),
      physicalChannelNames: channels,
      createdTimestamp: info.createdAt,
      createdUtcTimestamp: physicalMs(info.createdAt),
      updateTimestamp: info.updatedAt,
      updateTimestampStr: String(info.updatedAt),
      shardsNum: info.shards,
      aliases: [...info.aliases],
      consistencyLevel: consistencyNumber(info.consistency),
      properties: toPairs(info.properties),
      dbName: info.db,
      dbId: info.dbId,
      numPartitions: BigInt(info.partitionCount),
    }
  },
  rest: [
    post('collections/describe', async (input) => {
      const where = collectionOf(input)
      const info = await input.call('DescribeCollection', { ...where, collectionId: 0n })
      return { data: await describeCollectionBody(info, where, input.call), extra: { message: '' } }
    }),
  ],
})
