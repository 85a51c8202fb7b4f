import { EXIT, StartError } from '../errors/start-error.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { checkMaterial, oneLine } from './check.ts'
import { MaterialFault } from './fault.ts'
import { readTlsFiles, type TlsFileSet } from './files.ts'
import { type Generation, makeGeneration } from './generation.ts'
import { proveGeneration } from './proof.ts'
import type { TlsSettings } from './settings.ts'
import { watchFiles } from './watch.ts'

/** What asked for a reload, for the log: `SIGHUP`, `file change`, `api`. */
export type ReloadTrigger = 'SIGHUP' | 'file change' | 'api'

export type ReloadOutcome =
  | { readonly kind: 'swapped'; readonly generation: number }
  | { readonly kind: 'unchanged'; readonly generation: number }
  /** The old generation still serves. */
  | {
      readonly kind: 'refused'
      readonly generation: number
      readonly reason: string
      readonly hint: string
      /** The same files may do at another attempt. */
      readonly passing: boolean
    }

/**
 * The one owner of live TLS material of a set of ports. Whoever needs material asks for `current` at each handshake
 * and keeps no copy, so one assignment changes every port at once.
 */
export interface TlsMaterial extends AsyncDisposable {
  readonly settings: TlsSettings
  readonly current: Generation
  /** Reads, checks, proves and swaps. Never throws for bad files: the old generation stays and the outcome says why. */
  reload(trigger: ReloadTrigger): Promise<ReloadOutcome>
  /** Called after each swap, with the new generation; returns how to unsubscribe. */
  onSwap(listener: (generation: Generation) => void): () => void
}

/**
 * Loads the first generation and starts to watch its files. Throws `StartError`: exit 78 for wrong content or
 * paths, 77 for files that this user may not read, 74 for other I/O faults.
 */
export async function openMaterial(settings: TlsSettings, log: Log, metrics: Metrics): Promise<TlsMaterial> {
  const owner = new Material(settings, log.at('tls/material.ts'), metrics)
  await owner.start()
  return owner
}

class Material implements TlsMaterial {
  readonly settings: TlsSettings
  readonly #log: Log
  readonly #metrics: Metrics
  readonly #listeners = new Set<(generation: Generation) => void>()
  #current: Generation | null = null
  /** Hash of the last content that was refused, so that it is reported once. */
  #refusedHash: string | null = null
  #queue: Promise<unknown> = Promise.resolve()
  #watch: Disposable | null = null

  constructor(settings: TlsSettings, log: Log, metrics: Metrics) {
    this.settings = settings
    this.#log = log
    this.#metrics = metrics
  }

  get current(): Generation {
    if (!this.#current) throw new Error('tls material is used before it was loaded')
    return this.#current
  }

  async start(): Promise<void> {
    try {
      const { generation } = await this.#prepare(1)
      this.#activate(generation)
    } catch (error) {
      if (error instanceof MaterialFault)
        throw new StartError(error.exitCode, error.message, error.hint, { cause: error })
      throw new StartError(EXIT.internal, 'tls material cannot be loaded', null, { cause: error })
    }
    const intervalMs = this.settings.watchIntervalMs ?? 1_000
    if (intervalMs > 0) {
      this.#watch = watchFiles({
        intervalMs,
        read: () => readTlsFiles(this.settings.files, this.#section),
        settled: async () => {
          const outcome = await this.reload('file change')
          return !(outcome.kind === 'refused' && outcome.passing)
        },
        currentHash: () => this.current.hash,
      })
    }
  }

  reload(trigger: ReloadTrigger): Promise<ReloadOutcome> {
    const next = this.#queue.then(() => this.#reloadNow(trigger))
    this.#queue = next.catch(() => {})
    return next
  }

  onSwap(listener: (generation: Generation) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch?.[Symbol.dispose]()
    await this.#queue
    this.#listeners.clear()
  }

  get #section(): string {
    return this.settings.section ?? 'tls'
  }

  async #reloadNow(trigger: ReloadTrigger): Promise<ReloadOutcome> {
    const old = this.current
    let seen = ''
    try {
      const set = await readTlsFiles(this.settings.files, this.#section)
      seen = set.hash
      if (set.hash === old.hash) {
        this.#refusedHash = null
        this.#metrics.reloads.inc({ result: 'unchanged' })
        if (trigger === 'SIGHUP') this.#log.info('tls material unchanged', { trigger, ...facts(old) })
        return { kind: 'unchanged', generation: old.number }
      }
      const { generation } = await this.#prepare(old.number + 1, set)
      this.#activate(generation)
      this.#refusedHash = null
      this.#metrics.reloads.inc({ result: 'swapped' })
      this.#log.info('tls material reloaded', { trigger, ...facts(generation) })
      return { kind: 'swapped', generation: generation.number }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const hint = error instanceof MaterialFault ? error.hint : 'see the server log'
      // A file that cannot be read has no hash: its message stands for the content.
      const fingerprint = seen || reason
      if (fingerprint !== this.#refusedHash) {
        this.#refusedHash = fingerprint
        this.#metrics.reloads.inc({ result: 'refused' })
        this.#log.error('tls material not reloaded, the old one keeps serving', {
          trigger,
          reason,
          hint,
          generation: old.number,
        })
      }
      const passing = !(error instanceof MaterialFault) || error.exitCode === EXIT.temporary
      return { kind: 'refused', generation: old.number, reason, hint, passing }
    }
  }

  /** Read, parse, check, prove; nothing of it is visible until `#activate`. */
  async #prepare(number: number, given?: TlsFileSet): Promise<{ generation: Generation }> {
    const set = given ?? (await readTlsFiles(this.settings.files, this.#section))
    const now = new Date()
    const checked = checkMaterial(set, now, this.settings.strictKeyPermissions)
    if (number > 1 && set.caPem && checked.damagedAnchors > 0) {
      throw new MaterialFault(
        EXIT.config,
        `${set.caPem.key}: ${set.caPem.path}: ${checked.damagedAnchors} blocks are no certificates (is the file half-written?)`,
        'write the whole file again; a reload never drops a certificate authority because of a damaged file',
      )
    }
    const generation = makeGeneration(number, set, checked, now)
    await proveGeneration(generation, `${set.serverPem.key}: ${set.serverPem.path}`)
    const again = await readTlsFiles(this.settings.files, this.#section)
    if (again.hash !== set.hash) {
      throw new MaterialFault(
        EXIT.temporary,
        `${set.serverPem.key}: the files changed while they were read`,
        'try again when they are written; rename finished files into place',
      )
    }
    return { generation }
  }

  #activate(generation: Generation): void {
    this.#current = generation
    for (const warning of generation.warnings) this.#log.warn('tls material', { warning })
    this.#metrics.generation.set(generation.number)
    this.#metrics.notAfter.reset()
    const files = this.settings.files
    const own = { role: 'server', path: files.serverPem, subject: oneLine(generation.leaf.subject) }
    this.#metrics.notAfter.set(own, generation.leaf.validToDate.getTime() / 1000)
    if (files.kind === 'mutual') {
      for (const anchor of generation.anchors) {
        const labels = { role: 'ca', path: files.caPem, subject: oneLine(anchor.subject) }
        this.#metrics.notAfter.set(labels, anchor.validToDate.getTime() / 1000)
      }
    }
    for (const listener of this.#listeners) listener(generation)
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
