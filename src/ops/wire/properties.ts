import { fault } from '../../errors/error.ts'
import type { Properties } from '../../model/schema.ts'

/** A `common.KeyValuePair`, in or out. */
export interface Pair {
  readonly key: string
  readonly value: string
}

/** Later pairs win, as in Milvus' maps. */
export function toProperties(pairs: readonly Pair[]): Properties {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value]))
}

export function toPairs(properties: Properties): Pair[] {
  return Object.entries(properties).map(([key, value]) => ({ key, value }))
}

/**
 * Properties to set and keys to delete; Milvus takes one or the other, never both.
 * @throws RedkiteError `invalidParameter`
 */
export function alteration(message: { properties: readonly Pair[]; deleteKeys: readonly string[] }): {
  set: Properties
  remove: readonly string[]
} {
  if (message.properties.length > 0 && message.deleteKeys.length > 0) {
    throw fault('invalidParameter', 'cannot provide both DeleteKeys and ExtraParams')
  }
  return { set: toProperties(message.properties), remove: message.deleteKeys }
}

/** The mirror of `alteration`. */
export function alterationFields({ set, remove }: { set: Properties; remove: readonly string[] }): {
  properties: Pair[]
  deleteKeys: string[]
} {
  return { properties: toPairs(set), deleteKeys: [...remove] }
}

/**
 * The pairs of CreateIndex as one flat map: the JSON object under `params` is opened, its values become strings.
 * @throws RedkiteError `invalidParameter` for a repeated key, or `params` that is not a JSON object.
 */
export function indexParams(pairs: readonly Pair[]): Properties {
  const flat = new Map<string, string>()
  const put = (key: string, value: string): void => {
    if (flat.has(key)) throw fault('invalidParameter', `duplicated index param (key=${key}) (value=${value}) found`)
    flat.set(key, value)
  }
  for (const { key, value } of pairs) {
    if (key !== 'params') put(key, value)
    else for (const [name, inner] of Object.entries(jsonObject(value, 'params'))) put(name, textOf(inner))
  }
  return Object.fromEntries(flat)
}

/**
 * Parses a parameter that must be the text of a JSON object; '' counts as `{}`.
 * @throws RedkiteError `invalidParameter` naming the parameter.
 */
export function jsonObject(text: string, name: string): Record<string, unknown> {
  if (text.trim() === '') return {}
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw fault('invalidParameter', `${name} is not a JSON object (${reason}): ${text.slice(0, 200)}`)
  }
  if (!isObject(value)) throw fault('invalidParameter', `${name} is not a JSON object: ${text.slice(0, 200)}`)
  return value
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A parameter's value as the string that Milvus keeps: text unquoted, everything else as JSON. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value)
}
