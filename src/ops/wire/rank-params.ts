import { fault } from '../../errors/error.ts'
import type { HybridSearchRequest } from '../../model/search-calls.ts'
import { groupingOf, groupingPairs, scorerOf } from './grouping.ts'
import type { Pair } from './properties.ts'
import { type RankFunction, rankerOf, rankerPairs } from './ranker.ts'
import { integer, round } from './search-params.ts'

export type RankParams = Pick<HybridSearchRequest, 'ranker' | 'grouping' | 'topk' | 'offset' | 'roundDecimal'>

/** What `rank_params` of a hybrid search say. @throws RedkiteError `invalidParameter` with Milvus' texts */
export function hybridParams(pairs: readonly Pair[], functions: readonly RankFunction[]): RankParams {
  const flat = new Map(pairs.map(({ key, value }) => [key, value]))
  const take = (key: string): string => flat.get(key) ?? ''
  const limit = take('limit')
  if (limit === '') throw fault('invalidParameter', 'limit not found in rank_params')
  const grouping = groupingOf(take)
  return {
    ranker: rankerOf(take('strategy'), take('params'), functions),
    grouping: grouping === null ? null : { ...grouping, scorer: scorerOf(take('rank_group_scorer')) },
    topk: integer('limit', limit),
    offset: integer('offset', take('offset') || '0'),
    roundDecimal: round(take('round_decimal')),
  }
}

/** The mirror of `hybridParams`. */
export function rankPairs({ ranker, grouping, topk, offset, roundDecimal }: RankParams): Pair[] {
  return [
    ...rankerPairs(ranker),
    { key: 'limit', value: String(topk) },
    { key: 'offset', value: String(offset) },
    { key: 'round_decimal', value: String(roundDecimal) },
    ...groupingPairs(grouping),
    ...(grouping === null ? [] : [{ key: 'rank_group_scorer', value: grouping.scorer }]),
  ]
}
