import type { MessageInitShape } from '@bufbuild/protobuf'
import { fault } from '../../errors/error.ts'
import type { ArrayArray, ArrayArraySchema, ScalarField, ScalarFieldSchema } from '../../gen/schema_pb.js'
import { type ArrayElement, arrayElements, arrayText } from '../../model/fields/array.ts'
import { type FieldTypeName, fieldTypeByNumber, fieldTypes } from '../../model/fields/table.ts'
import { floatBytes, floatView } from './floats.ts'

/** The type of a row's elements by the member that holds them: clients often leave `element_type` away. */
const typeOfMember = {
  boolData: 'Bool',
  intData: 'Int32',
  longData: 'Int64',
  floatData: 'Float',
  doubleData: 'Double',
  stringData: 'VarChar',
} as const satisfies Partial<Record<NonNullable<ScalarField['data']['case']>, FieldTypeName>>

/** An Array column as received: a text a row (`model/fields/array.ts`) and the type of the elements. */
export interface Arrays {
  readonly texts: readonly string[]
  readonly elementType: FieldTypeName | undefined
}

/** @throws RedkiteError `invalidParameter` for NaN, infinities and rows of two types; `unimplemented` for other elements */
export function arraysIn({ data, elementType }: ArrayArray, field: string): Arrays {
  let type = elementType === 0 ? undefined : (fieldTypeByNumber(elementType) ?? undefined)
  const texts = data.map((row, at) => {
    const member = row.data.case
    if (member === undefined) return '[]'
    const found = Object.hasOwn(typeOfMember, member) ? typeOfMember[member as keyof typeof typeOfMember] : undefined
    if (found === undefined) throw fault('unimplemented', `arrays of ${member} (field ${field})`)
    if (type !== undefined && !isMemberOf(found, type)) {
      throw fault('invalidParameter', `row ${at} of array field ${field} holds ${found}, expected ${type}`)
    }
    type ??= found
    return arrayText(elementsIn(row, field, at))
  })
  return { texts, elementType: type }
}

/** Int8, Int16 and Int32 share a member. */
function isMemberOf(found: FieldTypeName, type: FieldTypeName): boolean {
  return found === type || (found === 'Int32' && (type === 'Int8' || type === 'Int16'))
}

function elementsIn({ data }: ScalarField, field: string, row: number): readonly ArrayElement[] {
  switch (data.case) {
    case 'boolData':
    case 'intData':
    case 'longData':
    case 'stringData':
      return data.value.data
    case 'floatData':
      return finite(Array.from(floatView(data.value.data)), field, row)
    case 'doubleData':
      return finite(data.value.data, field, row)
    default:
      return []
  }
}

function finite(values: readonly number[], field: string, row: number): readonly number[] {
  const odd = values.find((value) => !Number.isFinite(value))
  if (odd === undefined) return values
  throw fault('invalidParameter', `value '${odd}' is not a number or infinity (field ${field}, row ${row})`)
}

/** The member `array_data` of an Array column; a slot without a value is an empty list. */
export function arraysOut(
  texts: readonly string[],
  elementType: FieldTypeName = 'Int64',
): MessageInitShape<typeof ArrayArraySchema> {
  const data = texts.map((text) => ({ data: rowOut(arrayElements(text, elementType), elementType) }))
  return { data, elementType: fieldTypes[elementType].number }
}

/** One row under the member of its elements' type. */
export function rowOut(
  elements: readonly ArrayElement[],
  elementType: FieldTypeName,
): NonNullable<MessageInitShape<typeof ScalarFieldSchema>['data']> {
  switch (elementType) {
    case 'Bool':
      return { case: 'boolData', value: { data: elements.map(Boolean) } }
    case 'Int64':
      return { case: 'longData', value: { data: elements.map(BigInt) } }
    case 'Float':
      return { case: 'floatData', value: { data: floatBytes(Float32Array.from(elements, Number)) } }
    case 'Double':
      return { case: 'doubleData', value: { data: elements.map(Number) } }
    case 'VarChar':
      return { case: 'stringData', value: { data: elements.map(String) } }
    default:
      return { case: 'intData', value: { data: elements.map(Number) } }
  }
}
