import { faultText } from '../../errors/error.ts'
import { parseExact } from './big-integers.ts'

/** Milvus' wording (httpserver: ErrIncorrectParameterFormat). */
const NOT_JSON = 'can only accept json format request'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The JSON object in `bytes`. Integers beyond 2^53 come out as bigint, so that an int64 keeps its 64 bits; others
 * are numbers.
 * @throws RedkiteError `restNotJson` for anything that is no JSON object in UTF-8.
 */
export function parseBody(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const value = parse(bytes)
  if (isObject(value)) return value
  throw faultText('restNotJson', `${NOT_JSON}, error: the body is ${describe(value)}, an object is wanted`)
}

function parse(bytes: Uint8Array): unknown {
  if (bytes.length === 0) throw faultText('restNotJson', `${NOT_JSON}, error: EOF`)
  try {
    return parseExact(utf8.decode(bytes))
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw faultText('restNotJson', `${NOT_JSON}, error: ${why.replace(QUOTED_BODY, ' in JSON')}`)
  }
}

/** V8 quotes the body, which may hold a password, and errors are logged: the character that it fell over is enough. */
const QUOTED_BODY = /, (?:\.{3})?"[\s\S]*"(?:\.{3})? is not valid JSON$/

/**
 * JSON text of a reply. int64 (bigint) leave as JSON numbers with all their digits, or as strings where the client
 * asked for that; typed arrays leave as arrays.
 */
export function stringifyReply(reply: Readonly<Record<string, unknown>>, int64AsNumber: boolean): string {
  return JSON.stringify(wire(reply, int64AsNumber))
}

/** Copies what needs another form. A replacer would be called for every float of every vector; this is not. */
function wire(value: unknown, int64AsNumber: boolean): unknown {
  if (typeof value === 'bigint') return int64AsNumber ? rawJson(value.toString()) : value.toString()
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return value
  if (Array.isArray(value)) return value.every(isNumber) ? value : value.map((one) => wire(one, int64AsNumber))
  if (value instanceof BigInt64Array) return Array.from(value, (one) => wire(one, int64AsNumber))
  if (isNumbers(value)) return Array.from(value)
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, wire(one, int64AsNumber)]))
}

/** ES2026 `JSON.rawJSON`, in Node since 22; TypeScript's library does not declare it yet. */
function rawJson(text: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text)
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number'
}

function isNumbers(value: object): value is Float32Array | Float64Array | Int32Array | Int8Array | Uint8Array {
  return ArrayBuffer.isView(value) && Symbol.iterator in value
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function describe(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`
}
