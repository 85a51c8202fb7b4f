/**
 * The types a configuration value can have. Every source gives text; each type turns it into a value or says what is
 * wrong with it. Strict on purpose: Milvus reads a number it cannot parse as 0 and a bool as false, so that
 * `tlsMode: two` means plaintext there.
 */
import { z } from 'zod'
import { Secret } from '../model/calls.ts'

export interface ValueType<T> {
  /** As the documentation prints it. */
  readonly name: string
  readonly schema: z.ZodType<T, string>
  /** What a key given without a value means: not given at all, or the empty text. */
  readonly empty: 'unset' | 'value'
  /** What a list in YAML is joined with, where its items may hold commas; Milvus' way is a comma. */
  readonly itemSeparator?: '; '
}

function valueType<T>(name: string, schema: z.ZodType<T, string>, empty: 'unset' | 'value' = 'unset'): ValueType<T> {
  return { name, schema, empty }
}

const trimmed = z.string().transform((text) => text.trim())

function wholeNumber(what: string, min: number, max: number) {
  const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`
  const error = `must be ${what}, ${range}`
  return trimmed
    .pipe(z.string().regex(/^[+-]?\d+$/, error))
    .transform(Number)
    .pipe(z.number({ error }).int({ error }).min(min, { error }).max(max, { error }))
}

/** A whole number in `min` … `max`, decimal digits only. */
export function int(min: number, max: number = Number.MAX_SAFE_INTEGER): ValueType<number> {
  return valueType('integer', wholeNumber('a whole number', min, max))
}

/** A whole number that never exceeds `cap`: larger ones are taken as `cap`, as Milvus does for password lengths. */
export function intCapped(min: number, cap: number): ValueType<number> {
  const schema = wholeNumber('a whole number', min, Number.MAX_SAFE_INTEGER).transform((value) => Math.min(value, cap))
  return valueType(`integer, at most ${cap}`, schema)
}

/** A number of bytes. */
export function bytes(min: number): ValueType<number> {
  return valueType('bytes', wholeNumber('a whole number of bytes', min, Number.MAX_SAFE_INTEGER))
}

/** A TCP port; 0 lets the system choose. */
export const port: ValueType<number> = valueType('port', wholeNumber('a port number', 0, 65535))

/** A TCP port, or null where it is left empty. */
export const optionalPort: ValueType<number | null> = valueType(
  'port or empty',
  z.union([trimmed.pipe(z.literal('')).transform(() => null), port.schema], {
    error: 'must be empty or a port number, 0 to 65535',
  }),
  'value',
)

const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True'])
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False'])

/** The words of Go's `strconv.ParseBool`, which Milvus reads. */
export const bool: ValueType<boolean> = valueType(
  'true or false',
  trimmed
    .refine((text) => TRUE.has(text) || FALSE.has(text), { error: 'must be true or false' })
    .transform((text) => TRUE.has(text)),
)

/** Any text; the empty text counts. */
export const text: ValueType<string> = valueType('text', z.string(), 'value')

/** A path; relative ones are resolved against the working directory, as Milvus does. */
export const path: ValueType<string> = valueType('path', z.string(), 'value')

/** Text that is never printed. */
export const secret: ValueType<Secret> = valueType(
  'secret',
  z.string().transform((value) => new Secret(value)),
)

/** Words separated by commas. */
export const list: ValueType<readonly string[]> = valueType(
  'comma-separated list',
  z.string().transform((value) =>
    value
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  ),
  'value',
)

/** Texts that may hold commas: a list in YAML; elsewhere one a line, or separated by `;`. */
export const lines: ValueType<readonly string[]> = {
  ...valueType(
    'list',
    z.string().transform((value) =>
      value
        .split(/[\n;]/)
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    ),
    'value',
  ),
  itemSeparator: '; ',
}

/** One of a few words, whatever their case. */
export function oneOf<const W extends string>(words: readonly [W, ...W[]]): ValueType<W> {
  const schema = trimmed
    .transform((value) => value.toLowerCase())
    .pipe(z.enum(words, { error: `must be one of ${words.join(', ')}` }))
  return valueType(words.join(', '), schema)
}

const UNIT_MS = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1, us: 1e-3, ns: 1e-6 } as const
const DURATION = /^(\d+(?:\.\d+)?(?:h|ms|m|s|us|ns))+$/
const DURATION_PART = /(\d+(?:\.\d+)?)(h|ms|m|s|us|ns)/g

function durationMs(value: string, bareUnit: 's' | 'ms'): number {
  if (/^\d+$/.test(value)) return Number(value) * UNIT_MS[bareUnit]
  if (!DURATION.test(value)) return Number.NaN
  let total = 0
  for (const [, amount, unit] of value.matchAll(DURATION_PART)) {
    total += Number(amount) * (Object.entries(UNIT_MS).find(([name]) => name === unit)?.[1] ?? Number.NaN)
  }
  return total
}

/** A Go duration such as `5s`, `1m30s` or `300ms`; a bare number counts `bareUnit`s. The value is in milliseconds. */
export function duration(bareUnit: 's' | 'ms'): ValueType<number> {
  const error = `must be a duration such as 5s or 300ms (a bare number means ${bareUnit === 's' ? 'seconds' : 'milliseconds'})`
  const schema = trimmed.transform((value) => durationMs(value, bareUnit)).pipe(z.number({ error }).min(0, { error }))
  return valueType('duration', schema)
}

/** Milvus' own words for a mode that does not exist (internal/distributed/proxy/listener_manager.go). */
export const TLS_MODE_TEXT =
  'tls mode must be 0: no authentication, 1: one way authentication or 2: two way authentication'

/** 0, 1 or 2; whatever else is an error, an empty value too, so that a slip can never mean plaintext. */
export const tlsMode: ValueType<0 | 1 | 2> = valueType(
  '0, 1 or 2',
  trimmed
    .pipe(z.enum(['0', '1', '2'], { error: TLS_MODE_TEXT }))
    .transform((digit) => (digit === '0' ? 0 : digit === '1' ? 1 : 2)),
  'value',
)
