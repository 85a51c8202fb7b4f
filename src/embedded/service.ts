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
import type { Health, Pass, Service, UserCalls } from '../service.ts'
import { createBackup } from './backup/create.ts'
import type { BackupManifest } from './backup/manifest.ts'
import { expireBefore, sweepExpired } from './expiry.ts'
import { handlers } from './handlers.ts'
import { LiveCollection } from './live-collection.ts'
import { removeOrphans } from './orphans.ts'
import { rowReadings, segmentReadings } from './readings.ts'
import { storageFault } from './storage-fault.ts'
import type { StorePool } from './store/contract.ts'
import type { EmbeddedLimits, Handler, World } from './world.ts'

/** Collections opened at the same time at the start. */
const OPENING_MAX = 4

export interface EmbeddedOptions {
  readonly dataDirectory: string
  readonly catalog: Catalog
  readonly users: UserCalls
  readonly stores: StorePool
  readonly engine: VectorEngine
  readonly limits: EmbeddedLimits
  readonly sealRows: number
  readonly version: string
  /** Our own, beside Milvus'. */
  readonly redkiteVersion: string
  readonly log: Log
  readonly metrics: Metrics
}

/** The service on this machine: catalog, row stores and vector indexes behind the calls. */
export class EmbeddedService implements Service, World {
  readonly forward = null
  readonly version: string
  readonly catalog: Catalog
  readonly users: UserCalls
  readonly limits: EmbeddedLimits
  readonly log: Log
  readonly metrics: Metrics
  readonly #options: EmbeddedOptions
  readonly #live = new Map<bigint, LiveCollection>()

  #sweep: Disposable | null = null

  private constructor(options: EmbeddedOptions) {
    this.#options = options
    this.version = options.version
    this.catalog = options.catalog
    this.users = options.users
    this.limits = options.limits
    this.log = options.log
    this.metrics = options.metrics
  }

  /** Opens every collection of the catalog, finishes interrupted drops, and then answers. */
  static async open(options: EmbeddedOptions): Promise<EmbeddedService> {
    const service = new EmbeddedService(options)
    const { catalog, log, metrics } = options
    try {
      for (const id of catalog.doomed()) await service.#erase(id)
      const isKnown = (id: bigint) => catalog.collectionById(id) !== null
      await removeOrphans(join(options.dataDirectory, 'collections'), isKnown, log)
      await service.#openAll(catalog.collections(null))
    } catch (error) {
      await service[Symbol.asyncDispose]()
      throw error
    }
    service.#sweep = sweepExpired(service)
    metrics.rows.readFrom(() => rowReadings(service.#opened()))
    metrics.segments.readFrom(() => segmentReadings(service.#opened()))
    return service
  }

  /** A few at a time: the threads behind them are shared. The first failure stops the rest. */
  async #openAll(entries: readonly CollectionEntry[]): Promise<void> {
    const waiting = [...entries]
    const lane = async () => {
      for (let entry = waiting.shift(); entry; entry = waiting.shift()) {
        try {
          await this.open(entry)
        } catch (error) {
          waiting.length = 0
          throw error
        }
      }
    }
    const lanes = await Promise.allSettled(Array.from({ length: OPENING_MAX }, lane))
    const failed = lanes.find((outcome) => outcome.status === 'rejected')
    if (failed) throw failed.reason
  }

  *#opened() {
    for (const entry of this.catalog.collections(null)) {
      const live = this.#live.get(entry.id)
      if (live) yield [entry, live] as const
    }
  }

  async call<R extends Rpc>(pass: Pass<R>, request: RequestOf<R>): Promise<ReplyOf<R>> {
    const handler: Handler<R> = handlers[pass.rpc]
    try {
      await expireBefore(this, pass.rpc, request)
      return await handler(this, request, pass)
    } catch (error) {
      throw storageFault(error, this.log) ?? error
    }
  }

  health(): Health {
    const { ailment } = this.#options.stores
    const engine = { name: 'engine', healthy: true, detail: `${this.#live.size} collections open` }
    const rows = { name: 'rows', healthy: ailment === null, detail: ailment ?? 'the last write was stored' }
    return { healthy: rows.healthy, parts: [engine, rows] }
  }

  /** Copies everything as it is at one moment into a new folder. @throws RedkiteError */
  async backup(directory: string): Promise<BackupManifest> {
    const { dataDirectory, catalog, redkiteVersion } = this.#options
    const pause = (work: () => Promise<void>) => this.#pause([...this.#live.values()], work)
    try {
      return await createBackup({ dataDirectory, catalog, version: redkiteVersion, pause }, directory)
    } catch (error) {
      throw storageFault(error, this.log) ?? error
    }
  }

  /** Runs the work while no write to one of these is under way. */
  async #pause([first, ...more]: readonly LiveCollection[], work: () => Promise<void>): Promise<void> {
    await (first ? first.betweenWrites(() => this.#pause(more, work)) : work())
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
    const mustExist = this.catalog.collectionById(entry.id) !== null
    const fields = [...entry.schema.fields, ...hidden]
    const store = await this.#options.stores.open(directory, { fields, mustExist })
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
    // after a kill, the build process of the former server may write there for another moment
    await rm(this.#directory(id), { recursive: true, force: true, maxRetries: 4, retryDelay: 50 })
    this.catalog.forgetDoomed(id)
  }

  #directory(id: bigint): string {
    return join(this.#options.dataDirectory, 'collections', id.toString())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sweep?.[Symbol.dispose]()
    for (const live of this.#live.values()) await live[Symbol.asyncDispose]()
    this.#live.clear()
    await this.#options.engine[Symbol.asyncDispose]()
    await this.#options.stores[Symbol.asyncDispose]()
    this.catalog[Symbol.dispose]()
  }
}
