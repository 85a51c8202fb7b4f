import { fault } from '../errors/error.ts'
import { isVectorType } from '../model/fields/table.ts'
import { type FieldSchema, type MetricType, metricTypes, type Properties } from '../model/schema.ts'
import { familyOf, type IndexRule, type ParamRule, rules } from './index-names.ts'

/** What really serves an index of a name: a graph over sealed segments, exact search, or lists of each dimension. */
export interface IndexPlan {
  readonly indexType: string
  readonly metric: MetricType
  readonly kind: 'graph' | 'flat'
  readonly m: number
  readonly efConstruction: number
}

/** Milvus' AUTOINDEX build defaults for dense vectors. */
const DEFAULT_M = 18
const DEFAULT_EF_CONSTRUCTION = 240
const M_MAX_SERVED = 64

/**
 * Reads and checks the parameters of CreateIndex (`index_type`, `metric_type`, `params` JSON or flat keys).
 * @throws RedkiteError `invalidParameter` with Milvus' text
 */
export function planIndex(field: FieldSchema, params: Properties): IndexPlan {
  const flat = flatten(params)
  const indexType = (flat['index_type'] || 'AUTOINDEX').toUpperCase()
  if (!isVectorType(field.type)) {
    throw fault(
      'invalidParameter',
      `index ${indexType} on scalar field ${field.name} is not served yet; filters work without one`,
    )
  }
  const rule = ruleOf(indexType, field)
  const metric = metricOf(indexType, rule, field, flat['metric_type'])
  if (indexType === 'AUTOINDEX') {
    const extra = Object.keys(flat).filter((k) => !NOT_BUILD_PARAMS.has(k))
    if (extra.length > 0) throw fault('invalidParameter', 'only metric type can be passed when use AutoIndex')
  }
  for (const [key, range] of Object.entries(rule.params)) checkParam(key, flat[key], range, field)
  // bits and sparse rows have no graph here: they are searched exactly
  const kind = familyOf(field.type) === 'dense' ? rule.kind : 'flat'
  return {
    indexType,
    metric,
    kind,
    m: Math.min(Number(flat['M'] ?? DEFAULT_M), M_MAX_SERVED),
    efConstruction: Math.min(Number(flat['efConstruction'] ?? DEFAULT_EF_CONSTRUCTION), 2_000),
  }
}

function ruleOf(indexType: string, field: FieldSchema): IndexRule {
  const rule = rules[indexType]
  if (!rule) {
    throw fault('invalidParameter', 'invalid parameter', {
      expected: 'valid index',
      actual: `invalid index type: ${indexType}`,
    })
  }
  if (!rule.fields.includes(field.type)) {
    throw fault('invalidParameter', `index ${indexType} do not support data type: ${field.type}`)
  }
  return rule
}

const NOT_BUILD_PARAMS = new Set(['index_type', 'metric_type', 'mmap.enabled', 'indexoffsetcache.enabled', 'warmup'])

/** The `params` JSON merged into the flat keys. */
export function flatten(params: Properties): Record<string, string> {
  const flat: Record<string, string> = {}
  for (const [key, value] of Object.entries(params)) {
    if (key !== 'params') {
      flat[key] = value
      continue
    }
    let inner: unknown
    try {
      inner = JSON.parse(value === '' ? '{}' : value)
    } catch {
      throw fault('invalidParameter', `index params is not a JSON object: ${value}`)
    }
    for (const [k, v] of Object.entries(inner ?? {})) flat[k] = typeof v === 'string' ? v : JSON.stringify(v)
  }
  return flat
}

function metricOf(indexType: string, rule: IndexRule, field: FieldSchema, given: string | undefined): MetricType {
  const family = familyOf(field.type)
  if (given === undefined || given === '') {
    if (indexType === 'AUTOINDEX') return ({ dense: 'COSINE', binary: 'HAMMING', sparse: 'IP' } as const)[family]
    throw fault('invalidParameter', 'metric type not set for vector index')
  }
  const metric = metricTypes.find((m) => m === given.toUpperCase())
  if (metric && rule.metrics[family].includes(metric)) return metric
  if (family === 'sparse') {
    if (given.toUpperCase() === 'BM25') {
      throw fault('invalidParameter', 'only BM25 Function output field support BM25 metric type')
    }
    throw fault('invalidParameter', 'only IP&BM25 is the supported metric type for sparse index')
  }
  const name = family === 'binary' ? 'binary' : field.type === 'Int8Vector' ? 'int8' : 'float'
  throw fault('invalidParameter', `${name} vector index does not support metric type: ${given}`)
}

function checkParam(key: string, text: string | undefined, rule: ParamRule, field: FieldSchema): void {
  if (text === undefined) {
    if (rule.required) throw fault('invalidParameter', `param '${key}' is required and has no value`)
    return
  }
  if (rule.oneOf) {
    if (rule.oneOf.some((name) => name === text.toUpperCase())) return
    throw fault('invalidParameter', `param '${key}' (${text}) should be one of ${rule.oneOf.join(', ')}`)
  }
  const value = Number(text)
  if (text.trim() === '' || !(rule.real ? Number.isFinite(value) : Number.isInteger(value))) {
    const kind = rule.real ? 'float' : 'integer'
    throw fault('invalidParameter', `invalid ${kind} value, key: '${key}', value: '${text}'`)
  }
  const { min, max } = rule
  const outside = value < min || value > max || (rule.open === true && value === max)
  if (outside) {
    throw fault(
      'invalidParameter',
      `param '${key}' (${text}) should be in range [${min}, ${max}${rule.open ? ')' : ']'}`,
    )
  }
  if (rule.dividesDim && field.dim % value !== 0) {
    throw fault(
      'invalidParameter',
      `dimension must be able to be divided by '${key}', dimension: ${field.dim}, ${key}: ${value}`,
    )
  }
}
