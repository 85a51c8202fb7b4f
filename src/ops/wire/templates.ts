import { fault } from '../../errors/error.ts'
import type { TemplateArrayValue, TemplateValue as WireValue } from '../../gen/schema_pb.js'
import type { TemplateValue } from '../../model/calls.ts'
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
      return data.value.data.map((bytes) => jsonTemplate(name, JSON.parse(new TextDecoder().decode(bytes))))
    case undefined:
      return []
  }
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
