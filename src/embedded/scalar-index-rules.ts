import { fault } from '../errors/error.ts'
import type { FieldTypeName } from '../model/fields/table.ts'
import type { FieldSchema, Properties } from '../model/schema.ts'
import { flatten } from './index-rules.ts'

const INTEGERS: readonly FieldTypeName[] = ['Int8', 'Int16', 'Int32', 'Int64']
const NUMBERS: readonly FieldTypeName[] = [...INTEGERS, 'Float', 'Double']
const CAST_TYPES = ['BOOL', 'DOUBLE', 'VARCHAR', 'ARRAY_BOOL', 'ARRAY_DOUBLE', 'ARRAY_VARCHAR', 'JSON']

interface ScalarRule {
  readonly fields: readonly FieldTypeName[]
  /** Milvus' words for a field of another type. */
  readonly refusal: (type: FieldTypeName) => string
}

/** The scalar index names that are served, with Milvus' combinations and texts (milvus-api D2). */
const rules: Readonly<Record<string, ScalarRule>> = {
  AUTOINDEX: {
    fields: ['Bool', ...NUMBERS, 'VarChar', 'Array', 'JSON'],
    refusal: (type) => `create auto index on type:${type} is not supported`,
  },
  INVERTED: {
    fields: ['Bool', ...NUMBERS, 'VarChar', 'Array', 'JSON'],
    refusal: (type) => `INVERTED are not supported on ${type} field`,
  },
  STL_SORT: {
    fields: [...NUMBERS, 'VarChar'],
    refusal: () => 'STL_SORT are only supported on numeric, varchar or timestamptz field',
  },
  TRIE: { fields: ['VarChar'], refusal: () => 'TRIE are only supported on varchar field' },
  BITMAP: {
    fields: ['Bool', ...INTEGERS, 'VarChar', 'Array'],
    refusal: () => 'bitmap index are only supported on bool, int, string',
  },
}

/** What serves a scalar index: a SQLite index on the field's column, or none (JSON and arrays are scanned). */
export interface ScalarIndexPlan {
  /** As the user wrote it; AUTOINDEX where nothing was asked for. */
  readonly indexType: string
  readonly isSqlite: boolean
}

/** @throws RedkiteError `invalidParameter` with Milvus' text */
export function planScalarIndex(field: FieldSchema, params: Properties): ScalarIndexPlan {
  const flat = flatten(params)
  const indexType = flat['index_type'] || 'AUTOINDEX'
  const name = indexType.toUpperCase()
  const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
  if (!rule) {
    throw fault('invalidParameter', 'invalid parameter', {
      expected: 'valid index',
      actual: `invalid index type: ${indexType}`,
    })
  }
  if (!rule.fields.includes(field.type)) throw fault('invalidParameter', rule.refusal(field.type))
  if (name === 'BITMAP') checkBitmap(field)
  if (field.type === 'JSON') checkJson(flat, name)
  return { indexType, isSqlite: field.type !== 'JSON' && field.type !== 'Array' }
}

function checkBitmap(field: FieldSchema): void {
  if (field.isPrimary) throw fault('invalidParameter', 'create bitmap index on primary key not supported')
  if (field.elementType === 'Float' || field.elementType === 'Double') {
    throw fault('invalidParameter', 'bitmap index are only supported on bool, int, string for array field')
  }
}

function checkJson(flat: Properties, name: string): void {
  const cast = flat['json_cast_type']
  if (cast === undefined) {
    if (name === 'AUTOINDEX') return
    throw fault('invalidParameter', 'json index must specify cast type')
  }
  if (!CAST_TYPES.includes(cast.toUpperCase())) {
    throw fault('invalidParameter', `json_cast_type ${cast} is not supported, use one of ${CAST_TYPES.join(', ')}`)
  }
}
