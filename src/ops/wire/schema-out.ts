import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { CollectionSchemaSchema, FieldSchemaSchema, type ValueFieldSchema } from '../../gen/schema_pb.js'
import { fieldTypes } from '../../model/fields/table.ts'
import type { CollectionSchema, DefaultValue, FieldSchema } from '../../model/schema.ts'
import { toPairs } from './properties.ts'

/** The schema as CreateCollection carries it: serialized, the database named by the request alone. */
export function schemaBytes(schema: CollectionSchema): Uint8Array {
  return toBinary(CollectionSchemaSchema, create(CollectionSchemaSchema, schemaOut(schema, '')))
}

/** The field as AddCollectionField carries it. */
export function fieldBytes(field: FieldSchema): Uint8Array {
  return toBinary(FieldSchemaSchema, create(FieldSchemaSchema, fieldOut(field)))
}

/** The schema as DescribeCollection returns it: without RowID, Timestamp and `$meta`. */
export function schemaOut(schema: CollectionSchema, dbName: string): MessageInitShape<typeof CollectionSchemaSchema> {
  return {
    name: schema.name,
    description: schema.description,
    autoID: schema.autoId,
    enableDynamicField: schema.enableDynamicField,
    dbName,
    fields: schema.fields.filter((field) => !field.isDynamic).map(fieldOut),
  }
}

function fieldOut(field: FieldSchema): MessageInitShape<typeof FieldSchemaSchema> {
  return {
    fieldID: BigInt(field.id),
    name: field.name,
    description: field.description,
    dataType: fieldTypes[field.type].number,
    elementType: field.elementType === null ? 0 : fieldTypes[field.elementType].number,
    isPrimaryKey: field.isPrimary,
    autoID: field.autoId,
    isPartitionKey: field.isPartitionKey,
    isClusteringKey: field.isClusteringKey,
    nullable: field.nullable,
    typeParams: toPairs(field.typeParams),
    ...(field.defaultValue === null ? {} : { defaultValue: { data: defaultOut(field, field.defaultValue) } }),
  }
}

/** A default under the member that its field's type uses on the wire. */
export function defaultOut(
  field: FieldSchema,
  value: DefaultValue,
): NonNullable<MessageInitShape<typeof ValueFieldSchema>['data']> {
  switch (field.type) {
    case 'Bool':
      return { case: 'boolData', value: value === true || value === 1 }
    case 'Int8':
    case 'Int16':
    case 'Int32':
      return { case: 'intData', value: Number(value) }
    case 'Int64':
      return { case: 'longData', value: BigInt(value) }
    case 'Float':
      return { case: 'floatData', value: Number(value) }
    case 'Double':
      return { case: 'doubleData', value: Number(value) }
    case 'Timestamptz':
      return { case: 'timestamptzData', value: BigInt(value) }
    default:
      return { case: 'stringData', value: String(value) }
  }
}
