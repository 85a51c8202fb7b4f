import { EXIT, StartError } from '../errors/start-error.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { oneLine } from './check.ts'
import { MaterialFault } from './fault.ts'
import { readTlsFiles } from './files.ts'
import { type Generation, renumbered } from './generation.ts'
import { History, KEPT_MAX } from './history.ts'
import type { ReloadOutcome, ReloadTrigger, TlsMaterial } from './material.ts'
import { prepareGeneration } from './prepare.ts'
import { proveGeneration } from './proof.ts'
import type { TlsSettings } from './settings.ts'
import { type CertificateStatus, certificatesOf, type MaterialStatus, type RefusalStatus } from './status.ts'
import { Upkeep } from './upkeep.ts'
import { fingerprint, watchFiles } from './watch.ts'

/** A rollback in force. */
interface Hold {
  /** Hash of what the files held then, or what stood in the way of reading them. */
  readonly hash: string
  readonly since: Date
  readonly rolledBackTo: number
}

/** See `TlsMaterial`, which says what each method promises. */
export class MaterialOwner implements TlsMaterial {
  readonly settings: TlsSettings
  readonly #section: string
  readonly #log: Log
  readonly #metrics: Metrics
  readonly #listeners = new Set<(generation: Generation) => void>()
  readonly #history = new History()
  #current: Generation | null = null
  #hold: Hold | null = null
  #lastRefusal: RefusalStatus | null = null
  /** Hash of the last content that was refused, so that it is reported once. */
  #refusedHash: string | null = null
  #queue: Promise<unknown> = Promise.resolve()
  #watch: Disposable | null = null
  readonly #upkeep: Upkeep

  constructor(settings: TlsSettings, log: Log, metrics: Metrics) {
    this.settings = settings
    this.#section = settings.section ?? 'tls'
    this.#log = log
    this.#metrics = metrics
    this.#upkeep = new Upkeep({
      settings,
      log,
      metrics,
      current: () => this.current,
      reload: () => this.reload('renewal'),
    })
  }

  get current(): Generation {
    if (!this.#current) throw new Error('tls material is used before it was loaded')
    return this.#current
  }

  async start(): Promise<void> {
    try {
      const set = await readTlsFiles(this.settings)
      this.#activate(await prepareGeneration(1, set, this.settings, new Date()), 'start', null)
    } catch (error) {
      if (error instanceof MaterialFault)
        throw new StartError(error.exitCode, error.message, error.hint, { cause: error })
      throw new StartError(EXIT.internal, 'tls material cannot be loaded', null, { cause: error })
    }
    const intervalMs = this.settings.watchIntervalMs ?? 1_000
    if (intervalMs > 0) {
      this.#watch = watchFiles({
        intervalMs,
        read: () => readTlsFiles(this.settings),
        settled: async () => {
          const outcome = await this.reload('file change')
          return !(outcome.kind === 'refused' && outcome.passing)
        },
        currentHash: () => this.#hold?.hash ?? this.current.hash,
      })
    }
  }

  reload(trigger: ReloadTrigger): Promise<ReloadOutcome> {
    return this.#inTurn(() => this.#reloadNow(trigger))
  }

  rollback(trigger: ReloadTrigger): Promise<ReloadOutcome> {
    return this.#inTurn(() => this.#rollbackNow(trigger))
  }

  status(): MaterialStatus {
    const { number, loadedAt, kind, files, warnings } = this.current
    const history = this.#history.entries
    const hold = this.#hold
    return {
      section: this.#section,
      mode: kind,
      source: this.settings.source?.kind ?? 'files',
      generation: number,
      loadedAt: loadedAt.toISOString(),
      trigger: history[0]?.trigger ?? 'start',
      held: hold && { since: hold.since.toISOString(), rolledBackTo: hold.rolledBackTo },
      files,
      certificates: this.certificates(),
      warnings,
      lastRefusal: this.#lastRefusal,
      renewal: this.#upkeep.renewal,
      history,
    }
  }

  certificates(): readonly CertificateStatus[] {
    return certificatesOf(this.current, new Date())
  }

  onSwap(listener: (generation: Generation) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch?.[Symbol.dispose]()
    await this.#upkeep[Symbol.asyncDispose]()
    await this.#queue
    this.#listeners.clear()
  }

  /** One after the other: two triggers at a time never load twice. */
  #inTurn(work: () => Promise<ReloadOutcome>): Promise<ReloadOutcome> {
    const next = this.#queue.then(work)
    this.#queue = next.catch(() => {})
    return next
  }

  async #reloadNow(trigger: ReloadTrigger): Promise<ReloadOutcome> {
    const old = this.current
    let seen = ''
    try {
      const set = await readTlsFiles(this.settings)
      seen = set.hash
      if (set.hash === old.hash || (trigger === 'file change' && set.hash === this.#hold?.hash)) {
        return this.#unchanged(trigger, set.hash === old.hash)
      }
      const generation = await prepareGeneration(old.number + 1, set, this.settings, new Date())
      this.#history.keep(old)
      this.#hold = null
      this.#activate(generation, trigger, null)
      this.#refusedHash = null
      this.#metrics.reloads.inc({ result: 'swapped' })
      this.#log.info('tls material reloaded', { trigger, ...facts(generation) })
      return { kind: 'swapped', generation: generation.number }
    } catch (error) {
      return this.#refuse(trigger, error, seen)
    }
  }

  #unchanged(trigger: ReloadTrigger, isCurrent: boolean): ReloadOutcome {
    const current = this.current
    this.#refusedHash = null
    if (isCurrent) this.#hold = null
    this.#showState()
    this.#metrics.reloads.inc({ result: 'unchanged' })
    if (trigger !== 'file change') this.#log.info('tls material unchanged', { trigger, ...facts(current) })
    return { kind: 'unchanged', generation: current.number }
  }

  /** The old generation stays; each content that is refused is reported once. */
  #refuse(trigger: ReloadTrigger, error: unknown, seen: string): ReloadOutcome {
    const generation = this.current.number
    const reason = error instanceof Error ? error.message : String(error)
    const hint = error instanceof MaterialFault ? error.hint : 'see the server log'
    this.#lastRefusal = { trigger, reason, hint, at: new Date().toISOString() }
    // A file that cannot be read has no hash: its message stands for the content.
    const fingerprint = seen || reason
    if (fingerprint !== this.#refusedHash) {
      this.#refusedHash = fingerprint
      this.#metrics.reloads.inc({ result: 'refused' })
      this.#log.error('tls material not reloaded, the old one keeps serving', { trigger, reason, hint, generation })
    }
    const passing = !(error instanceof MaterialFault) || error.exitCode === EXIT.temporary
    return { kind: 'refused', generation, reason, hint, passing }
  }

  async #rollbackNow(trigger: ReloadTrigger): Promise<ReloadOutcome> {
    const current = this.current
    const previous = this.#history.previous
    const refused = (reason: string, hint: string): ReloadOutcome => {
      this.#metrics.reloads.inc({ result: 'refused' })
      this.#log.error('tls material not rolled back', { trigger, reason, hint, generation: current.number })
      return { kind: 'refused', generation: current.number, reason, hint, passing: false }
    }
    if (previous === null) {
      const reason = `no earlier generation than ${current.number} is kept in memory (at most ${KEPT_MAX} are, none across a restart)`
      return refused(reason, 'put the earlier files back, and reload')
    }
    const generation = renumbered(previous, current.number + 1, new Date())
    try {
      const where = `generation ${previous.number}`
      await proveGeneration(generation, { where, protocol: this.settings.protocol })
    } catch (error) {
      return refused(error instanceof Error ? error.message : String(error), 'put good files in place, and reload')
    }
    const hash = await this.#filesHash()
    this.#history.broughtBack(previous)
    this.#hold = hash === generation.hash ? null : { hash, since: new Date(), rolledBackTo: previous.number }
    this.#activate(generation, trigger, previous.number)
    this.#metrics.reloads.inc({ result: 'rolledBack' })
    this.#log.warn('tls material rolled back, the files are not loaded until they change or a reload is asked for', {
      trigger,
      from: current.number,
      to: previous.number,
      ...facts(generation),
    })
    return { kind: 'swapped', generation: generation.number }
  }

  /** What the watcher will see of the files as they are now. */
  async #filesHash(): Promise<string> {
    return fingerprint(() => readTlsFiles(this.settings))
  }

  #activate(generation: Generation, trigger: ReloadTrigger | 'start', rolledBackTo: number | null): void {
    this.#current = generation
    this.#history.record(generation, trigger, rolledBackTo)
    for (const warning of generation.warnings) this.#log.warn('tls material', { warning })
    this.#showState()
    this.#upkeep.activated()
    for (const listener of this.#listeners) listener(generation)
  }

  #showState(): void {
    const section = this.#section
    this.#metrics.generation.set({ section }, this.current.number)
    this.#metrics.rolledBack.set({ section }, this.#hold === null ? 0 : 1)
  }
}

/** What of a generation may be logged. */
function facts(generation: Generation) {
  return {
    generation: generation.number,
    subject: oneLine(generation.leaf.subject),
    serial: generation.leaf.serialNumber,
    notAfter: generation.leaf.validToDate.toISOString(),
    anchors: generation.anchors.length,
  }
}
