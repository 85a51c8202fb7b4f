/** What a native nearest-neighbour library must do for us: build a segment once, then answer read-only. */
import type { Column } from '../../model/columns.ts'
import type { FieldSchema, MetricType } from '../../model/schema.ts'

/** A field as a segment carries it: its SQL column name (`f<id>`, `pk`) and the schema type it came from. */
export interface CarriedField {
  readonly name: string
  readonly type: FieldSchema['type']
}

/** How a segment is built. */
export interface SegmentSpec {
  readonly dim: number
  readonly metric: MetricType
  readonly m: number
  readonly efConstruction: number
  readonly carried: readonly CarriedField[]
}

/** Build: insert only, then one `finish`. Inserts block their thread: for the build process. */
export interface SegmentBuilder {
  /** Ascending row ids, rows x dim, and the carried columns in the order of the spec. */
  insert(rids: Float64Array, vectors: Float32Array, scalars: readonly Column[]): void
  /** Builds the index, closes the files, and names the fields whose every value was carried exactly. */
  finish(): Promise<{ readonly exact: readonly string[] }>
  /** Closes without building. */
  abandon(): void
}

/** Hits of one native search. */
export interface NativeHits {
  readonly rids: Float64Array
  /** Milvus' scores, best first. */
  readonly scores: Float32Array
}

/** One native search. */
export interface NativeQuery {
  readonly query: Float32Array
  readonly k: number
  /** Width of the graph search, at most `efMax`; `linear` computes every distance. */
  readonly ef: number | 'linear'
  /** The library's own filter language over carried fields; null = all rows. */
  readonly filter: string | null
}

/** An open, immutable segment. */
export interface NativeSegment {
  readonly count: number
  /** Off the calling thread. */
  search(query: NativeQuery): Promise<NativeHits>
  /** Stored vectors by row id; a row that is not there is missing from the map. Blocks: for few rows. */
  fetch(rids: readonly number[]): ReadonlyMap<number, Float32Array>
  /** A filter for exactly these rows. */
  ridFilter(rids: Iterable<number>): string
  close(): void
}

/** A library as the engine knows it; everything native stays behind this. */
export interface NativeLibrary {
  readonly name: string
  readonly version: string
  readonly efMax: number
  /** Bytes of a file (path relative to the segment) that change when a segment is merely closed: offset and length. */
  volatileBytes(path: string): readonly (readonly [offset: number, length: number])[]
  /** Whether a field of this type can be carried for filters. */
  carries(field: FieldSchema): boolean
  /** `directory` must not exist yet. */
  create(directory: string, spec: SegmentSpec): SegmentBuilder
  /** @throws Error when the library refuses the files. Check their sums before: a damaged file can crash it. */
  open(directory: string, spec: Pick<SegmentSpec, 'dim' | 'metric'>): NativeSegment
}
