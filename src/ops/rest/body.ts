import { faultText } from '../../errors/error.ts'
import type { InCollection } from '../../model/calls.ts'
import type { RestInput, RestOutput, RestRoute } from '../op.ts'
import { isObject } from '../wire/properties.ts'

type Body = RestInput['body']

/** A `POST /v2/vectordb/<path>` route. */
export function post(path: string, run: (input: RestInput) => Promise<RestOutput>): RestRoute {
  return { method: 'POST', path: `/v2/vectordb/${path}`, run }
}

/** The reply of calls that return nothing: `{"code":0,"data":{}}`. */
export const DONE: RestOutput = { data: {} }

/**
 * Milvus' `binding:"required"`: absent, null, '' and 0 are missing; an empty list or object is not.
 * `struct` is the Go request type whose name stands in Milvus' text.
 * @throws RedkiteError `restMissingParameters` naming every missing field.
 */
export function requireFields(body: Body, struct: string, fields: readonly string[]): void {
  const missing = fields.filter((name) => isMissing(body[name]))
  if (missing.length === 0) return
  const lines = missing.map((name) => {
    const go = name === 'id' ? 'ID' : `${name.charAt(0).toUpperCase()}${name.slice(1)}`
    return `Key: '${struct}.${go}' Error:Field validation for '${go}' failed on the 'required' tag`
  })
  throw missingParameters(lines.join('\n'))
}

export function missingParameters(reason: string): Error {
  return faultText('restMissingParameters', `missing required parameters, error: ${reason}`)
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === null || value === '' || value === 0
}

/** The collection that a body must name. */
export function collectionOf(input: RestInput, struct = 'CollectionNameReq'): InCollection {
  requireFields(input.body, struct, ['collectionName'])
  return { db: input.db, collection: text(input.body, 'collectionName') }
}

/** A string field; absent and null are ''. */
export function text(body: Body, name: string): string {
  const value = body[name] ?? ''
  if (typeof value !== 'string') throw wrongType(name, 'a string', value)
  return value
}

/** A list of strings; absent and null are []. */
export function texts(body: Body, name: string): readonly string[] {
  const value = body[name] ?? []
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
    throw wrongType(name, 'a list of strings', value)
  }
  return value
}

/** A whole number; absent and null are `fallback`. */
export function integer(body: Body, name: string, fallback: number): number {
  const value = body[name] ?? fallback
  if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(name, 'a whole number', value)
  return value
}

/** A boolean; absent and null are `fallback`. */
export function flag(body: Body, name: string, fallback: boolean): boolean {
  const value = body[name] ?? fallback
  if (typeof value !== 'boolean') throw wrongType(name, 'true or false', value)
  return value
}

/** An object; absent and null are `{}`. */
export function object(body: Body, name: string): Readonly<Record<string, unknown>> {
  const value = body[name] ?? {}
  if (!isObject(value)) throw wrongType(name, 'an object', value)
  return value
}

/** A list of objects; absent and null are []. */
export function objects(body: Body, name: string): readonly Readonly<Record<string, unknown>>[] {
  const value = body[name] ?? []
  if (!Array.isArray(value) || !value.every(isObject)) throw wrongType(name, 'a list of objects', value)
  return value
}

/** JSON of the wrong type, in the family of Milvus' 1801. */
export function wrongType(name: string, wanted: string, value: unknown): Error {
  const got = value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`
  return notJson(`${name} must be ${wanted}, got ${got}`)
}

export function notJson(reason: string): Error {
  return faultText('restNotJson', `can only accept json format request, error: ${reason}`)
}
