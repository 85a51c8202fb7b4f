import { dbOf, defineOp } from './define-op.ts'
import type { Op, RestInput, RestOutput } from './op.ts'
import { DONE, object, post, requireFields, text, texts } from './rest/body.ts'
import { textProperties } from './rest/properties.ts'
import { alteration, alterationFields } from './wire/properties.ts'

export const alterDatabase: Op<'AlterDatabase'> = defineOp({
  rpc: 'AlterDatabase',
  decode: (message, meta) => ({ db: dbOf(message.dbName, meta), ...alteration(message) }),
  toMessage: (request) => ({ dbName: request.db, ...alterationFields(request) }),
  rest: [
    post('databases/alter', set),
    post('databases/alter_properties', set),
    post('databases/drop_properties', async ({ body, call }) => {
      requireFields(body, 'DropDatabasePropertiesReq', ['dbName', 'propertyKeys'])
      await call('AlterDatabase', { db: text(body, 'dbName'), set: {}, remove: texts(body, 'propertyKeys') })
      return DONE
    }),
  ],
})

async function set({ body, call }: RestInput): Promise<RestOutput> {
  requireFields(body, 'DatabaseReqWithProperties', ['dbName'])
  const properties = textProperties(object(body, 'properties'))
  await call('AlterDatabase', { db: text(body, 'dbName'), set: properties, remove: [] })
  return DONE
}
