import type { PathStep } from './ast.ts'
import { FilterFailure } from './failure.ts'

const INT64_MAX = (1n << 63n) - 1n
const INT64_MIN = -(1n << 63n)

/** Whether a folded or written integer fits Milvus' int64. */
export function isInt64(value: bigint): boolean {
  return value >= INT64_MIN && value <= INT64_MAX
}

/** Decimal, `0x`, `0b` and leading-0 octal. 2^63 passes here: a minus may stand before it. */
export function integerValue(image: string, offset: number): bigint {
  const octal = /^0[0-7]+$/.test(image)
  const value = BigInt(octal ? `0o${image.slice(1)}` : image)
  if (value > INT64_MAX + 1n) throw new FilterFailure(`integer ${image} is out of the range of Int64`, offset)
  return value
}

/** Decimal (`.5`, `1.`, `1e3`) and C hexadecimal (`0x1.8p3`) floats. */
export function floatValue(image: string, offset: number): number {
  const hex = /^0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?\d+)$/.exec(image)
  const value = hex ? hexFloat(hex[1] ?? '', hex[2] ?? '', Number(hex[3])) : Number(image)
  if (!Number.isFinite(value)) throw new FilterFailure(`number ${image} is out of the range of Double`, offset)
  return value
}

function hexFloat(whole: string, fraction: string, exponent: number): number {
  return Number(BigInt(`0x${whole}${fraction}`)) * 2 ** (exponent - 4 * fraction.length)
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '?': '?',
}

const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|([\s\S]))/g

/**
 * The value of a quoted literal, prefix (`u8 u U L`) and quotes included in `image`. C escapes are undone; a backslash
 * before any other character stays, so that `like "50\%"` reaches the pattern as an escaped percent sign.
 */
export function stringValue(image: string, offset: number): string {
  const quote = image.endsWith('"') ? '"' : "'"
  const body = image.slice(image.indexOf(quote) + 1, -1)
  if (!body.includes('\\')) return body
  const value = body.replace(ESCAPE, (whole, x?: string, u?: string, wide?: string, octal?: string, other?: string) => {
    const hex = x ?? u ?? wide
    if (hex !== undefined) return codePoint(Number.parseInt(hex, 16), whole, offset)
    if (octal !== undefined) return codePoint(Number.parseInt(octal, 8), whole, offset)
    return SIMPLE_ESCAPES[other ?? ''] ?? whole
  })
  if (!value.isWellFormed()) throw new FilterFailure('string literal holds half of a surrogate pair', offset)
  return value
}

function codePoint(code: number, written: string, offset: number): string {
  if (code > 0x10ffff) throw new FilterFailure(`escape ${written} is not a Unicode code point`, offset)
  return String.fromCodePoint(code)
}

/** `r"…"`: everything between the quotes, backslashes included. */
export function rawStringValue(image: string): string {
  return image.slice(2, -1)
}

const STEP = /\[(?:([rR])?((?:u8|u|U|L)?(?:"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'))|(\d+))\]/g

/** Splits `doc["a"][0]`, already matched by the lexer, into the name and its steps. */
export function jsonPath(image: string, offset: number): { name: string; path: PathStep[] } {
  const bracket = image.indexOf('[')
  const path: PathStep[] = []
  for (const [, raw, string, index] of image.slice(bracket).matchAll(STEP)) {
    if (index !== undefined) path.push(Number(index))
    else if (raw !== undefined) path.push(rawStringValue(`${raw}${string}`))
    else path.push(stringValue(string ?? '', offset))
  }
  if (path.includes('')) throw new FilterFailure(`invalid identifier: ${image}`, offset)
  return { name: image.slice(0, bracket), path }
}
