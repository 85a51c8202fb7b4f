import { join } from 'node:path'
import type { CollectionEntry } from '../catalog/entries.ts'
import type { FieldIndex, VectorSource } from '../engine/contract.ts'
import type { VectorEngine } from '../engine/engine.ts'
import { fieldTypes, isVectorType } from '../model/fields/table.ts'
import type { FieldSchema } from '../model/schema.ts'
import type { Metrics } from '../observe/metrics.ts'
import { FilterCache } from './filter-cache.ts'
import { type IndexPlan, planIndex } from './index-rules.ts'
import type { Applied, Change, RowStore } from './store/contract.ts'

/** Scalar fields of these column kinds travel into segments, so that filters can be pushed into the search. */
const CARRIED_KINDS = new Set(['bool', 'int', 'long', 'float', 'double', 'string'])

export interface LiveIndex {
  readonly plan: IndexPlan
  readonly index: FieldIndex
}

/**
 * One collection at work: its row store and, for each indexed vector field, the derived index. Keeps both in step:
 * a change is durable first, then visible, in commit order.
 */
export class LiveCollection implements AsyncDisposable {
  readonly id: bigint
  readonly store: RowStore
  readonly filters: FilterCache
  readonly #directory: string
  readonly #engine: VectorEngine
  readonly #metrics: Metrics
  readonly #sealRows: number
  readonly #indexes = new Map<string, LiveIndex>()
  readonly #writing = new Set<Promise<unknown>>()
  #opening: Promise<void> | null = null

  constructor(
    id: bigint,
    directory: string,
    store: RowStore,
    engine: VectorEngine,
    metrics: Metrics,
    sealRows: number,
  ) {
    this.id = id
    this.store = store
    this.filters = new FilterCache(store)
    this.#directory = directory
    this.#engine = engine
    this.#metrics = metrics
    this.#sealRows = sealRows
  }

  index(field: string): LiveIndex | null {
    return this.#indexes.get(field) ?? null
  }

  /** More rows grow than stay unsealed: a build is due, whether it has begun or not. */
  isAboveSealBound(field: string): boolean {
    const live = this.#indexes.get(field)
    return live?.plan.kind === 'graph' && live.index.state().growingRows > this.#sealRows
  }

  indexes(): readonly LiveIndex[] {
    return [...this.#indexes.values()]
  }

  /** Opens the index of each vector field that the catalog names one for. */
  async openIndexes(entry: CollectionEntry): Promise<void> {
    for (const definition of entry.indexes) {
      const field = entry.schema.fields.find((f) => f.name === definition.field)
      if (field && isVectorType(field.type)) await this.openIndex(entry, field, planIndex(field, definition.params))
    }
  }

  /** Writes wait while an index opens, so that no row falls between its first reading and its first append. */
  async openIndex(entry: CollectionEntry, field: FieldSchema, plan: IndexPlan): Promise<void> {
    while (this.#opening) await this.#opening
    const work = this.#openIndex(entry, field, plan)
    this.#opening = work.then(
      () => {},
      () => {},
    )
    try {
      await work
    } finally {
      this.#opening = null
    }
  }

  async #openIndex(entry: CollectionEntry, field: FieldSchema, plan: IndexPlan): Promise<void> {
    await Promise.allSettled([...this.#writing])
    const scalars = entry.schema.fields.filter((f) => CARRIED_KINDS.has(fieldTypes[f.type].kind ?? ''))
    const index = await this.#engine.open({
      directory: join(this.#directory, 'index', String(field.id)),
      dim: field.dim,
      metric: plan.metric,
      kind: plan.kind,
      m: plan.m,
      efConstruction: plan.efConstruction,
      scalars,
      source: this.#source(field, scalars),
      sealRows: this.#sealRows,
    })
    this.#indexes.set(field.name, { plan, index })
  }

  #source(vector: FieldSchema, scalars: readonly FieldSchema[]): VectorSource {
    const { store } = this
    return {
      read: (after, upTo, limit) => store.readVectors(vector, scalars, after, upTo, limit),
      dead: (after, upTo) => store.deadRids(after, upTo),
      lastRid: () => store.lastRid,
    }
  }

  async dropIndex(field: string): Promise<void> {
    const live = this.#indexes.get(field)
    this.#indexes.delete(field)
    await live?.index[Symbol.asyncDispose]()
  }

  indexDirectory(field: FieldSchema): string {
    return join(this.#directory, 'index', String(field.id))
  }

  /** Durable when it resolves, and then visible to every search and query that starts. */
  async apply(change: Change): Promise<Applied> {
    while (this.#opening) await this.#opening
    const work = this.#apply(change)
    this.#writing.add(work)
    try {
      return await work
    } finally {
      this.#writing.delete(work)
    }
  }

  async #apply(change: Change): Promise<Applied> {
    const applied = await this.store.write(change)
    // no await between here and the end: new rows and deletions become visible in one step
    if (change.kind === 'insert' || change.kind === 'upsert') {
      for (const vector of change.rows.vectors) {
        if (vector.data.kind !== 'floatVector') continue
        this.#indexes.get(vector.field)?.index.append(applied.firstRid, applied.inserted, vector.data.values)
      }
      this.#metrics.insertedVectors.inc(applied.inserted)
    }
    if (applied.deletedRids.length > 0)
      for (const { index } of this.#indexes.values()) index.remove(applied.deletedRids)
    return applied
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...this.#writing])
    for (const { index } of this.#indexes.values()) await index[Symbol.asyncDispose]()
    this.#indexes.clear()
    await this.store[Symbol.asyncDispose]()
  }
}
