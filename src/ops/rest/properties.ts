import type { Properties } from '../../model/schema.ts'
import { textOf } from '../wire/properties.ts'

/** JSON values of a body's `properties` or `params` as Milvus' string map. */
export function textProperties(values: Readonly<Record<string, unknown>>): Properties {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, textOf(value ?? '')]))
}
