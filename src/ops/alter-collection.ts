import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { collectionOf, DONE, object, post, requireFields, texts } from './rest/body.ts'
import { textProperties } from './rest/properties.ts'
import { alteration, alterationFields } from './wire/properties.ts'

export const alterCollection: Op<'AlterCollection'> = defineOp({
  rpc: 'AlterCollection',
  decode: (message, meta) => ({ ...inCollection(message, meta), ...alteration(message) }),
  toMessage: (request) => ({ ...naming(request), ...alterationFields(request) }),
  rest: [
    post('collections/alter_properties', async (input) => {
      requireFields(input.body, 'CollectionReqWithProperties', ['collectionName', 'properties'])
      const set = textProperties(object(input.body, 'properties'))
      await input.call('AlterCollection', { ...collectionOf(input), set, remove: [] })
      return DONE
    }),
    post('collections/drop_properties', async (input) => {
      requireFields(input.body, 'DropCollectionPropertiesReq', ['collectionName', 'propertyKeys'])
      const remove = texts(input.body, 'propertyKeys')
      await input.call('AlterCollection', { ...collectionOf(input), set: {}, remove })
      return DONE
    }),
  ],
})
