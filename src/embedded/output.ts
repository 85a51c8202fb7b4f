import type { CollectionEntry } from '../catalog/entries.ts'
import { fault } from '../errors/error.ts'
import type { Column } from '../model/columns.ts'
import { DYNAMIC_FIELD, dynamicField, type FieldSchema, primaryField } from '../model/schema.ts'

/** Which columns a read returns. */
export interface OutputPlan {
  /** Stored fields to read, the primary key first; `$meta` last when any dynamic key is wanted. */
  readonly fields: readonly FieldSchema[]
  /** The primary key was asked for by name or by `*`. */
  readonly wantsPrimary: boolean
  /** Dynamic keys to keep; `all`; null = no dynamic column. */
  readonly dynamicKeys: 'all' | readonly string[] | null
  /** As the user wrote them. */
  readonly names: readonly string[]
}

const META_KEY = /^\$meta\[\s*(?:"([^"]+)"|'([^']+)')\s*\]$/

/**
 * Resolves `output_fields`: `*` is every field and every dynamic key; an unknown name is a dynamic key where the
 * collection has a dynamic field.
 * @throws RedkiteError `invalidParameter` "field X not exist"
 */
export function planOutput(entry: CollectionEntry, names: readonly string[]): OutputPlan {
  const pk = primaryField(entry.schema)
  const wanted = new Set<FieldSchema>()
  const keys: string[] = []
  let wholeDynamic = false
  for (const name of names) {
    if (name === '*') {
      for (const field of entry.schema.fields) wanted.add(field)
      wholeDynamic ||= entry.dynamicFieldId > 0
      continue
    }
    const field = entry.schema.fields.find((f) => f.name === name)
    if (field) {
      wanted.add(field)
      continue
    }
    if (entry.dynamicFieldId === 0) throw fault('invalidParameter', `field ${name} not exist`)
    const meta = META_KEY.exec(name)
    if (name === DYNAMIC_FIELD) wholeDynamic = true
    else keys.push(meta?.[1] ?? meta?.[2] ?? name)
  }
  const dynamicKeys = wholeDynamic ? 'all' : keys.length > 0 ? keys : null
  const others = entry.schema.fields.filter((f) => wanted.has(f) && !f.isPrimary)
  const fields = dynamicKeys === null ? [pk, ...others] : [pk, ...others, dynamicField(entry.dynamicFieldId)]
  return { fields, wantsPrimary: wanted.has(pk), dynamicKeys, names }
}

/** Names each column's type (Int8 and Int32 look alike in memory) and keeps only the wanted keys of a `$meta` column. */
export function projectDynamic(plan: OutputPlan, columns: readonly Column[]): readonly Column[] {
  const { dynamicKeys } = plan
  const fields = new Map(plan.fields.map((field) => [field.name, field]))
  return columns.map((bare): Column => {
    const column = typed(bare, fields.get(bare.field))
    if (dynamicKeys === null || column.field !== DYNAMIC_FIELD || column.data.kind !== 'json') return column
    if (dynamicKeys === 'all') return { ...column, dynamic: true }
    const values = column.data.values.map((text) => keepKeys(text, dynamicKeys))
    return { ...column, data: { kind: 'json', values }, dynamic: true }
  })
}

function typed(column: Column, field: FieldSchema | undefined): Column {
  if (!field) return column
  const { type, elementType } = field
  return elementType === null ? { ...column, type } : { ...column, type, elementType }
}

function keepKeys(text: string, keys: readonly string[]): string {
  if (text === '{}') return text
  // digits beyond 2^53 must leave as they came: a number keeps its source text
  const whole = JSON.parse(text, (_, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && context?.source ? JSON.rawJSON(context.source) : value,
  ) as Record<string, unknown>
  const kept: Record<string, unknown> = {}
  for (const key of keys) if (Object.hasOwn(whole, key)) kept[key] = whole[key]
  return JSON.stringify(kept)
}
