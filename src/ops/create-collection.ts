import { defineOp, inCollection } from './define-op.ts'
import type { Op } from './op.ts'
import { post } from './rest/body.ts'
import { createFromBody } from './rest/create-collection.ts'
import { consistencyOf } from './wire/consistency.ts'
import { toProperties } from './wire/properties.ts'
import { schemaFromBytes } from './wire/schema-in.ts'

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
  rest: [post('collections/create', createFromBody)],
})
