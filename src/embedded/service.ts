import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Catalog } from '../catalog/catalog.ts'
import type { CollectionEntry } from '../catalog/entries.ts'
import type { VectorEngine } from '../engine/engine.ts'
import { fault } from '../errors/error.ts'
import type { ReplyOf, RequestOf, Rpc } from '../model/calls.ts'
import { dynamicField } from '../model/schema.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Health, Pass, Service } from '../service.ts'
import { handlers } from './handlers.ts'
import { LiveCollection } from './live-collection.ts'
import type { StorePool } from './store/contract.ts'
import type { CredentialKeeper, EmbeddedLimits, Handler, World } from './world.ts'

export interface EmbeddedOptions {
  readonly dataDirectory: string
  readonly catalog: Catalog
  readonly credentials: CredentialKeeper
  readonly stores: StorePool
  readonly engine: VectorEngine
  readonly limits: EmbeddedLimits
  readonly sealRows: number
  readonly version: string
  readonly log: Log
  readonly metrics: Metrics
}

/** The service on this machine: catalog, row stores and vector indexes behind the calls. */
export class EmbeddedService implements Service, World {
  readonly version: string
  readonly catalog: Catalog
  readonly credentials: CredentialKeeper
  readonly limits: EmbeddedLimits
  readonly log: Log
  readonly metrics: Metrics
  readonly #options: EmbeddedOptions
  readonly #live = new Map<bigint, LiveCollection>()

  private constructor(options: EmbeddedOptions) {
    this.#options = options
    this.version = options.version
    this.catalog = options.catalog
    this.credentials = options.credentials
    this.limits = options.limits
    this.log = options.log
    this.metrics = options.metrics
  }

  /** Opens every collection of the catalog, finishes interrupted drops, and then answers. */
  static async open(options: EmbeddedOptions): Promise<EmbeddedService> {
    const service = new EmbeddedService(options)
    for (const id of options.catalog.doomed()) await service.#erase(id)
    for (const entry of options.catalog.collections(null)) await service.open(entry)
    return service
  }

  async call<R extends Rpc>(pass: Pass<R>, request: RequestOf<R>): Promise<ReplyOf<R>> {
    const handler: Handler<R> = handlers[pass.rpc]
    return handler(this, request, pass)
  }

  health(): Health {
    return { healthy: true, parts: [{ name: 'engine', healthy: true, detail: `${this.#live.size} collections open` }] }
  }

  live(entry: CollectionEntry): LiveCollection {
    const live = this.#live.get(entry.id)
    if (!live) throw fault('collectionNotFound', { database: entry.db, collection: entry.schema.name })
    return live
  }

  async open(entry: CollectionEntry): Promise<LiveCollection> {
    const directory = this.#directory(entry.id)
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const hidden = entry.dynamicFieldId > 0 ? [dynamicField(entry.dynamicFieldId)] : []
    const store = await this.#options.stores.open(directory, { fields: [...entry.schema.fields, ...hidden] })
    const { engine, metrics, sealRows } = this.#options
    const live = new LiveCollection(entry.id, directory, store, engine, metrics, sealRows)
    this.#live.set(entry.id, live)
    await live.openIndexes(entry)
    return live
  }

  async discard(id: bigint): Promise<void> {
    const live = this.#live.get(id)
    this.#live.delete(id)
    await live?.[Symbol.asyncDispose]()
    await this.#erase(id)
  }

  async #erase(id: bigint): Promise<void> {
    await rm(this.#directory(id), { recursive: true, force: true })
    this.catalog.forgetDoomed(id)
  }

  #directory(id: bigint): string {
    return join(this.#options.dataDirectory, 'collections', id.toString())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const live of this.#live.values()) await live[Symbol.asyncDispose]()
    this.#live.clear()
    await this.#options.engine[Symbol.asyncDispose]()
    await this.#options.stores[Symbol.asyncDispose]()
    this.catalog[Symbol.dispose]()
  }
}
