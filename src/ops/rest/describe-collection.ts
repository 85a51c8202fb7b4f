import { RedkiteError } from '../../errors/error.ts'
import type { CollectionInfo, InCollection, IndexInfo } from '../../model/calls.ts'
import type { FieldSchema } from '../../model/schema.ts'
import type { RestCaller } from '../op.ts'
import { toPairs } from '../wire/properties.ts'
import { defaultOut } from '../wire/schema-out.ts'

/** `collections/describe`: the collection, with its load state and indexes asked for by calls of their own. */
export async function describeCollectionBody(
  info: CollectionInfo,
  where: InCollection,
  call: RestCaller,
): Promise<Record<string, unknown>> {
  const { state } = await call('GetLoadState', { ...where, partitions: [] })
  const indexes = await indexesOf(where, call)
  return {
    collectionName: info.schema.name,
    collectionID: info.id,
    description: info.schema.description,
    autoId: info.schema.autoId,
    fields: info.schema.fields.filter((field) => !field.isDynamic).map(fieldBody),
    structFields: [],
    functions: [],
    aliases: info.aliases,
    indexes: indexes.map((index) => ({
      fieldName: index.field,
      indexName: index.name,
      metricType: index.params['metric_type'] ?? '',
    })),
    load: `LoadState${state}`,
    shardsNum: info.shards,
    partitionsNum: info.partitionCount,
    consistencyLevel: info.consistency,
    enableDynamicField: info.schema.enableDynamicField,
    properties: toPairs(info.properties),
  }
}

/** All indexes; none is an empty list here, where the RPC answers 700. */
export async function indexesOf(where: InCollection, call: RestCaller): Promise<readonly IndexInfo[]> {
  try {
    return (await call('DescribeIndex', { ...where, name: '', field: '' })).indexes
  } catch (error) {
    if (error instanceof RedkiteError && error.kind === 'indexNotFound') return []
    throw error
  }
}

function fieldBody(field: FieldSchema): Record<string, unknown> {
  return {
    name: field.name,
    id: field.id,
    type: field.type,
    primaryKey: field.isPrimary,
    partitionKey: field.isPartitionKey,
    clusteringKey: field.isClusteringKey,
    autoId: field.autoId,
    nullable: field.nullable,
    description: field.description,
    ...(Object.keys(field.typeParams).length > 0 ? { params: toPairs(field.typeParams) } : {}),
    ...(field.elementType === null ? {} : { elementType: field.elementType }),
    ...(field.defaultValue === null ? {} : { defaultValue: defaultBody(field, field.defaultValue) }),
  }
}

/** Go prints a protobuf oneof as its wrapper struct: `{"Data":{"LongData":5}}`. */
function defaultBody(field: FieldSchema, value: NonNullable<FieldSchema['defaultValue']>): unknown {
  const data = defaultOut(field, value)
  if (data.case === undefined) return null
  return { Data: { [`${data.case.charAt(0).toUpperCase()}${data.case.slice(1)}`]: data.value } }
}
