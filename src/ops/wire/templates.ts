import type { MessageInitShape } from '@bufbuild/protobuf'
import { fault } from '../../errors/error.ts'
import type {
  TemplateArrayValue,
  TemplateArrayValueSchema,
  TemplateValueSchema,
  TemplateValue as WireValue,
} from '../../gen/schema_pb.js'
import type { TemplateValue } from '../../model/calls.ts'
import { jsonText } from '../../model/fields/json.ts'
import { isObject } from './properties.ts'

export type Templates = Readonly<Record<string, TemplateValue>>

/** `expr_template_values` in plain data. */
export function templatesOf(values: Readonly<Record<string, WireValue>>): Templates {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, templateOf(name, value)]))
}

function templateOf(name: string, { val }: WireValue): TemplateValue {
  switch (val.case) {
    case 'boolVal':
    case 'int64Val':
    case 'floatVal':
    case 'stringVal':
      return val.value
    case 'arrayVal':
      return arrayOf(name, val.value)
    case 'bytesVal':
      throw fault('unimplemented', `bytes as the value of expression template variable name {${name}}`)
    case undefined:
      throw fault('invalidParameter', `the value of expression template variable name {${name}} is empty`)
  }
}

function arrayOf(name: string, { data }: TemplateArrayValue): readonly TemplateValue[] {
  switch (data.case) {
    case 'boolData':
    case 'longData':
    case 'doubleData':
    case 'stringData':
      return data.value.data
    case 'arrayData':
      return data.value.data.map((inner) => arrayOf(name, inner))
    case 'jsonData':
      return data.value.data.map((bytes) => jsonTemplate(name, parsed(name, new TextDecoder().decode(bytes))))
    case undefined:
      return []
  }
}

function parsed(name: string, text: string): unknown {
  try {
    return JSON.parse(text, exactInt64)
  } catch {
    throw fault('invalidParameter', `an element of expression template variable {${name}} is not JSON`)
  }
}

/** Whole numbers beyond 2^53 keep their digits. */
function exactInt64(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source ?? ''
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !/^-?\d+$/.test(source)) return value
  const whole = BigInt(source)
  return BigInt.asIntN(64, whole) === whole ? whole : value
}

/** The mirror of `templatesOf`. */
export function toTemplates(templates: Templates): Record<string, MessageInitShape<typeof TemplateValueSchema>> {
  return Object.fromEntries(Object.entries(templates).map(([name, value]) => [name, { val: toValue(value) }]))
}

function toValue(value: TemplateValue): NonNullable<MessageInitShape<typeof TemplateValueSchema>['val']> {
  switch (typeof value) {
    case 'boolean':
      return { case: 'boolVal', value }
    case 'bigint':
      return { case: 'int64Val', value }
    case 'number':
      return { case: 'floatVal', value }
    case 'string':
      return { case: 'stringVal', value }
    default:
      return { case: 'arrayVal', value: toArray(value) }
  }
}

/** A list of one kind under that kind's member; a mixed one as JSON values, as pymilvus sends it. */
function toArray(values: readonly TemplateValue[]): MessageInitShape<typeof TemplateArrayValueSchema> {
  if (values.length === 0) return {}
  if (values.every((v) => typeof v === 'boolean')) return { data: { case: 'boolData', value: { data: [...values] } } }
  if (values.every((v) => typeof v === 'bigint')) return { data: { case: 'longData', value: { data: [...values] } } }
  if (values.every((v) => typeof v === 'number')) return { data: { case: 'doubleData', value: { data: [...values] } } }
  if (values.every((v) => typeof v === 'string')) return { data: { case: 'stringData', value: { data: [...values] } } }
  if (values.every((v) => Array.isArray(v))) {
    return { data: { case: 'arrayData', value: { data: values.map(toArray) } } }
  }
  const encoder = new TextEncoder()
  return { data: { case: 'jsonData', value: { data: values.map((v) => encoder.encode(jsonText(v))) } } }
}

/**
 * REST's `exprParams` as templates; whole numbers are int64, as Milvus reads them.
 * @throws RedkiteError `invalidParameter` for null and objects.
 */
export function templatesFromJson(values: unknown): Templates {
  if (values === undefined || values === null) return {}
  if (!isObject(values)) throw fault('invalidParameter', 'exprParams must be an object')
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, jsonTemplate(name, value)]))
}

function jsonTemplate(name: string, value: unknown): TemplateValue {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (typeof value === 'boolean' || typeof value === 'string' || typeof value === 'bigint') return value
  if (Array.isArray(value)) return value.map((inner) => jsonTemplate(name, inner))
  throw fault('invalidParameter', `the value of expression template variable name {${name}} has no supported type`)
}
