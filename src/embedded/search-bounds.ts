import { smallerIsBetter } from '../engine/top-k.ts'
import { fault } from '../errors/error.ts'
import type { SearchRequest } from '../model/calls.ts'
import type { MetricType } from '../model/schema.ts'
import type { EmbeddedLimits } from './world.ts'

/** Milvus' bounds of limit and offset, with its texts (milvus-api B2). @throws RedkiteError `invalidParameter` */
export function checkWindow({ topk, offset }: { topk: number; offset: number }, limits: EmbeddedLimits): void {
  const range = `[1, ${limits.topkMax}]`
  if (!Number.isInteger(topk) || topk < 1 || topk > limits.topkMax) {
    throw fault('invalidParameter', `topk [${topk}] is invalid, it should be in range ${range}, but got ${topk}`)
  }
  if (!Number.isInteger(offset) || offset < 0) {
    throw fault('invalidParameter', `offset [${offset}] is invalid, it should be in range [0, ${limits.topkMax}]`)
  }
  if (topk + offset > limits.resultWindowMax) {
    throw fault(
      'invalidParameter',
      `(offset+limit) should be in range [1, ${limits.resultWindowMax}], but got ${topk + offset}`,
    )
  }
}

/** @throws RedkiteError `invalidParameter` */
export function checkQueries(nq: number, limits: EmbeddedLimits): void {
  if (nq >= 1 && nq <= limits.nqMax) return
  throw fault(
    'invalidParameter',
    `nq (number of search vector per search request) should be in range [1, ${limits.nqMax}], but got ${nq}`,
  )
}

function numberParam(request: SearchRequest, key: string): number | null {
  const value = request.params[key]
  if (value === undefined || value === null || value === '') return null
  const number = typeof value === 'string' || typeof value === 'bigint' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isFinite(number)) {
    throw fault('invalidParameter', `search param '${key}' (${JSON.stringify(value)}) should be a number`)
  }
  return number
}

/** The candidates of the graph search, at least `k`; null = as measured. @throws RedkiteError `invalidParameter` */
export function candidates(request: SearchRequest, indexType: string, k: number): number | null {
  const ef = numberParam(request, 'ef')
  if (ef !== null && indexType === 'HNSW') {
    if (!Number.isInteger(ef) || ef < 1)
      throw fault('invalidParameter', `param 'ef' (${ef}) should be in range [1, 2147483647]`)
    if (ef < k) throw fault('invalidParameter', `ef(${ef}) should be larger than k(${k})`)
  }
  const nprobe = numberParam(request, 'nprobe')
  if (nprobe !== null && (!Number.isInteger(nprobe) || nprobe < 1 || nprobe > 65_536)) {
    throw fault('invalidParameter', `param 'nprobe' (${nprobe}) should be in range [1, 65536]`)
  }
  return ef === null ? null : Math.max(ef, k)
}

/** Range search (milvus-api C3). @throws RedkiteError `invalidParameter` */
export function rangeOf(
  request: SearchRequest,
  metric: MetricType,
): { readonly radius: number | null; readonly rangeFilter: number | null } {
  const radius = numberParam(request, 'radius')
  const rangeFilter = numberParam(request, 'range_filter')
  if (rangeFilter === null) return { radius, rangeFilter }
  if (radius === null) {
    throw fault(
      'invalidParameter',
      'range_filter requires radius to be set; range_filter alone is not a valid range search parameter',
    )
  }
  const isDistance = smallerIsBetter(metric)
  if (isDistance ? rangeFilter >= radius : rangeFilter <= radius) {
    const wanted = isDistance ? 'less' : 'greater'
    throw fault(
      'invalidParameter',
      `metric type (${metric}), range_filter(${rangeFilter}) must be ${wanted} than radius(${radius})`,
    )
  }
  return { radius, rangeFilter }
}
