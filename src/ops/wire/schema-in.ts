import { fault, faultText } from '../../errors/error.ts'
import {
  CollectionSchemaSchema,
  FieldSchemaSchema,
  type ValueField,
  type CollectionSchema as WireCollection,
  type FieldSchema as WireField,
} from '../../gen/schema_pb.js'
import { type FieldTypeName, fieldTypeByNumber } from '../../model/fields/table.ts'
import type { CollectionSchema, DefaultValue, FieldSchema } from '../../model/schema.ts'
import { decodeMessage } from '../wire.ts'
import { toProperties } from './properties.ts'

const DATA_TYPE_STRING = 20

/**
 * The schema inside CreateCollection (a serialized `schema.CollectionSchema`), translated but not yet checked.
 * @throws RedkiteError `unimplemented` for functions and struct arrays, `invalidParameter` for unknown types.
 */
export function schemaFromBytes(bytes: Uint8Array): CollectionSchema {
  return schemaIn(decodeMessage(CollectionSchemaSchema, bytes, 'invalidParameter'))
}

/** The same of a decoded schema, as DescribeCollection answers it. */
export function schemaIn(message: WireCollection): CollectionSchema {
  refuseUnserved(message)
  const fields = message.fields.map(fieldIn)
  return {
    name: message.name,
    description: message.description,
    autoId: message.autoID || fields.some((field) => field.isPrimary && field.autoId),
    enableDynamicField: message.enableDynamicField,
    fields: fields.map((field) => (field.isPrimary && message.autoID ? { ...field, autoId: true } : field)),
  }
}

function refuseUnserved(message: WireCollection): void {
  const [fn] = message.functions
  if (fn) throw fault('unimplemented', `function ${fn.name} of collection ${message.name}`)
  const [struct] = message.structArrayFields
  if (struct) throw fault('unimplemented', `struct array field ${struct.name} of collection ${message.name}`)
}

/** The field inside AddCollectionField (a serialized `schema.FieldSchema`), not yet checked. */
export function fieldFromBytes(bytes: Uint8Array): FieldSchema {
  return fieldIn(decodeMessage(FieldSchemaSchema, bytes, 'invalidParameter'))
}

function fieldIn(field: WireField): FieldSchema {
  const typeParams = toProperties(field.typeParams)
  return {
    id: Number(field.fieldID),
    name: field.name,
    description: field.description,
    type: typeIn(field.dataType, field.name),
    isPrimary: field.isPrimaryKey,
    autoId: field.autoID,
    isPartitionKey: field.isPartitionKey,
    isClusteringKey: field.isClusteringKey,
    isDynamic: field.isDynamic,
    nullable: field.nullable,
    defaultValue: defaultIn(field.defaultValue, field.name),
    ...sizesOf(typeParams, field.name),
    elementType: field.elementType === 0 ? null : typeIn(field.elementType, field.name),
    typeParams,
  }
}

function typeIn(number: number, field: string): FieldTypeName {
  if (number === DATA_TYPE_STRING) {
    throw fault('invalidParameter', 'string data type not supported yet, please use VarChar type instead')
  }
  const type = fieldTypeByNumber(number)
  if (type === null) throw faultText('invalidParameter', `data type ${number} of field ${field} is not supported`)
  return type
}

/**
 * The numbers among a field's type params; absent ones are 0.
 * @throws RedkiteError `invalidParameter` for a value that is no whole number.
 */
export function sizesOf(
  typeParams: Readonly<Record<string, string>>,
  field: string,
): Pick<FieldSchema, 'dim' | 'maxLength' | 'maxCapacity'> {
  const read = (key: string): number => {
    const text = typeParams[key]
    if (text === undefined) return 0
    if (!/^-?\d{1,15}$/.test(text)) {
      throw fault('invalidParameter', `the value for ${key} of field ${field} must be an integer, got ${text}`)
    }
    return Number(text)
  }
  return { dim: read('dim'), maxLength: read('max_length'), maxCapacity: read('max_capacity') }
}

function defaultIn(value: ValueField | undefined, field: string): DefaultValue | null {
  if (!value || value.data.case === undefined) return null
  if (value.data.case === 'bytesData') throw fault('unimplemented', `default value of type bytes (field ${field})`)
  return value.data.value
}
