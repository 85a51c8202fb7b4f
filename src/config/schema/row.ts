import type { ValueType } from '../value-types.ts'

/**
 * One configuration key. Milvus' own keys keep Milvus' names and defaults (its code's, or those of the
 * `milvus.yaml` that its images ship where the two differ); ours start with `redkite.`.
 */
export interface KeyRow<T = unknown> {
  readonly type: ValueType<T>
  /** As one would write it in a file. */
  readonly default: string
  /** One sentence for the documentation. */
  readonly doc: string
  /**
   * Where the value stands in `Config`, if not under the key itself (`redkite.` never shows there): used to put a
   * unit into the name. null: read by `derive.ts` only.
   */
  readonly as?: string | null
  /** Names that count where the key itself is not given, wherever it is given. */
  readonly fallback?: readonly string[]
  /** `none`: accepted, so that a Milvus file stays valid, and without effect here; it is not in `Config`. */
  readonly effect?: 'none'
}

/** A group of rows, in the order in which the documentation prints them. */
export type KeyRows = Readonly<Record<string, KeyRow>>
