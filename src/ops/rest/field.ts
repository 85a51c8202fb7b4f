import { fault } from '../../errors/error.ts'
import { type FieldTypeName, fieldTypes } from '../../model/fields/table.ts'
import type { DefaultValue, FieldSchema } from '../../model/schema.ts'
import { sizesOf } from '../wire/schema-in.ts'
import { flag, object, requireFields, text, wrongType } from './body.ts'
import { textProperties } from './properties.ts'

/** A field with nothing but a name and a type. */
export function bareField(name: string, type: FieldTypeName): FieldSchema {
  return {
    id: 0,
    name,
    description: '',
    type,
    isPrimary: false,
    autoId: false,
    isPartitionKey: false,
    isClusteringKey: false,
    isDynamic: false,
    nullable: false,
    defaultValue: null,
    dim: 0,
    maxLength: 0,
    maxCapacity: 0,
    elementType: null,
    typeParams: {},
  }
}

/**
 * One entry of REST's `schema.fields`.
 * @throws RedkiteError `restMissingParameters`, or `invalidParameter` for an unknown type (names are case sensitive).
 */
export function fieldFromJson(field: Readonly<Record<string, unknown>>): FieldSchema {
  requireFields(field, 'FieldSchema', ['fieldName', 'dataType'])
  const name = text(field, 'fieldName')
  const typeParams = textProperties(object(field, 'elementTypeParams'))
  const element = text(field, 'elementDataType')
  return {
    ...bareField(name, typeByName(text(field, 'dataType'))),
    description: text(field, 'description'),
    isPrimary: flag(field, 'isPrimary', false),
    autoId: flag(field, 'autoID', flag(field, 'autoId', false)),
    isPartitionKey: flag(field, 'isPartitionKey', false),
    isClusteringKey: flag(field, 'isClusteringKey', false),
    nullable: flag(field, 'nullable', false),
    defaultValue: defaultOf(field['defaultValue']),
    ...sizesOf(typeParams, name),
    elementType: element === '' ? null : typeByName(element),
    typeParams,
  }
}

function typeByName(name: string): FieldTypeName {
  if (!Object.hasOwn(fieldTypes, name)) {
    throw fault('invalidParameter', `data type ${name} is invalid(case sensitive)`)
  }
  return name as FieldTypeName
}

function defaultOf(value: unknown): DefaultValue | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string') return value
  if (typeof value === 'bigint') return value
  throw wrongType('defaultValue', 'a boolean, number or string', value)
}
