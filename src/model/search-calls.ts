import type { HybridTs, InPartitions, SearchRequest } from './calls.ts'
import type { ConsistencyLevel } from './schema.ts'

/** Hits by group: `limit` and `offset` of the search then count groups. */
export interface Grouping {
  readonly field: string
  /** Hits a group has at most. */
  readonly size: number
  /** Fill every group as far as its rows go, instead of taking what was found beside its best hit. */
  readonly strict: boolean
}

/** How the hits of several searches become one list (milvus-api.md C5). */
export type Ranker =
  | { readonly kind: 'rrf'; readonly k: number }
  | { readonly kind: 'weighted'; readonly weights: readonly number[]; readonly normalised: boolean }

/** The score of a group: of its hits' fused scores. */
export type GroupScorer = 'max' | 'sum' | 'avg'

export interface HybridSearchRequest extends InPartitions {
  /** `topk` of each is how many of its hits are ranked; their own partitions, offsets and output fields mean nothing. */
  readonly requests: readonly SearchRequest[]
  readonly ranker: Ranker
  readonly grouping: (Grouping & { readonly scorer: GroupScorer }) | null
  readonly topk: number
  readonly offset: number
  readonly roundDecimal: number
  readonly outputFields: readonly string[]
  readonly consistency: ConsistencyLevel | null
  readonly guaranteeTs: HybridTs
}
