import { fault } from '../errors/error.ts'
import { isVectorType } from '../model/fields/table.ts'
import { type FieldSchema, type MetricType, metricTypes, type Properties } from '../model/schema.ts'

/** What really serves an index of a name: a graph over sealed segments, or exact search only. */
export interface IndexPlan {
  readonly indexType: string
  readonly metric: MetricType
  readonly kind: 'graph' | 'flat'
  readonly m: number
  readonly efConstruction: number
}

interface ParamRule {
  readonly min: number
  readonly max: number
}
interface IndexRule {
  readonly kind: 'graph' | 'flat'
  readonly params: Readonly<Record<string, ParamRule>>
}

const INT_MAX = 2 ** 31 - 1
/** The vector index names served so far, with Milvus' ranges (milvus-api D1). */
const rules: Readonly<Record<string, IndexRule>> = {
  FLAT: { kind: 'flat', params: {} },
  HNSW: { kind: 'graph', params: { M: { min: 2, max: 2048 }, efConstruction: { min: 1, max: INT_MAX } } },
  IVF_FLAT: { kind: 'graph', params: { nlist: { min: 1, max: 65_536 } } },
  AUTOINDEX: { kind: 'graph', params: {} },
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
  const rule = rules[indexType]
  if (!isVectorType(field.type)) {
    throw fault(
      'invalidParameter',
      `index ${indexType} on scalar field ${field.name} is not served yet; filters work without one`,
    )
  }
  if (!rule) {
    throw fault('invalidParameter', 'invalid parameter', {
      expected: 'valid index',
      actual: `invalid index type: ${indexType}`,
    })
  }
  const metric = metricOf(indexType, flat['metric_type'])
  if (indexType === 'AUTOINDEX') {
    const extra = Object.keys(flat).filter((k) => !NOT_BUILD_PARAMS.has(k))
    if (extra.length > 0) throw fault('invalidParameter', 'only metric type can be passed when use AutoIndex')
  }
  for (const [key, range] of Object.entries(rule.params)) {
    if (flat[key] !== undefined) checkInteger(key, flat[key], range)
  }
  return {
    indexType,
    metric,
    kind: rule.kind,
    m: Math.min(Number(flat['M'] ?? DEFAULT_M), M_MAX_SERVED),
    efConstruction: Math.min(Number(flat['efConstruction'] ?? DEFAULT_EF_CONSTRUCTION), 2_000),
  }
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

function metricOf(indexType: string, given: string | undefined): MetricType {
  if (given === undefined || given === '') {
    if (indexType === 'AUTOINDEX') return 'COSINE'
    throw fault('invalidParameter', 'metric type not set for vector index')
  }
  const metric = metricTypes.find((m) => m === given.toUpperCase())
  if (!metric) throw fault('invalidParameter', `float vector index does not support metric type: ${given}`)
  return metric
}

function checkInteger(key: string, text: string, { min, max }: ParamRule): void {
  const value = Number(text)
  if (text.trim() === '' || !Number.isInteger(value)) {
    throw fault('invalidParameter', `invalid integer value, key: '${key}', value: '${text}'`)
  }
  if (value < min || value > max) {
    throw fault('invalidParameter', `param '${key}' (${text}) should be in range [${min}, ${max}]`)
  }
}
