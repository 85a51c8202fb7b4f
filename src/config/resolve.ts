import { Secret } from '../model/calls.ts'
import type { Entry, Finding, Source } from './finding.ts'
import { configPath, findKey, type Key, keys, keyTable, type PlainConfig, type Values } from './schema.ts'
import { isWithoutEffect, noEffectFinding, unknownKey } from './unknown-keys.ts'
import type { ValueType } from './value-types.ts'

/** A value in force and where it comes from. */
export interface Effective {
  readonly key: Key
  /** As one would write it; a `Secret` prints as `***`. */
  readonly value: string | Secret
  readonly source: Source
}

/** What all sources together say. */
export interface Resolved {
  /** null when a value does not parse: the findings say which. */
  readonly values: Values | null
  readonly effective: readonly Effective[]
  readonly findings: readonly Finding[]
}

interface Given {
  readonly primary: ReadonlyMap<Key, Entry>
  readonly fallback: ReadonlyMap<Key, Entry>
  readonly findings: readonly Finding[]
}

/**
 * Merges entries, later ones winning, gives every key its value or its default, and types them. A key's fallback
 * names count only where no source gives the key itself, as in Milvus.
 */
export function resolveEntries(entries: readonly Entry[]): Resolved {
  const given = collect(entries)
  const values = new Map<Key, unknown>()
  const effective: Effective[] = []
  const findings: Finding[] = [...given.findings]
  for (const key of keys) {
    const row = keyTable[key]
    const entry = given.primary.get(key) ?? given.fallback.get(key) ?? null
    const text = (entry && textOf(entry, row.type)) ?? row.default
    const source: Source = entry?.source ?? { kind: 'default' }
    const parsed = row.type.schema.safeParse(text)
    if (row.effect === 'none') values.set(key, row.type.schema.parse(row.default))
    if (parsed.success) {
      values.set(key, parsed.data)
      effective.push({ key, value: parsed.data instanceof Secret ? parsed.data : text.trim(), source })
    } else findings.push(badValue(key, text, parsed.error.issues[0]?.message ?? 'not readable', source))
  }
  return { values: values.size === keys.length ? toValues(values) : null, effective, findings }
}

/** A list keeps its items apart by what the type of its key joins them with. */
function textOf(entry: Entry, { itemSeparator }: ValueType<unknown>): string {
  return itemSeparator === undefined ? entry.value : (entry.items?.join(itemSeparator) ?? entry.value)
}

/** Complete, and each value parsed by the type of its key: what the compiler cannot see. */
function toValues(values: ReadonlyMap<Key, unknown>): Values {
  return Object.fromEntries(values) as Values
}

function collect(entries: readonly Entry[]): Given {
  const primary = new Map<Key, Entry>()
  const fallback = new Map<Key, Entry>()
  const findings: Finding[] = []
  const withoutEffect: Entry[] = []
  for (const entry of entries) {
    const match = findKey(entry.key)
    if (match === null) {
      if (isWithoutEffect(entry.key)) withoutEffect.push(entry)
      else findings.push(unknownKey(entry))
      continue
    }
    const type = keyTable[match.key].type
    if (entry.value.trim() === '' && type.empty === 'unset') continue
    if (keyTable[match.key].effect === 'none') withoutEffect.push(entry)
    const target = match.isFallback ? fallback : primary
    target.set(match.key, entry)
  }
  const summary = noEffectFinding(withoutEffect)
  return { primary, fallback, findings: summary === null ? findings : [...findings, summary] }
}

function badValue(key: Key, text: string, problem: string, source: Source): Finding {
  const { type, default: fallback } = keyTable[key]
  const shown = type.name === 'secret' ? '***' : JSON.stringify(text)
  // A text of Milvus' own stands alone: users and tools match on it.
  const message = problem.startsWith('must ') ? `${key} ${problem}, not ${shown}` : `${problem}: ${key} is ${shown}`
  const hint =
    fallback === '' ? 'correct the value' : `correct the value, or leave the key out for the default ${fallback}`
  return { severity: keyTable[key].effect === 'none' ? 'warn' : 'error', key, message, hint, source }
}

/** Nests the values by their paths in `Config`. */
export function nest(values: Values): PlainConfig {
  const root: Record<string, unknown> = {}
  for (const key of keys) {
    const path = configPath(key)?.split('.')
    const leaf = path?.pop()
    if (path === undefined || leaf === undefined) continue
    let node = root
    for (const part of path) {
      const existing = node[part]
      const child: Record<string, unknown> = isRecord(existing) ? existing : {}
      node[part] = child
      node = child
    }
    node[leaf] = values[key]
  }
  // `configPath` and `PlainConfig` follow the same rule, one for values and one for types.
  return root as unknown as PlainConfig
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
