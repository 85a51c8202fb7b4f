import { faultText, RedkiteError } from '../../errors/error.ts'
import type { FieldSchema } from '../../model/schema.ts'
import type { Log } from '../../observe/log.ts'
import { compactChange } from './compact.ts'
import type { Applied, Change, RowQuery, RowStore, SqlFilter, StoreLayout } from './contract.ts'
import { type FieldRef, fieldRef, isVector, storedBytes } from './layout.ts'
import type { ReaderCalls, WriterCalls } from './messages.ts'
import { Reader } from './read.ts'
import type { ReaderPool } from './reader-pool.ts'
import { clientError, startError, type WireError, wireError } from './sqlite-error.ts'
import { type StoreThread, ThreadError } from './store-thread.ts'

/** A fetch up to these bounds is answered on the calling thread: it takes less than handing it to another one. */
const POINT_ROWS = 200
const POINT_BYTES = 256 << 10
/** A full disk fails every write: it is logged once in this time. */
const LOG_EVERY_MS = 10_000

/** What the pool wants to know. */
export interface RowStoreEvents {
  /** A write ended: null = stored; else why the storage could not take it, without paths. */
  onWrite(failure: string | null): void
  onClose(): void
}

/** One collection's store: writes to its writer thread, scans to the reader threads, point reads here. */
export class SqliteRowStore implements RowStore {
  readonly #file: string
  #fields: readonly FieldRef[]
  #mustExist: boolean
  readonly #writer: StoreThread<WriterCalls>
  readonly #readers: ReaderPool
  readonly #log: Log
  readonly #events: RowStoreEvents
  #opening: Promise<void> | null = null
  #openIn = 0
  #point: Reader | null = null
  #rowCount = 0
  #lastRid = 0
  #loggedAt = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(
    file: string,
    layout: StoreLayout,
    writer: StoreThread<WriterCalls>,
    readers: ReaderPool,
    log: Log,
    events: RowStoreEvents,
  ) {
    this.#file = file
    this.#fields = layout.fields.map(fieldRef)
    this.#mustExist = layout.mustExist ?? false
    this.#writer = writer
    this.#readers = readers
    this.#log = log
    this.#events = events
  }

  get rowCount(): number {
    return this.#rowCount
  }
  get lastRid(): number {
    return this.#lastRid
  }

  /** @throws StartError naming the file and the remedy. */
  async start(): Promise<void> {
    try {
      await this.#openInWriter()
    } catch (error) {
      throw error instanceof ThreadError ? startError(this.#file, error.wire, error) : error
    }
  }

  /** Opens the file in the writer thread that runs now; again after that thread was replaced. */
  async #openInWriter(): Promise<void> {
    if (this.#writer.running && this.#openIn === this.#writer.generation) return
    this.#opening ??= this.#sendOpen().finally(() => {
      this.#opening = null
    })
    await this.#opening
  }

  async #sendOpen(): Promise<void> {
    const opened = this.#writer.call('open', { file: this.#file, fields: this.#fields, mustExist: this.#mustExist })
    const { generation } = this.#writer
    const { rowCount, lastRid, remarks } = await opened
    this.#mustExist = true
    // A thread that dies closes its connections. This one outlives it: the last to close must not be a writing one, which
    // would copy the log into the file, and the page sums would not know.
    this.#point ??= new Reader(this.#file, 'points')
    for (const remark of remarks) this.#log.warn(remark)
    this.#openIn = generation
    this.#rowCount = rowCount
    this.#lastRid = lastRid
  }

  async write(change: Change): Promise<Applied> {
    try {
      const applied = await this.#write(change)
      this.#events.onWrite(null)
      return applied
    } catch (error) {
      const isStorage = error instanceof RedkiteError && (error.kind === 'diskLimit' || error.kind === 'ioFailed')
      if (isStorage) this.#events.onWrite(error.message)
      throw error
    }
  }

  #write(change: Change): Promise<Applied> {
    return this.#told(async () => {
      if (!this.#writer.running || this.#openIn !== this.#writer.generation) await this.#openInWriter()
      const ask = { file: this.#file, change: compactChange(change) }
      const { applied, rowCount } = await this.#writer.call('write', ask)
      this.#rowCount = rowCount
      if (change.kind === 'addField') this.#fields = [...this.#fields, fieldRef(change.field)]
      if (applied.inserted > 0) this.#lastRid = applied.firstRid + applied.inserted - 1
      return applied
    })
  }

  count(where: SqlFilter | null, partitions: readonly number[] | null): Promise<number> {
    return this.#read('count', { file: this.#file, scope: { where, partitions } })
  }

  query({ where, partitions, limit, offset, fields, bytesMax }: RowQuery) {
    const refs = fields.map(fieldRef)
    const page = { limit, offset, bytesMax: bytesMax ?? null }
    return this.#read('query', { file: this.#file, scope: { where, partitions }, page, fields: refs })
  }

  matching(
    where: SqlFilter | null,
    partitions: readonly number[] | null,
    after: number,
    upTo: number,
    limit: number,
  ): Promise<Float64Array> {
    return this.#read('matching', { file: this.#file, scope: { where, partitions }, range: { after, upTo, limit } })
  }

  async fetch(rids: Float64Array, fields: readonly FieldSchema[]) {
    const refs = fields.map(fieldRef)
    const vectorBytes = refs.reduce((sum, ref) => sum + (isVector(ref) ? storedBytes(ref) : 0), 0)
    if (rids.length > POINT_ROWS || rids.length * vectorBytes > POINT_BYTES) {
      return await this.#read('fetch', { file: this.#file, rids: rids.slice(), fields: refs })
    }
    return await this.#told(() => {
      this.#point ??= new Reader(this.#file, 'points')
      return this.#point.fetch(rids, refs)
    })
  }

  readVectors(vector: FieldSchema, scalars: readonly FieldSchema[], after: number, upTo: number, limit: number) {
    const range = { after, upTo, limit }
    const refs = scalars.map(fieldRef)
    return this.#read('readVectors', { file: this.#file, vector: fieldRef(vector), scalars: refs, range })
  }

  deadRids(after: number, upTo: number): Promise<Float64Array> {
    return this.#read('deadRids', { file: this.#file, after, upTo })
  }

  #read<K extends keyof ReaderCalls>(call: K, ask: ReaderCalls[K]['ask']): Promise<ReaderCalls[K]['answer']> {
    return this.#told(() => this.#readers.call(call, ask))
  }

  /** Turns what SQLite said, here or in a thread, into an error for the client. */
  async #told<T>(work: () => T | Promise<T>): Promise<T> {
    if (this.#closed) throw faultText('serviceUnavailable', 'the collection is being closed: service unavailable')
    try {
      return await work()
    } catch (error) {
      if (error instanceof ThreadError) throw this.#failed(error.wire)
      if (error instanceof Error && 'errcode' in error) throw this.#failed(wireError(this.#file, error))
      throw error
    }
  }

  /** The error for the client; the operator finds the file and what was seen in the log. */
  #failed(wire: WireError): RedkiteError {
    const now = performance.now()
    if (now - this.#loggedAt >= LOG_EVERY_MS) {
      this.#loggedAt = now
      this.#log.error('The row store failed', { file: this.#file, error: wire.start?.message ?? wire.message })
    }
    return clientError(wire)
  }

  /** Readers first: the writer's connection is the last one, empties the log and leaves one file. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#point?.close()
    this.#point = null
    // A thread that died has closed its connections with it.
    const ignore = () => {}
    await this.#readers.release(this.#file).catch(ignore)
    if (this.#writer.running) await this.#writer.call('close', { file: this.#file }).catch(ignore)
    this.#events.onClose()
  }
}
