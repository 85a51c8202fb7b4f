import { fault } from '../../errors/error.ts'
import type { FieldSchema } from '../schema.ts'
import { array } from './array.ts'
import { bfloat16Vector } from './bfloat16-vector.ts'
import { binaryVector } from './binary-vector.ts'
import { bool } from './bool.ts'
import type { FieldType } from './field-type.ts'
import { floatVector } from './float-vector.ts'
import { float16Vector } from './float16-vector.ts'
import { double, float } from './floating.ts'
import { int } from './int.ts'
import { int8Vector } from './int8-vector.ts'
import { int64 } from './int64.ts'
import { json } from './json.ts'
import type { FieldTypeName } from './table.ts'
import { varchar } from './varchar.ts'

/** The types that the embedded engine serves; `table.ts` knows the protocol's others by name. */
const served: Partial<Record<FieldTypeName, FieldType>> = {
  Bool: bool,
  Int8: int,
  Int16: int,
  Int32: int,
  Int64: int64,
  Float: float,
  Double: double,
  VarChar: varchar,
  Array: array,
  JSON: json,
  FloatVector: floatVector,
  Float16Vector: float16Vector,
  BFloat16Vector: bfloat16Vector,
  Int8Vector: int8Vector,
  BinaryVector: binaryVector,
}

/** @throws RedkiteError `invalidParameter` for a type that is not served yet */
export function fieldTypeOf(field: FieldSchema): FieldType {
  const type = served[field.type]
  if (!type) throw notServed(field)
  return type
}

export function isServed(type: FieldTypeName): boolean {
  return served[type] !== undefined
}

function notServed(field: FieldSchema) {
  const types = Object.keys(served).join(', ')
  return fault(
    'invalidParameter',
    `data type ${field.type} of field ${field.name} is not served yet; use one of ${types}`,
  )
}
