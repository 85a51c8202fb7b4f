/**
 * The vector side of one vector field of one collection: growing rows searched exactly, sealed segments searched by
 * a native index. Everything here is derived from the row store and can be rebuilt from it.
 *
 * Scores are Milvus': L2 squared (smaller is better), IP and COSINE (larger is better; a zero vector scores 0).
 * Row ids are ascending integers below 2^53, held in Float64Array.
 */
import type { Column } from '../model/columns.ts'
import type { FieldSchema, MetricType } from '../model/schema.ts'

/** Where vectors come from when a segment is built or the growing tail is loaded: the row store. */
export interface VectorSource {
  /** Live rows with rid in (after, upTo], ascending, at most `limit`. `vectors` is rows x dim, row-major. */
  read(
    after: number,
    upTo: number,
    limit: number,
  ): Promise<{ readonly rids: Float64Array; readonly vectors: Float32Array; readonly scalars: readonly Column[] }>
  /** Rows deleted so far with rid in (after, upTo]. */
  dead(after: number, upTo: number): Promise<Float64Array>
  /** The highest committed rid. */
  lastRid(): number
}

export interface FieldIndexOptions {
  /** `<collection>/index/<fieldId>`; owned by this index: anything in it may be deleted and rebuilt. */
  readonly directory: string
  readonly dim: number
  readonly metric: MetricType
  /** Graph parameters of the native index; FLAT = never build one. */
  readonly kind: 'graph' | 'flat'
  readonly m: number
  readonly efConstruction: number
  /** Scalar fields to carry in segments so that filters can be pushed into the search. */
  readonly scalars: readonly FieldSchema[]
  readonly source: VectorSource
  /** Growing rows above this are sealed in the background. */
  readonly sealRows: number
}

/**
 * Which rows may be returned, chosen by the planner:
 * - `only`: exactly these row ids (few); searched exactly.
 * - `pass`: rows of the bitmap (bit = rid - base, LSB first in each byte). When `pushdown` is given the native index
 *   filters by itself and the bitmap covers only the growing rows; else results are re-checked and the search widens.
 */
export type RowFilter =
  | { readonly kind: 'only'; readonly rids: Float64Array }
  | {
      readonly kind: 'pass'
      readonly base: number
      readonly bits: Uint8Array
      readonly passing: number
      readonly pushdown: string | null
    }

export interface VectorSearch {
  /** nq x dim, row-major. */
  readonly queries: Float32Array
  readonly nq: number
  readonly k: number
  /** Candidate list of the graph search; >= k. null = the default that reaches recall .99. */
  readonly ef: number | null
  readonly filter: RowFilter | null
  /** Range search: similarity radius < score <= rangeFilter; distance rangeFilter <= score < radius. */
  readonly radius: number | null
  readonly rangeFilter: number | null
  /** Skip native segments and compute every distance. */
  readonly exact: boolean
}

/** Best first, equal scores by ascending rid; `counts[q]` hits of query q lie behind one another. */
export interface VectorHits {
  readonly counts: Int32Array
  readonly rids: Float64Array
  readonly scores: Float32Array
}

export interface FieldIndexState {
  readonly segments: number
  /** Live rows in segments, and in the growing part. */
  readonly sealedRows: number
  readonly growingRows: number
  /** The highest rid a segment covers: the growing part begins behind it. */
  readonly sealedUpTo: number
  readonly building: boolean
  readonly failure: string | null
}

export interface FieldIndex extends AsyncDisposable {
  /** Committed rows, in commit order; `vectors` (count x dim) lies over a SharedArrayBuffer and is kept. */
  append(firstRid: number, count: number, vectors: Float32Array): void
  /** Rows deleted by a committed change; hidden from the next search on. */
  remove(rids: Float64Array): void
  search(search: VectorSearch): Promise<VectorHits>
  state(): FieldIndexState
  /** Pushable predicates are those whose every field is in this list (a segment may hold values it cannot carry exactly). */
  pushableFields(): ReadonlySet<string>
  /** Seals what grows now (flush, index build) and resolves when it is served from a verified segment. */
  seal(): Promise<void>
  /** Rebuilds segments without their dead rows, merging small ones. */
  compact(): Promise<void>
}
