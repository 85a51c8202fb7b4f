import { fault } from '../../errors/error.ts'
import { type FieldType, isValid } from './field-type.ts'

/** SQLite's JSON functions stop at 1,000 levels (`JSON_MAX_DEPTH`); deeper values could be stored but never filtered. */
const DEPTH_MAX = 500

declare global {
  interface JSON {
    rawJSON(text: string): unknown
  }
}

/** JSON text of a value that may hold bigints (int64 kept exact). */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? JSON.rawJSON(v.toString()) : v)) ?? 'null'
}

/** Levels of nesting; short texts cannot be deep and are not looked at. */
function depthOf(text: string): number {
  if (text.length <= DEPTH_MAX) return 0
  let [depth, deepest, inString] = [0, 0, false]
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (inString) {
      if (c === 0x5c) i++
      else if (c === 0x22) inString = false
    } else if (c === 0x22) inString = true
    else if (c === 0x5b || c === 0x7b) deepest = Math.max(deepest, ++depth)
    else if (c === 0x5d || c === 0x7d) depth--
  }
  return deepest
}

export const json: FieldType = {
  fromJson: (_, values) => ({ kind: 'json', values: values.map((value) => jsonText(value ?? null)) }),
  check(field, column, { jsonBytesMax }) {
    if (column.data.kind !== 'json') return
    column.data.values.forEach((text, row) => {
      if (!isValid(column, row)) return
      if (text.length * 3 > jsonBytesMax && Buffer.byteLength(text) > jsonBytesMax) {
        throw fault(
          'invalidParameter',
          `length of JSON field ${field.name} exceeds max length, row number: ${row}, length: ${Buffer.byteLength(text)}, max length: ${jsonBytesMax}`,
        )
      }
      if (depthOf(text) > DEPTH_MAX) {
        throw fault('invalidParameter', `field ${field.name}, row ${row}: JSON nested deeper than ${DEPTH_MAX} levels`)
      }
      try {
        const value: unknown = JSON.parse(text)
        if (field.isDynamic && (typeof value !== 'object' || value === null || Array.isArray(value))) {
          throw new SyntaxError('the dynamic field must be a JSON object')
        }
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause)
        throw fault('invalidParameter', `field ${field.name}, row ${row}: not valid JSON (${why})`)
      }
    })
  },
  fill: (field, rowCount) => ({
    kind: 'json',
    values: new Array<string>(rowCount).fill(field.isDynamic ? '{}' : 'null'),
  }),
}
