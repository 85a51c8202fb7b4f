import type { LogFields, LogLevel } from './log.ts'

/** Milvus' names of the levels, as printed. */
const LEVEL_TEXT = { debug: 'DEBUG', info: 'INFO', warn: 'WARN', error: 'ERROR' } as const satisfies Record<
  LogLevel,
  string
>

/**
 * One line in Milvus' text form (the unified log format of `pkg/log`):
 * `[2026/07/09 07:44:09.945 +00:00] [INFO] [tls/material.ts] ["two words"] [key=value] [other="a b"]`.
 * Quoted is only what needs it: blanks, control characters, `"`, `\`, `[`, `]` and `=`.
 */
export function textLine(at: Date, level: LogLevel, caller: string, message: string, fields: LogFields): string {
  let line = `[${timestamp(at)}] [${LEVEL_TEXT[level]}] [${quoteIfNeeded(caller)}] [${quoteIfNeeded(message)}]`
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) line += ` [${quoteIfNeeded(name)}=${quoteIfNeeded(fieldText(value))}]`
  }
  return `${line}\n`
}

const NEEDS_QUOTES = /[\p{Cc} "\\[\]=\u2028\u2029]/u

function quoteIfNeeded(text: string): string {
  return text === '' || NEEDS_QUOTES.test(text) ? JSON.stringify(text) : text
}

/** The value of a field as text: errors by their message and cause, objects as JSON; never throws. */
export function fieldText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
    case 'boolean':
    case 'bigint':
      return String(value)
    case 'object':
      if (value instanceof Error) return errorText(value)
      return unquoted(toJson(value))
    default:
      return String(value)
  }
}

/** What writes itself as a JSON string (a `Secret`, a date) stands without the quotes. */
function unquoted(json: string): string {
  return /^"[^"\\]*"$/.test(json) ? json.slice(1, -1) : json
}

/** An error and its causes on one line, without stacks: `cannot open x: ENOENT: no such file`. */
export function errorText(error: Error): string {
  const cause = error.cause instanceof Error && error.cause !== error ? `: ${error.cause.message}` : ''
  return `${error.message}${cause}`
}

/** JSON of anything: bigint as text, what cannot be written (a cycle) as a word. `Secret` says `***` by its toJSON. */
export function toJson(value: unknown): string {
  try {
    const json = JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? inner.toString() : inner))
    return json ?? String(value)
  } catch {
    return '(unprintable)'
  }
}

let second = -1
let secondText = ''
let zoneText = ''

/** `2026/07/09 07:44:09.945 +00:00`, local time. The part up to the second is kept between calls. */
function timestamp(at: Date): string {
  const ms = at.getTime()
  const now = Math.floor(ms / 1000)
  if (now !== second) {
    second = now
    const day = `${at.getFullYear()}/${two(at.getMonth() + 1)}/${two(at.getDate())}`
    secondText = `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
    const offset = -at.getTimezoneOffset()
    const size = Math.abs(offset)
    zoneText = `${offset < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`
  }
  return `${secondText}.${String(ms - now * 1000).padStart(3, '0')} ${zoneText}`
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value)
}
