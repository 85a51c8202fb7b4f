import { defineOp } from './define-op.ts'
import type { Op } from './op.ts'
import { DONE, object, post, requireFields, text } from './rest/body.ts'
import { textProperties } from './rest/properties.ts'
import { toPairs, toProperties } from './wire/properties.ts'

export const createDatabase: Op<'CreateDatabase'> = defineOp({
  rpc: 'CreateDatabase',
  decode: ({ dbName, properties }) => ({ db: dbName, properties: toProperties(properties) }),
  toMessage: ({ db, properties }) => ({ dbName: db, properties: toPairs(properties) }),
  rest: [
    post('databases/create', async ({ body, call }) => {
      requireFields(body, 'DatabaseReqWithProperties', ['dbName'])
      const properties = textProperties(object(body, 'properties'))
      await call('CreateDatabase', { db: text(body, 'dbName'), properties })
      return DONE
    }),
  ],
})
