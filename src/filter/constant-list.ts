import type { Scalar } from './ast.ts'
import { isInt64, stringValue } from './literals.ts'

const OPEN = 0x5b
const CLOSE = 0x5d
const COMMA = 0x2c
const MINUS = 0x2d
const BACKSLASH = 0x5c

/**
 * Reads `[1, -2, 3]` or `["a", 'b']` in one go: `pk in […]` with thousands of keys is the common long filter, and
 * token by token it would hold up the event loop for tens of milliseconds. Null for anything else (other literals,
 * expressions, mistakes): the grammar reads those and knows the error.
 */
export function scanConstantList(text: string, offset: number): { values: Scalar[]; end: number } | null {
  if (text.charCodeAt(offset) !== OPEN) return null
  const values: Scalar[] = []
  let at = skipBlanks(text, offset + 1)
  while (true) {
    const item = scanItem(text, at)
    if (item === null) return null
    values.push(item.value)
    at = skipBlanks(text, item.end)
    const separator = text.charCodeAt(at)
    if (separator === CLOSE) return { values, end: at + 1 }
    if (separator !== COMMA) return null
    at = skipBlanks(text, at + 1)
  }
}

interface Item {
  readonly value: Scalar
  readonly end: number
}

function scanItem(text: string, at: number): Item | null {
  const first = text.charAt(at)
  return first === '"' || first === "'" ? scanString(text, at, first) : scanInteger(text, at)
}

function scanInteger(text: string, start: number): Item | null {
  const digits = text.charCodeAt(start) === MINUS ? start + 1 : start
  let end = digits
  while (isDigit(text.charCodeAt(end))) end += 1
  const octal = text.charAt(digits) === '0' && end > digits + 1
  if (end === digits || octal || end - digits > 19) return null
  const value = BigInt(text.slice(start, end))
  return isInt64(value) ? { value, end } : null
}

function scanString(text: string, start: number, quote: string): Item | null {
  let at = start + 1
  let escapes = false
  for (; at < text.length && text.charAt(at) !== quote; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x0a || code === 0x0d) return null
    if (code === BACKSLASH) {
      escapes = true
      at += 1
    }
  }
  if (at >= text.length) return null
  const end = at + 1
  return { value: escapes ? stringValue(text.slice(start, end), start) : text.slice(start + 1, at), end }
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

function skipBlanks(text: string, from: number): number {
  let at = from
  while (isBlank(text.charCodeAt(at))) at += 1
  return at
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d
}
