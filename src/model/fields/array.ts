import { fault } from '../../errors/error.ts'
import type { Column } from '../columns.ts'
import type { FieldSchema } from '../schema.ts'
import { badJson } from './bad-value.ts'
import { type FieldType, isValid } from './field-type.ts'
import { int64FromJson } from './int64.ts'
import { jsonText } from './json.ts'
import { type FieldTypeName, fieldTypes } from './table.ts'

/** What an array may hold, as plain values: int64 as bigint, Float as the double of its float32. */
export type ArrayElement = boolean | number | bigint | string

/** Types of elements (Milvus: every scalar but JSON, Array and the later ones). */
export const elementTypes: ReadonlySet<FieldTypeName> = new Set<FieldTypeName>([
  ...(['Bool', 'Int8', 'Int16', 'Int32', 'Int64'] as const),
  ...(['Float', 'Double', 'VarChar'] as const),
])

/**
 * The one spelling of an array: equal arrays of one element type are equal texts, which `==` in filters relies on.
 * SQLite's JSON functions read it; whole doubles have no fraction (`1`), so that 1 and 1.0 are the same element.
 */
export function arrayText(elements: readonly ArrayElement[]): string {
  return jsonText(elements)
}

/** The elements of a stored array, int64 exact; a text that is no list (the filler of a null) has none. */
export function arrayElements(text: string, elementType: FieldTypeName): readonly ArrayElement[] {
  if (text === '' || text === 'null') return []
  const value: unknown = elementType === 'Int64' ? JSON.parse(text, exact) : JSON.parse(text)
  return Array.isArray(value) ? value : []
}

function exact(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' ? BigInt(context?.source ?? value) : value
}

export const array: FieldType = {
  fromJson: (field, values) => ({
    kind: 'json',
    values: values.map((value, row) => {
      if (value === undefined || value === null) return '[]'
      if (!Array.isArray(value)) throw badJson(field, row, value)
      return arrayText(value.map((element) => elementFromJson(field, row, element)))
    }),
  }),
  check(field, column) {
    if (column.data.kind !== 'json') return
    checkElementType(field, column)
    const check = elementCheck(field)
    column.data.values.forEach((text, row) => {
      if (!isValid(column, row)) return
      const elements = arrayElements(text, field.elementType ?? 'Int64')
      if (elements.length > field.maxCapacity) {
        const seen = `the length (${elements.length}) of ${row}th array exceeds max capacity (${field.maxCapacity})`
        throw fault('invalidParameter', `array length exceeds max capacity, field ${field.name}: ${seen}`)
      }
      if (check) for (const element of elements) check(element, row)
    })
  },
  fill: (_, rowCount) => ({ kind: 'json', values: new Array<string>(rowCount).fill('[]') }),
}

/** Int8 to Int32 look alike on the wire; the rest must be what the schema says. */
function checkElementType(field: FieldSchema, { elementType }: Column): void {
  if (elementType === undefined || field.elementType === null) return
  if (fieldTypes[elementType].kind === fieldTypes[field.elementType].kind) return
  throw fault(
    'invalidParameter',
    `the element type of array field ${field.name} does not match: the schema says ${field.elementType}, the data is ${elementType}`,
  )
}

/** What every element must satisfy; null = nothing that the wire has not seen to. */
function elementCheck(field: FieldSchema): ((element: ArrayElement, row: number) => void) | null {
  const { elementType } = field
  if (elementType === 'VarChar') {
    return (element, row) => {
      if (typeof element !== 'string' || element.length * 3 <= field.maxLength) return
      const length = Buffer.byteLength(element)
      if (length <= field.maxLength) return
      const bounds = `row number: ${row}, length: ${length}, max length: ${field.maxLength}`
      throw fault('invalidParameter', `length of varchar array field ${field.name} exceeds max length, ${bounds}`)
    }
  }
  if (elementType !== 'Int8' && elementType !== 'Int16') return null
  const [min, max] = fieldTypes[elementType].range ?? [0n, 0n]
  return (element, row) => {
    if (typeof element !== 'number' || (element >= min && element <= max)) return
    throw fault(
      'invalidParameter',
      `an element (${element}) of array field ${field.name}, row ${row}, out of range: [${min}, ${max}], integer doesn't overflow ${elementType.toLowerCase()}`,
    )
  }
}

function elementFromJson(field: FieldSchema, row: number, value: unknown): ArrayElement {
  const element = readElement(field.elementType, value)
  if (element === null) throw badJson(field, row, value)
  return element
}

function readElement(type: FieldTypeName | null, value: unknown): ArrayElement | null {
  switch (type) {
    case 'Bool':
      return typeof value === 'boolean' ? value : null
    case 'VarChar':
      return typeof value === 'string' ? value : null
    case 'Int64':
      return int64FromJson(value)
    case 'Float':
    case 'Double': {
      const number = typeof value === 'bigint' ? Number(value) : value
      if (typeof number !== 'number') return null
      const stored = type === 'Float' ? Math.fround(number) : number
      return Number.isFinite(stored) ? stored : null
    }
    default:
      return typeof value === 'number' && value === (value | 0) ? value : null
  }
}
