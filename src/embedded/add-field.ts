import { admitAddedField } from '../catalog/schema-check.ts'
import { collectionOf, type Handler } from './world.ts'

/** The rows that are there read null or the default; the column is durable before the catalog names it. */
export const addCollectionField: Handler<'AddCollectionField'> = async (world, request) => {
  const before = collectionOf(world, request)
  const ids = [before.dynamicFieldId, ...before.schema.fields.map(({ id }) => id)]
  const field = { ...admitAddedField(before.schema, request.field, world.limits), id: Math.max(...ids) + 1 }
  const live = world.live(before)
  await live.addField(field, () => {
    const entry = collectionOf(world, request)
    // again: another call may have added one in the meantime
    admitAddedField(entry.schema, field, world.limits)
    const schema = { ...entry.schema, fields: [...entry.schema.fields, field] }
    const addedFields = [...(entry.addedFields ?? []), field.id]
    world.catalog.putCollection({ ...entry, schema, addedFields, updatedAt: world.catalog.clock.next() })
  })
  return null
}
