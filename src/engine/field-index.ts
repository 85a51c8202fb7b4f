/** The index of one vector field: parts, the searches over them, and the background that keeps them in shape. */
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { FieldIndex, FieldIndexOptions, FieldIndexState, VectorHits, VectorSearch } from './contract.ts'
import { Maintenance } from './maintenance.ts'
import type { NativeLibrary } from './native/contract.ts'
import { Parts } from './parts.ts'
import { recover } from './recover.ts'
import type { ScanPool } from './scan-pool.ts'
import { searchParts } from './search.ts'

/** What an index shares with the others of its engine. */
export interface FieldIndexScope {
  /** Null: every search is exact and nothing is ever sealed. */
  readonly library: NativeLibrary | null
  readonly pool: ScanPool
  readonly log: Log
  readonly metrics: Metrics
  /** Told when the index is closed. */
  readonly closed: (index: FieldIndex) => void
}

/** Resolves once every row is searchable: segments that passed their checks, everything else exactly. */
export async function openFieldIndex(scope: FieldIndexScope, options: FieldIndexOptions): Promise<FieldIndex> {
  const parts = new Parts(options.dim)
  const { nextSequence, lost } = await recover(options, scope.library, parts, scope.log)
  const maintenance =
    scope.library && options.kind === 'graph'
      ? new Maintenance({ ...scope, library: scope.library, options, parts, nextSequence })
      : null
  // Rows of a lost segment are rebuilt however few they are; ordinary growing rows wait for the bound.
  if (lost > 0) maintenance?.rebuildLost()
  else maintenance?.changed()
  return new OpenFieldIndex(scope, options, parts, maintenance)
}

class OpenFieldIndex implements FieldIndex {
  readonly #scope: FieldIndexScope
  readonly #options: FieldIndexOptions
  readonly #parts: Parts
  readonly #maintenance: Maintenance | null
  readonly #searching = new Set<Promise<unknown>>()
  #closing: Promise<void> | null = null

  constructor(scope: FieldIndexScope, options: FieldIndexOptions, parts: Parts, maintenance: Maintenance | null) {
    this.#scope = scope
    this.#options = options
    this.#parts = parts
    this.#maintenance = maintenance
  }

  append(firstRid: number, count: number, vectors: Float32Array): void {
    // Rows the opening already read from the store may be announced once more.
    const known = Math.max(0, Math.min(count, this.#lastRid() - firstRid + 1))
    if (known === count) return
    this.#parts.growing.append(firstRid + known, count - known, vectors.subarray(known * this.#options.dim))
    this.#maintenance?.changed()
  }

  remove(rids: Float64Array): void {
    if (rids.length === 0) return
    this.#parts.remove(rids)
    this.#maintenance?.changed()
  }

  async search(search: VectorSearch): Promise<VectorHits> {
    if (this.#closing) throw new Error('the index is closed')
    const { dim, metric, source } = this.#options
    const { library, pool } = this.#scope
    const scope = { dim, metric, source, pool, parts: this.#parts, efMax: library?.efMax ?? 0 }
    const running = searchParts(scope, search)
    const settled = running.then(
      () => {},
      () => {},
    )
    this.#searching.add(settled)
    try {
      return await running
    } finally {
      this.#searching.delete(settled)
    }
  }

  state(): FieldIndexState {
    return {
      segments: this.#parts.segments.length,
      sealedRows: this.#parts.sealedRows,
      growingRows: this.#parts.growing.liveCount,
      sealedUpTo: this.#parts.sealedUpTo,
      building: this.#maintenance?.building ?? false,
      failure: this.#maintenance?.failure ?? null,
    }
  }

  pushableFields(): ReadonlySet<string> {
    const [first, ...rest] = this.#parts.segments.map(({ marker }) => marker.exact)
    return new Set(first?.filter((name) => rest.every((exact) => exact.includes(name))))
  }

  async seal(): Promise<void> {
    await this.#maintenance?.seal()
  }

  async compact(): Promise<void> {
    await this.#maintenance?.compact()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#maintenance?.[Symbol.asyncDispose]()
    await Promise.all(this.#searching)
    this.#scope.pool.drop(this.#parts.growing.blocks())
    await Promise.all(this.#parts.segments.map((segment) => segment.retire(false)))
    this.#scope.closed(this)
  }

  #lastRid(): number {
    return Math.max(this.#parts.growing.lastRid, this.#parts.segments.at(-1)?.marker.upTo ?? 0)
  }
}
