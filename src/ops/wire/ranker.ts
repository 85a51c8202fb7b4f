import { fault } from '../../errors/error.ts'
import { FunctionType } from '../../gen/schema_pb.js'
import type { Ranker } from '../../model/search-calls.ts'
import { isObject, jsonObject, type Pair, textOf } from './properties.ts'

const K_DEFAULT = 60
const K_MAX = 16_384

/** A function of `function_score`, as far as a ranker is made of it. */
export interface RankFunction {
  readonly type: number
  readonly inputFieldNames: readonly string[]
  readonly params: readonly Pair[]
}

/**
 * The ranker of a hybrid search: `strategy` and `params` of `rank_params` (RRF when nothing is said; weights count
 * normalised scores unless told otherwise), or the one function of `function_score` (raw scores unless told otherwise).
 * @throws RedkiteError `invalidParameter` with Milvus' texts, `unimplemented` for decay, boost and model rankers.
 */
export function rankerOf(strategy: string, params: string, functions: readonly RankFunction[]): Ranker {
  const [first] = functions
  if (!first) return legacyRanker(strategy, params)
  if (functions.length > 1) {
    throw fault('invalidParameter', `Currently only supports one rerank, but got ${functions.length}`)
  }
  return functionRanker(first)
}

/** The mirror of `rankerOf`, in the form that every Milvus since 2.4 reads. */
export function rankerPairs(ranker: Ranker): Pair[] {
  const params = ranker.kind === 'rrf' ? { k: ranker.k } : { weights: ranker.weights, norm_score: ranker.normalised }
  return [
    { key: 'strategy', value: ranker.kind },
    { key: 'params', value: JSON.stringify(params) },
  ]
}

function legacyRanker(strategy: string, text: string): Ranker {
  const params = jsonObject(text, 'rank params')
  switch (strategy === '' ? 'rrf' : strategy) {
    case 'rrf': {
      if (strategy !== '' && params['k'] === undefined) throw invalid('k not found in rank_params')
      const { k = K_DEFAULT } = params
      if (typeof k !== 'number') throw invalid('The type of rank param k should be float')
      return { kind: 'rrf', k: checkedK(k) }
    }
    case 'weighted': {
      const { weights, norm_score: normalised = true } = params
      if (weights === undefined) throw invalid('weights not found in rank_params')
      if (typeof normalised !== 'boolean')
        throw invalid(`norm_score params must be true/false, but got ${textOf(normalised)}`)
      return { kind: 'weighted', weights: checkedWeights(weights), normalised }
    }
    default:
      throw invalid(`unsupported rank type ${strategy}`)
  }
}

function functionRanker({ type, inputFieldNames, params }: RankFunction): Ranker {
  if (type !== FunctionType.Rerank) throw invalid(`${FunctionType[type] ?? type} is not a rerank function`)
  const given = new Map(params.map(({ key, value }) => [key.toLowerCase(), value]))
  const name = (given.get('reranker') ?? '').toLowerCase()
  if (name !== 'rrf' && name !== 'weighted') {
    if (['decay', 'boost', 'model'].includes(name)) throw fault('unimplemented', `reranker ${name}`)
    throw invalid(`Unsupported rerank function: [${name}]; use rrf or weighted`)
  }
  if (inputFieldNames.length > 0) {
    throw invalid(`The ${name} function does not support input parameters, but got [${inputFieldNames.join(' ')}]`)
  }
  if (name === 'rrf') {
    const text = given.get('k') ?? String(K_DEFAULT)
    const k = text.trim() === '' ? Number.NaN : Number(text)
    if (Number.isNaN(k)) throw invalid(`Param k:${text} is not a number`)
    if (given.has('weights')) throw fault('unimplemented', 'weights of an rrf reranker')
    return { kind: 'rrf', k: checkedK(k) }
  }
  const weights = given.get('weights')
  if (weights === undefined) throw invalid('weights not found')
  const normText = given.get('norm_score') ?? 'false'
  if (!/^(1|t|true|0|f|false)$/i.test(normText))
    throw invalid(`norm_score params must be true/false, but got ${normText}`)
  return { kind: 'weighted', weights: checkedWeights(parsed(weights)), normalised: /^(1|t)/i.test(normText) }
}

/** REST's `functionScore`: its functions with params as text. @throws RedkiteError `invalidParameter` */
export function rankFunctionsFromJson(functionScore: Readonly<Record<string, unknown>>): RankFunction[] {
  const { functions = [] } = functionScore
  if (!Array.isArray(functions) || !functions.every(isObject)) throw invalid('functionScore.functions must be a list')
  return functions.map((given) => {
    const { type, inputFieldNames, params } = given
    const names = Array.isArray(inputFieldNames) ? inputFieldNames.map(String) : []
    const pairs = isObject(params) ? Object.entries(params).map(([key, value]) => ({ key, value: textOf(value) })) : []
    return {
      type: type === 'Rerank' ? FunctionType.Rerank : FunctionType.Unknown,
      inputFieldNames: names,
      params: pairs,
    }
  })
}

function checkedK(k: number): number {
  if (!(k > 0 && k < K_MAX)) throw invalid(`The rank params k should be in range (0, ${K_MAX})`)
  return k
}

function checkedWeights(weights: unknown): readonly number[] {
  if (!Array.isArray(weights) || !weights.every((weight) => typeof weight === 'number')) {
    throw invalid(`The weights param should be an array of numbers, but got ${textOf(weights)}`)
  }
  if (!weights.every((weight) => weight >= 0 && weight <= 1)) {
    throw invalid('rank param weight should be in range [0, 1]')
  }
  return weights
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const invalid = (text: string): Error => fault('invalidParameter', text)
