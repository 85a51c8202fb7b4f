import { fault } from '../errors/error.ts'
import { elementTypes } from '../model/fields/array.ts'
import { isServed } from '../model/fields/registry.ts'
import { fieldTypes, isVectorType } from '../model/fields/table.ts'
import type { CollectionSchema, FieldSchema } from '../model/schema.ts'
import { checkFieldName } from './names.ts'

/** Milvus' bounds on a schema (milvus.yaml `proxy.*`), from the configuration. */
export interface SchemaLimits {
  readonly fieldsMax: number
  readonly vectorFieldsMax: number
  readonly dimMax: number
  readonly nameBytesMax: number
  readonly varCharBytesMax: number
}

const FIRST_FIELD_ID = 100
const DIM_MIN = 2

/**
 * Checks a schema as Milvus does and gives the fields their ids (100, 101, … in schema order).
 * @throws RedkiteError `invalidParameter` with Milvus' text
 */
export function admitSchema(schema: CollectionSchema, limits: SchemaLimits): CollectionSchema {
  const { fields } = schema
  if (fields.length > limits.fieldsMax) {
    throw fault('invalidParameter', `maximum field's number should be limited to ${limits.fieldsMax}`)
  }
  const seen = new Set<string>()
  for (const field of fields) {
    checkFieldName(field.name, limits.nameBytesMax)
    if (seen.has(field.name)) throw fault('invalidParameter', `duplicated field name ${field.name} found`)
    seen.add(field.name)
    checkField(field, limits)
  }
  checkPrimary(schema)
  const vectors = fields.filter((f) => isVectorType(f.type))
  if (vectors.length === 0) throw fault('invalidParameter', 'schema does not contain vector field')
  if (vectors.length > limits.vectorFieldsMax) {
    throw fault('invalidParameter', `maximum vector field's number should be limited to ${limits.vectorFieldsMax}`)
  }
  checkPartitionKey(schema)
  return { ...schema, fields: fields.map((field, i) => ({ ...field, id: FIRST_FIELD_ID + i })) }
}

function checkPrimary(schema: CollectionSchema): void {
  const keys = schema.fields.filter((f) => f.isPrimary)
  const [key] = keys
  if (!key) throw fault('invalidParameter', 'primary key is not specified')
  if (keys.length > 1) throw fault('invalidParameter', 'there are more than one primary key, please check it')
  if (key.type !== 'Int64' && key.type !== 'VarChar') {
    throw fault('invalidParameter', 'the data type of primary key should be Int64 or VarChar')
  }
  if (key.nullable) throw fault('invalidParameter', `primary field not support null: ${key.name}`)
  if (key.defaultValue !== null) throw fault('invalidParameter', `primary field not support default_value: ${key.name}`)
  for (const field of schema.fields) {
    if (field.autoId && !field.isPrimary) {
      throw fault('invalidParameter', `only primary field can speficy AutoID with true, field name = ${field.name}`)
    }
  }
}

/**
 * Checks a field that a collection is to get later.
 * @throws RedkiteError `invalidParameter` with Milvus' text
 */
export function admitAddedField(schema: CollectionSchema, field: FieldSchema, limits: SchemaLimits): FieldSchema {
  const refuse = (text: string) => fault('invalidParameter', `${text}, field name = ${field.name}`)
  checkFieldName(field.name, limits.nameBytesMax)
  if (schema.fields.some((f) => f.name === field.name)) throw refuse('duplicated field name')
  if (schema.fields.length >= limits.fieldsMax) {
    throw fault('invalidParameter', `maximum field's number should be limited to ${limits.fieldsMax}`)
  }
  if (field.isPrimary) throw refuse('not support to add pk field')
  if (field.autoId) throw refuse('only primary field can speficy AutoID with true')
  if (isVectorType(field.type)) throw refuse('not support to add vector field')
  if (field.isPartitionKey) throw refuse('not support to add partition key field')
  if (field.isClusteringKey) throw refuse('not support to add clustering key field')
  if (!field.nullable && field.defaultValue === null) throw refuse('added field must be nullable, please check it')
  checkField(field, limits)
  return field
}

function checkPartitionKey({ fields }: CollectionSchema): void {
  const [key, other] = fields.filter((f) => f.isPartitionKey)
  if (!key) return
  if (other) {
    throw fault('invalidParameter', `there are more than one partition key, field name = ${key.name}, ${other.name}`)
  }
  if (key.isPrimary) {
    throw fault('invalidParameter', `the partition key field must not be primary field, field name = ${key.name}`)
  }
  if (key.type !== 'Int64' && key.type !== 'VarChar') {
    throw fault('invalidParameter', `the data type of partition key should be Int64 or VarChar, got ${key.type}`)
  }
  if (key.nullable) throw fault('invalidParameter', `partition key field not support nullable: ${key.name}`)
}

function checkField(field: FieldSchema, limits: SchemaLimits): void {
  if (!isServed(field.type)) {
    throw fault('invalidParameter', `data type ${field.type} of field ${field.name} is not served yet`)
  }
  if (isVectorType(field.type)) {
    if (field.nullable) throw fault('invalidParameter', `vector type not support null: ${field.name}`)
    if (field.defaultValue !== null)
      throw fault('invalidParameter', `vector type not support default_value: ${field.name}`)
    checkDim(field, limits)
  }
  if (field.type === 'VarChar') checkMaxLength(field, limits)
  if (field.type === 'Array') checkArray(field, limits)
  if (field.defaultValue !== null) checkDefault(field)
  if ((field.type === 'JSON' || field.type === 'Array') && field.defaultValue !== null) {
    throw fault('invalidParameter', `type not support default_value, type:${field.type}, name:${field.name}`)
  }
}

/** @throws RedkiteError `invalidParameter` where `max_length` is missing or out of range */
function checkMaxLength(field: FieldSchema, limits: SchemaLimits): void {
  if (field.typeParams['max_length'] === undefined) {
    throw fault('invalidParameter', `type param(max_length) should be specified for the field(${field.name})`)
  }
  if (!Number.isInteger(field.maxLength) || field.maxLength < 1 || field.maxLength > limits.varCharBytesMax) {
    throw fault(
      'invalidParameter',
      `the maximum length specified for the field(${field.name}) should be in (0, ${limits.varCharBytesMax}], but got ${field.typeParams['max_length']} instead`,
    )
  }
}

const ARRAY_CAPACITY_MAX = 4096

function checkArray(field: FieldSchema, limits: SchemaLimits): void {
  const { elementType, name } = field
  if (elementType === null || !elementTypes.has(elementType)) {
    throw fault('invalidParameter', `element type ${elementType ?? 'None'} is not supported, field: ${name}`)
  }
  if (field.typeParams['max_capacity'] === undefined) {
    throw fault('invalidParameter', `type param(max_capacity) should be specified for array field ${name}`)
  }
  const { maxCapacity } = field
  if (!Number.isInteger(maxCapacity) || maxCapacity < 1 || maxCapacity > ARRAY_CAPACITY_MAX) {
    throw fault(
      'invalidParameter',
      `the maximum capacity specified for a Array should be in (0, ${ARRAY_CAPACITY_MAX}], field ${name}`,
    )
  }
  if (elementType === 'VarChar') checkMaxLength(field, limits)
}

/** Bits of a BinaryVector may be eight times as many as values of the others. */
const BITS = 8

/** @throws RedkiteError `invalidParameter` where the dimension is missing or out of range; sparse vectors have none */
function checkDim(field: FieldSchema, { dimMax }: SchemaLimits): void {
  const { name, dim } = field
  const given = field.typeParams['dim']
  if (field.type === 'SparseFloatVector') {
    if (given === undefined) return
    throw fault('invalidParameter', `dim should not be specified for sparse vector field ${name}`)
  }
  if (given === undefined) {
    throw fault(
      'invalidParameter',
      `dimension is not defined in field type params of field ${name}, check type param \`dim\` for vector field`,
    )
  }
  const isBinary = field.type === 'BinaryVector'
  const most = isBinary ? dimMax * BITS : dimMax
  if (!Number.isInteger(dim) || dim < DIM_MIN || dim > most) {
    throw fault(
      'invalidParameter',
      `invalid dimension: ${given} of field ${name}. should be in range ${DIM_MIN} ~ ${most}`,
    )
  }
  if (isBinary && dim % BITS !== 0) {
    const text = `invalid dimension: ${dim} of field ${name}. binary vector dimension should be multiple of 8.`
    throw fault('invalidParameter', text)
  }
}

/** A default must be a value that the field could hold. JSON, arrays and vectors have none. */
function checkDefault({ name, type, defaultValue: value, maxLength }: FieldSchema): void {
  const { range, kind } = fieldTypes[type]
  const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value)
  const fits =
    range !== null
      ? isWhole
      : kind === 'bool'
        ? typeof value === 'boolean'
        : kind === 'float' || kind === 'double'
          ? Number.isFinite(Number(value)) && typeof value !== 'string' && typeof value !== 'boolean'
          : kind !== 'string' || typeof value === 'string'
  if (!fits) {
    throw fault(
      'invalidParameter',
      `type (${type}) of field (${name}) is not equal to the type of default_value (${value})`,
    )
  }
  if (range !== null && (BigInt(value ?? 0) < range[0] || BigInt(value ?? 0) > range[1])) {
    throw fault(
      'invalidParameter',
      `default_value of field ${name}: [${value} out of range ${range[0]} <= value <= ${range[1]}]`,
    )
  }
  if (kind === 'string' && typeof value === 'string' && Buffer.byteLength(value) > maxLength) {
    throw fault(
      'invalidParameter',
      `the length (${Buffer.byteLength(value)}) of string exceeds max length (${maxLength}), default_value of field ${name}`,
    )
  }
}
