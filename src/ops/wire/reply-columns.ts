import type { FieldData } from '../../gen/schema_pb.js'
import { type Column, slotCount } from '../../model/columns.ts'
import { DYNAMIC_FIELD } from '../../model/schema.ts'
import { toColumnBatch } from './columns-in.ts'
import { resultFields } from './columns-out.ts'
import { badReply, readReply } from './status.ts'
import { vectorsIn } from './vectors.ts'

/**
 * The columns of a Search or Query reply, each with `rowCount` slots.
 * @param outputFields as the reply names them: a server may return `$meta` whole (Milvus before 2.4), of which only
 * the keys that were asked for belong to the answer
 * @throws RedkiteError `unimplemented` naming field and type for data that a column cannot hold, `serviceInternal`
 * for columns that contradict themselves or the number of rows.
 */
export function replyColumns(
  fields: readonly FieldData[],
  rowCount: number,
  outputFields: readonly string[],
): readonly Column[] {
  const { columns } = readReply(() => toColumnBatch(fields, rowCount))
  for (const { field, data, valid } of columns) {
    const slots = slotCount(data)
    // a vector column whose rows are all null may not even tell its dim
    if (slots !== rowCount && !(valid && 'dim' in data && data.dim === 0)) {
      throw badReply(`field ${field} has ${slots} values for ${rowCount} rows`)
    }
  }
  const keys = dynamicKeys(columns, outputFields)
  return keys === null ? columns : columns.map((column) => (column.dynamic ? withKeys(column, keys) : column))
}

/** Rows of a Query reply: those of its first column, counted before it is converted. */
export function replyRows(fields: readonly FieldData[]): number {
  const [first] = fields
  if (!first || first.validData.length > 0) return first?.validData.length ?? 0
  const { field: body } = first
  if (body.case === 'vectors') {
    return readReply(() => slotCount(vectorsIn(body.value, first.fieldName, null)))
  }
  if (body.case !== 'scalars' || body.value.data.case === undefined) return 0
  const { data } = body.value
  return data.case === 'floatData' ? data.value.data.byteLength / 4 : data.value.data.length
}

/** The keys of `$meta` that were asked for by name; null = all of them. */
function dynamicKeys(columns: readonly Column[], outputFields: readonly string[]): ReadonlySet<string> | null {
  if (!columns.some((column) => column.dynamic)) return null
  const fields = new Set(columns.map((column) => column.field))
  const names = resultFields(outputFields, columns)
  if (names.includes(DYNAMIC_FIELD)) return null
  const keys = names.filter((name) => !fields.has(name))
  return keys.length === 0 ? null : new Set(keys)
}

function withKeys(column: Column, keys: ReadonlySet<string>): Column {
  if (column.data.kind !== 'json') return column
  return { ...column, data: { kind: 'json', values: column.data.values.map((text) => keepKeys(text, keys)) } }
}

/** The object with the wanted keys only; a text that holds no others stays as it came. */
function keepKeys(text: string, keys: ReadonlySet<string>): string {
  if (text === '{}') return text
  const entries = Object.entries(Object(parsed(text)))
  const kept = entries.filter(([key]) => keys.has(key))
  return kept.length === entries.length ? text : JSON.stringify(Object.fromEntries(kept))
}

/** Digits beyond 2^53 must leave as they came: such a number keeps its source text. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text, (_, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' && !Number.isSafeInteger(value) && context?.source
        ? JSON.rawJSON(context.source)
        : value,
    )
  } catch {
    throw badReply(`${DYNAMIC_FIELD} holds no JSON`)
  }
}
