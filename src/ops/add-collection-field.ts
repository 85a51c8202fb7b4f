import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op } from './op.ts'
import { collectionOf, DONE, object, post, requireFields } from './rest/body.ts'
import { fieldFromJson } from './rest/field.ts'
import { fieldFromBytes } from './wire/schema-in.ts'
import { fieldBytes } from './wire/schema-out.ts'

export const addCollectionField: Op<'AddCollectionField'> = defineOp({
  rpc: 'AddCollectionField',
  decode: (message, meta) => ({ ...inCollection(message, meta), field: fieldFromBytes(message.schema) }),
  toMessage: (request) => ({ ...naming(request), schema: fieldBytes(request.field) }),
  rest: [
    post('collections/fields/add', async (input) => {
      requireFields(input.body, 'CollectionFieldReqWithSchema', ['collectionName', 'schema'])
      const field = fieldFromJson(object(input.body, 'schema'))
      await input.call('AddCollectionField', { ...collectionOf(input), field })
      return DONE
    }),
  ],
})
