import { join } from 'node:path'
import type { CollectionEntry } from '../catalog/entries.ts'
import type { FieldIndex, VectorSource } from '../engine/contract.ts'
import type { VectorEngine } from '../engine/engine.ts'
import { rowWords, wordsOf } from '../engine/words.ts'
import { RedkiteError } from '../errors/error.ts'
import type { HybridTs } from '../model/calls.ts'
import { fieldTypes, isVectorType } from '../model/fields/table.ts'
import { type FieldSchema, sqlColumn } from '../model/schema.ts'
import { isVectorData, isVectorKind } from '../model/vectors.ts'
import type { Metrics } from '../observe/metrics.ts'
import { FilterCache } from './filter-cache.ts'
import { type IndexPlan, planIndex } from './index-rules.ts'
import { KeyCache } from './key-cache.ts'
import { partitionKeyOf } from './partition-key.ts'
import { planScalarIndex } from './scalar-index-rules.ts'
import { SearchIterators } from './search-iterator.ts'
import type { Applied, Change, RowStore } from './store/contract.ts'

/** Scalar fields of these column kinds travel into segments, so that filters can be pushed into the search. */
const CARRIED_KINDS = new Set(['bool', 'int', 'long', 'float', 'double', 'string'])

function wordsOfField({ type, dim }: FieldSchema): number {
  const { kind } = fieldTypes[type]
  return kind !== null && isVectorKind(kind) ? rowWords(kind, dim) : dim
}

/** A change without effect: it opens the file in a new writer thread, which then tells where the rows end. */
const NOTHING: Change = { kind: 'deletePks', pks: { kind: 'long', values: new BigInt64Array(0) }, partitions: [] }

export interface LiveIndex {
  readonly field: FieldSchema
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
  readonly iterators = new SearchIterators()
  readonly keys = new KeyCache()
  readonly #directory: string
  readonly #engine: VectorEngine
  readonly #metrics: Metrics
  readonly #sealRows: number
  readonly #indexes = new Map<string, LiveIndex>()
  readonly #indexing = new Set<string>()
  readonly #writing = new Set<Promise<unknown>>()
  /** No row is older; null = there is none. Unknown at first. */
  #oldestTs: HybridTs | null = 0n
  #expiring: Promise<void> | null = null
  #opening: Promise<void> | null = null
  /** The last row that the indexes were told of. */
  #toldRid: number
  /** A writer thread died: changes that nobody was told of may be stored. */
  #isBehind = false

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
    this.#toldRid = store.lastRid
  }

  index(field: string): LiveIndex | null {
    return this.#indexes.get(field) ?? null
  }

  /** More rows grow than stay unsealed: a build is due, whether it has begun or not. */
  isAboveSealBound(field: string): boolean {
    const live = this.#indexes.get(field)
    // without a native library every row stays where it is searched exactly: nothing is ever due
    if (!this.#engine.nativeAvailable || live?.plan.kind !== 'graph') return false
    return live.index.state().growingRows > this.#sealRows
  }

  indexes(): readonly LiveIndex[] {
    return [...this.#indexes.values()]
  }

  /** Opens the index of each vector field that the catalog names one for. */
  async openIndexes(entry: CollectionEntry): Promise<void> {
    for (const definition of entry.indexes) {
      const field = entry.schema.fields.find((f) => f.name === definition.field)
      if (!field) continue
      if (isVectorType(field.type)) await this.openIndex(entry, field, planIndex(field, definition.params))
      else if (planScalarIndex(field, definition.params).isSqlite) await this.indexColumn(field, true)
    }
    const key = partitionKeyOf(entry.schema)
    if (key) await this.indexColumn(key, true)
  }

  /** SQLite's own index on a scalar field; the primary key has one always. */
  async indexColumn(field: FieldSchema, wanted: boolean): Promise<void> {
    if (field.isPrimary) return
    this.#indexing.add(field.name)
    try {
      await this.apply({ kind: 'scalarIndex', column: sqlColumn(field), wanted })
    } finally {
      this.#indexing.delete(field.name)
    }
  }

  /** A column for a new field; `then` names it in the catalog before another write begins. */
  async addField(field: FieldSchema, then: () => void): Promise<void> {
    await this.betweenWrites(async () => {
      await this.store.write({ kind: 'addField', field })
      then()
    })
  }

  isIndexing(field: string): boolean {
    return this.#indexing.has(field)
  }

  /** Removes the rows written up to a time, where there may be any. */
  async expire(upTo: HybridTs): Promise<void> {
    await this.#expiring
    if (this.#oldestTs === null || this.#oldestTs > upTo) return
    this.#expiring = this.apply({ kind: 'expire', upTo }).then(({ oldestTs }) => {
      this.#oldestTs = oldestTs ?? null
    })
    try {
      await this.#expiring
    } finally {
      this.#expiring = null
    }
  }

  /** Writes wait while an index opens, so that no row falls between its first reading and its first append. */
  async openIndex(entry: CollectionEntry, field: FieldSchema, plan: IndexPlan): Promise<void> {
    await this.betweenWrites(() => this.#openIndex(entry, field, plan))
  }

  /** Runs when the writes of now have ended; later ones wait. */
  async betweenWrites(work: () => Promise<void>): Promise<void> {
    while (this.#opening) await this.#opening
    const done = Promise.allSettled([...this.#writing]).then(work)
    this.#opening = done.then(
      () => {},
      () => {},
    )
    try {
      await done
    } finally {
      this.#opening = null
    }
  }

  async #openIndex(entry: CollectionEntry, field: FieldSchema, plan: IndexPlan): Promise<void> {
    const scalars = entry.schema.fields.filter(
      (f) => CARRIED_KINDS.has(fieldTypes[f.type].kind ?? '') && !entry.addedFields?.includes(f.id),
    )
    const index = await this.#engine.open({
      directory: join(this.#directory, 'index', String(field.id)),
      dim: wordsOfField(field),
      metric: plan.metric,
      kind: plan.kind,
      m: plan.m,
      efConstruction: plan.efConstruction,
      scalars,
      source: this.#source(field, scalars),
      sealRows: this.#sealRows,
    })
    this.#indexes.set(field.name, { field, plan, index })
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
    for (;;) {
      while (this.#opening) await this.#opening
      if (!this.#isBehind) break
      await this.betweenWrites(() => this.#catchUp())
    }
    const work = this.#apply(change)
    this.#writing.add(work)
    try {
      return await work
    } finally {
      this.#writing.delete(work)
    }
  }

  async #apply(change: Change): Promise<Applied> {
    const applied = await this.#write(change)
    this.#toldRid = Math.max(this.#toldRid, applied.firstRid + applied.inserted - 1)
    // no await between here and the end: new rows and deletions become visible in one step
    if (change.kind === 'insert' || change.kind === 'upsert') {
      for (const vector of change.rows.vectors) {
        const live = this.#indexes.get(vector.field)
        if (live && isVectorData(vector.data)) {
          live.index.append(applied.firstRid, applied.inserted, wordsOf(vector.data))
        }
      }
      if (this.#oldestTs === null || change.rows.ts < this.#oldestTs) this.#oldestTs = change.rows.ts
      this.keys.learnRun(applied.firstRid, change.rows.pks)
      this.#metrics.insertedVectors.inc(applied.inserted)
    }
    if (applied.deletedRids.length > 0)
      for (const { index } of this.#indexes.values()) index.remove(applied.deletedRids)
    return applied
  }

  async #write(change: Change): Promise<Applied> {
    try {
      return await this.store.write(change)
    } catch (error) {
      if (error instanceof RedkiteError && error.kind === 'serviceUnavailable') this.#isBehind = true
      throw error
    }
  }

  /** Tells the indexes what became durable without an acknowledgement, so that search and query agree again. */
  async #catchUp(): Promise<void> {
    if (!this.#isBehind) return
    await this.store.write(NOTHING)
    const upTo = this.store.lastRid
    for (const { field, index } of this.#indexes.values()) {
      const { rids, vectors } = await this.store.readVectors(field, [], this.#toldRid, upTo, Number.MAX_SAFE_INTEGER)
      rids.forEach((rid, i) => {
        index.append(rid, 1, vectors.subarray(i * wordsOfField(field), (i + 1) * wordsOfField(field)))
      })
      index.remove(await this.store.deadRids(0, upTo))
    }
    this.#toldRid = upTo
    this.#isBehind = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...this.#writing])
    for (const { index } of this.#indexes.values()) await index[Symbol.asyncDispose]()
    this.#indexes.clear()
    await this.store[Symbol.asyncDispose]()
  }
}
