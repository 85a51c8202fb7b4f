import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { post } from './rest/body.ts'
import { createFromBody } from './rest/create-collection.ts'
import { consistencyNumber, consistencyOf } from './wire/consistency.ts'
import { toPairs, toProperties } from './wire/properties.ts'
import { schemaFromBytes } from './wire/schema-in.ts'
import { schemaBytes } from './wire/schema-out.ts'

const SHARDS_DEFAULT = 1

export const createCollection: Op<'CreateCollection'> = defineOp({
  rpc: 'CreateCollection',
  decode: (message, meta) => ({
    ...inCollection(message, meta),
    schema: schemaFromBytes(message.schema),
    shards: message.shardsNum || SHARDS_DEFAULT,
    consistency: consistencyOf(message.consistencyLevel),
    properties: toProperties(message.properties),
    partitionCount: Number(message.numPartitions),
  }),
  toMessage: (request) => ({
    ...naming(request),
    schema: schemaBytes(request.schema),
    shardsNum: request.shards,
    consistencyLevel: consistencyNumber(request.consistency),
    properties: toPairs(request.properties),
    numPartitions: BigInt(request.partitionCount),
  }),
  rest: [post('collections/create', createFromBody)],
})
