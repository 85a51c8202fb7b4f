import { fault } from '../errors/error.ts'
import type { DescribeCollectionResponse } from '../gen/milvus_pb.js'
import type { CollectionInfo } from '../model/calls.ts'
import { DEFAULT_DATABASE } from '../model/schema.ts'
import { dbOf, defineOp, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { collectionOf, post } from './rest/body.ts'
import { describeCollectionBody } from './rest/describe-collection.ts'
import { consistencyNumber, consistencyOf } from './wire/consistency.ts'
import { toPairs, toProperties } from './wire/properties.ts'
import { schemaIn } from './wire/schema-in.ts'
import { schemaOut } from './wire/schema-out.ts'
import { badReply, readReply } from './wire/status.ts'
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
  toMessage: ({ db, collection, collectionId }) => ({
    ...naming({ db, collection }),
    collectionID: collectionId,
  }),
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
  fromReply: (message) => readReply(() => collectionInfo(message)),
  rest: [
    post('collections/describe', async (input) => {
      const where = collectionOf(input)
      const info = await input.call('DescribeCollection', { ...where, collectionId: 0n })
      return { data: await describeCollectionBody(info, where, input.call), extra: { message: '' } }
    }),
  ],
})

/** What older servers leave out (database and its id, time of the last change) is empty. */
function collectionInfo(message: DescribeCollectionResponse): CollectionInfo {
  const { schema } = message
  if (!schema) throw badReply('DescribeCollection holds no schema')
  return {
    db: message.dbName || schema.dbName || DEFAULT_DATABASE,
    dbId: message.dbId,
    id: message.collectionID,
    // `$meta` is not the user's; a server may show it all the same
    schema: schemaIn({ ...schema, fields: schema.fields.filter((field) => !field.isDynamic) }),
    aliases: message.aliases,
    consistency: consistencyOf(message.consistencyLevel),
    shards: message.shardsNum,
    partitionCount: Number(message.numPartitions),
    properties: toProperties(message.properties),
    createdAt: message.createdTimestamp,
    updatedAt: message.updateTimestamp,
  }
}
