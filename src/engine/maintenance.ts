/** The background of one index: sealing growing rows, rebuilding segments with many dead rows, compaction. */
import { rm } from 'node:fs/promises'
import { sqlColumn } from '../model/schema.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { buildSegment, inTurn } from './build.ts'
import type { FieldIndexOptions, VectorSource } from './contract.ts'
import type { NativeLibrary, SegmentSpec } from './native/contract.ts'
import type { Parts } from './parts.ts'
import { compaction, nextRebuild, nextSeal, type Range } from './plan.ts'
import type { ScanPool } from './scan-pool.ts'
import { SealedSegment } from './segment.ts'
import { segmentDirectory } from './segment-files.ts'

/** Sealing waits for a pause in the writes, so that a bulk load does not compete with builds of its own middle. */
const PAUSE_MS = 500
/** … but not beyond this many bytes of growing vectors: they cost memory, and a scan takes about 35 ms by then. */
const PRESSURE_BYTES = 256 * 2 ** 20
const RETRY_MS = [1_000, 10_000, 60_000]
const ATTEMPTS = 2

/** The index to look after, and what it shares with others. */
export interface MaintenanceScope {
  readonly options: FieldIndexOptions
  readonly library: NativeLibrary
  readonly parts: Parts
  readonly pool: ScanPool
  readonly log: Log
  readonly metrics: Metrics
  readonly nextSequence: number
}

/** Runs one build of its index at a time, those asked for before those it finds due. */
export class Maintenance implements AsyncDisposable {
  readonly #scope: MaintenanceScope
  readonly #abort = new AbortController()
  readonly #spec: SegmentSpec
  readonly #source: VectorSource
  readonly #retiring = new Set<Promise<void>>()
  #work: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | null = null
  #queued = false
  #sequence: number
  #failures = 0
  building = false
  failure: string | null = null

  constructor(scope: MaintenanceScope) {
    const { options, library } = scope
    this.#scope = scope
    this.#sequence = scope.nextSequence
    const fields = options.scalars.filter((field) => library.carries(field))
    this.#spec = {
      dim: options.dim,
      metric: options.metric,
      m: options.m,
      efConstruction: options.efConstruction,
      carried: fields.map((field) => ({ name: sqlColumn(field), type: field.type })),
    }
    this.#source = carriedOnly(
      options.source,
      fields.map((field) => field.name),
    )
  }

  /** Called after every change: starts or postpones what is due. Cheap. */
  changed(): void {
    const { parts, options } = this.#scope
    const growing = parts.growing.liveCount
    const sealDue = growing > options.sealRows
    if (this.#abort.signal.aborted || this.#queued || (!sealDue && nextRebuild(parts) === null)) return
    const pressure = growing * options.dim * 4 > PRESSURE_BYTES
    if (sealDue && pressure && this.#failures === 0) this.#start()
    else this.#after(this.#failures === 0 ? PAUSE_MS : (RETRY_MS[this.#failures - 1] ?? 60_000))
  }

  /** Everything growing now is in a verified segment when this resolves; rejects when that failed twice. */
  async seal(): Promise<void> {
    await this.#sealUpTo(this.#scope.parts.growing.lastRid, false)
  }

  /** Seals what is growing although nobody waits for it; a failure is retried as any other. */
  rebuildLost(): void {
    const again = () => this.changed()
    this.#sealUpTo(this.#scope.parts.growing.lastRid, true).then(again, again)
  }

  async #sealUpTo(target: number, background: boolean): Promise<void> {
    await this.#enqueue(async () => {
      for (;;) {
        const range = nextSeal(this.#scope.parts, this.#spec.dim, target)
        if (range === null) return
        await this.#buildTwice(range, background)
      }
    })
  }

  async compact(): Promise<void> {
    await this.#enqueue(async () => {
      for (const range of compaction(this.#scope.parts, this.#spec.dim)) await this.#buildTwice(range, false)
    })
  }

  /** Ends a running build at once. */
  async [Symbol.asyncDispose]() {
    this.#abort.abort(new Error('the index is closed'))
    if (this.#timer) clearTimeout(this.#timer)
    await this.#work
    await Promise.allSettled(this.#retiring)
  }

  #after(milliseconds: number): void {
    if (this.#timer) {
      if (this.#failures === 0) this.#timer.refresh()
      return
    }
    this.#timer = setTimeout(() => this.#start(), milliseconds)
    this.#timer.unref()
  }

  #start(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#queued) return
    this.#queued = true
    const again = () => {
      this.#queued = false
      this.changed()
    }
    this.#enqueue(() => this.#background()).then(again, again)
  }

  async #background(): Promise<void> {
    const { parts, options } = this.#scope
    while (parts.growing.liveCount > options.sealRows) {
      const range = nextSeal(parts, this.#spec.dim, parts.growing.lastRid)
      if (range === null) break
      await this.#build(range, true)
    }
    for (let range = nextRebuild(parts); range !== null; range = nextRebuild(parts)) await this.#build(range, true)
  }

  #enqueue(task: () => Promise<void>): Promise<void> {
    const run = this.#work.then(task)
    this.#work = run.catch(() => {})
    return run
  }

  async #buildTwice(range: Range, background: boolean): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#build(range, background)
      } catch (error) {
        if (attempt === ATTEMPTS || this.#abort.signal.aborted) throw error
      }
    }
  }

  async #build(range: Range, background: boolean): Promise<void> {
    const { parts, log, metrics, options } = this.#scope
    await inTurn(async () => {
      this.#abort.signal.throwIfAborted()
      const directory = segmentDirectory(options.directory, this.#sequence)
      this.building = true
      parts.beginBuild()
      const started = performance.now()
      try {
        const segment = await this.#buildAside(range, directory, background)
        this.#publish(range, segment)
        this.#failures = 0
        this.failure = null
        metrics.seals.inc({ result: 'ok' })
        const milliseconds = Math.round(performance.now() - started)
        log.info('segment built', {
          directory,
          rows: segment?.marker.count ?? 0,
          after: range.after,
          upTo: range.upTo,
          milliseconds,
        })
      } catch (error) {
        await rm(directory, { recursive: true, force: true })
        if (this.#abort.signal.aborted) throw error
        this.#failures++
        this.failure = error instanceof Error ? error.message : String(error)
        metrics.seals.inc({ result: 'failed' })
        log.error('segment build failed, its rows are still searched exactly', { directory, reason: this.failure })
        throw error
      } finally {
        parts.endBuild()
        this.building = false
      }
    })
  }

  async #buildAside({ after, upTo }: Range, directory: string, background: boolean): Promise<SealedSegment | null> {
    const { library } = this.#scope
    const plan = { directory, sequence: this.#sequence++, after, upTo, spec: this.#spec }
    const marker = await buildSegment(plan, this.#source, this.#abort.signal, background)
    if (marker === null) return null
    const segment = SealedSegment.open(library, directory, marker)
    try {
      for (const rid of await this.#source.dead(after, upTo)) segment.remove(rid)
      this.#abort.signal.throwIfAborted()
      return segment
    } catch (error) {
      await segment.retire(true)
      throw error
    }
  }

  /** No await in here: a search sees either the old parts or the new ones. */
  #publish({ after, upTo }: Range, segment: SealedSegment | null): void {
    const { parts, pool } = this.#scope
    const old = parts.replace(after, upTo, segment)
    pool.drop(old.blocks)
    for (const retired of old.segments) {
      const gone = retired.retire(true).finally(() => this.#retiring.delete(gone))
      this.#retiring.add(gone)
    }
  }
}

/** The row store read with the carried columns only, in the order of the fields. */
function carriedOnly(source: VectorSource, names: readonly string[]): VectorSource {
  return {
    async read(after, upTo, limit) {
      const { rids, vectors, scalars } = await source.read(after, upTo, limit)
      const carried = names.flatMap((name) => scalars.find((column) => column.field === name) ?? [])
      if (carried.length !== names.length)
        throw new Error(`the row store gave no column for one of ${names.join(', ')}`)
      return { rids, vectors, scalars: carried }
    },
    dead: (after, upTo) => source.dead(after, upTo),
    lastRid: () => source.lastRid(),
  }
}
