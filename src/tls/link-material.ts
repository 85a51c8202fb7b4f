import type { X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { EXIT, StartError } from '../errors/start-error.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { oneLine } from './check.ts'
import { MaterialFault } from './fault.ts'
import { checkLink } from './link-check.ts'
import { type LinkFileSet, type LinkFiles, readLinkFiles, unlockLink } from './link-files.ts'
import { defaultPolicy } from './policy.ts'
import { watchFiles } from './watch.ts'

export interface LinkSettings {
  readonly files: LinkFiles
  /** Milliseconds between two looks at the files; 0 turns watching off. */
  readonly watchIntervalMs: number
  readonly strictKeyPermissions: boolean
}

/** One accepted state of the files of a link. A change makes the next one and never edits this. */
export interface LinkGeneration {
  /** 1 at start, one more at each swap. */
  readonly number: number
  /** Trust, own pair, versions, ciphers and groups, complete. With a pair of our own: TLS 1.3 only. */
  readonly context: SecureContext
  readonly anchors: readonly X509Certificate[]
  /** The certificate that is shown; null = none. */
  readonly leaf: X509Certificate | null
  readonly hash: string
}

/** The one owner of the client-side material of a link: whoever dials asks for `current` and keeps no copy. */
export interface LinkMaterial extends AsyncDisposable {
  readonly current: LinkGeneration
  /** Looks at the files again. Never throws for bad ones: the old generation stays and the log says why. */
  reload(trigger: string): Promise<'swapped' | 'unchanged' | 'refused'>
  /** Called after each swap; returns how to unsubscribe. */
  onSwap(listener: (generation: LinkGeneration) => void): () => void
}

/** Loads the first generation and starts to watch. Throws `StartError`: a pair that does not load stops the start. */
export async function openLinkMaterial(settings: LinkSettings, log: Log, metrics: Metrics): Promise<LinkMaterial> {
  const owner = new Material(settings, log.at('tls/link-material.ts'), metrics)
  await owner.start()
  return owner
}

class Material implements LinkMaterial {
  readonly #settings: LinkSettings
  readonly #log: Log
  readonly #metrics: Metrics
  readonly #listeners = new Set<(generation: LinkGeneration) => void>()
  #current: LinkGeneration | null = null
  /** What was refused last, so that it is reported once. */
  #refused = ''
  #queue: Promise<unknown> = Promise.resolve()
  #watch: Disposable | null = null

  constructor(settings: LinkSettings, log: Log, metrics: Metrics) {
    this.#settings = settings
    this.#log = log
    this.#metrics = metrics
  }

  get current(): LinkGeneration {
    if (!this.#current) throw new Error('link material is used before it was loaded')
    return this.#current
  }

  async start(): Promise<void> {
    const { watchIntervalMs } = this.#settings
    try {
      await this.#activate(await this.#read(), 1)
    } catch (error) {
      if (!(error instanceof MaterialFault)) throw error
      throw new StartError(error.exitCode, error.message, error.hint, { cause: error })
    }
    if (watchIntervalMs === 0) return
    this.#watch = watchFiles({
      intervalMs: watchIntervalMs,
      read: () => this.#read(),
      settled: async () => {
        await this.reload('file change')
        return true
      },
      currentHash: () => this.current.hash,
    })
  }

  reload(trigger: string): Promise<'swapped' | 'unchanged' | 'refused'> {
    const next = this.#queue.then(() => this.#reloadNow(trigger))
    this.#queue = next.catch(() => {})
    return next
  }

  onSwap(listener: (generation: LinkGeneration) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch?.[Symbol.dispose]()
    await this.#queue
    this.#listeners.clear()
  }

  async #reloadNow(trigger: string): Promise<'swapped' | 'unchanged' | 'refused'> {
    const old = this.current
    try {
      const set = await this.#read()
      if (set.hash === old.hash) {
        this.#refused = ''
        return 'unchanged'
      }
      await this.#activate(set, old.number + 1)
      this.#refused = ''
      this.#log.info('link material reloaded', { trigger, generation: this.current.number })
      return 'swapped'
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const hint = error instanceof MaterialFault ? error.hint : 'see the server log'
      if (reason !== this.#refused) {
        this.#refused = reason
        const fields = { trigger, reason, hint, generation: old.number }
        this.#log.error('link material not reloaded, the old one stays in use', fields)
      }
      return 'refused'
    }
  }

  #read(): Promise<LinkFileSet> {
    return readLinkFiles(this.#settings.files)
  }

  /** Prepared completely aside, then exchanged by one assignment. */
  async #activate(locked: LinkFileSet, number: number): Promise<void> {
    const set = await unlockLink(locked, this.#settings.files)
    const { anchors, client, warnings } = checkLink(set, new Date(), this.#settings.strictKeyPermissions)
    const context = contextOf(anchors, client)
    const generation = Object.freeze({ number, context, anchors, leaf: client?.chain[0] ?? null, hash: set.hash })
    this.#current = generation
    for (const warning of warnings) this.#log.warn('link material', { warning })
    this.#tellExpiry(set, generation)
    for (const listener of this.#listeners) listener(generation)
  }

  #tellExpiry(set: LinkFileSet, { leaf, anchors }: LinkGeneration): void {
    const { linkNotAfter } = this.#metrics
    linkNotAfter.reset()
    const tell = (role: string, path: string, certificate: X509Certificate) => {
      const subject = oneLine(certificate.subject)
      linkNotAfter.set({ role, path, subject }, certificate.validToDate.getTime() / 1000)
    }
    if (leaf && set.client) tell('client', set.client.pem.path, leaf)
    for (const anchor of anchors) tell('ca', set.caPem.path, anchor)
  }
}

/** Complete and explicit: what is left out would fall back to Node's defaults, and a missing `ca` to public CAs. */
function contextOf(
  anchors: readonly X509Certificate[],
  client: { readonly chain: readonly X509Certificate[]; readonly keyPem: string } | null,
): SecureContext {
  const policy = defaultPolicy(client ? 'mutual' : 'oneWay')
  const pair = client && { cert: client.chain.map((one) => one.toString()).join(''), key: client.keyPem }
  try {
    return createSecureContext({
      ...pair,
      ca: anchors.map((anchor) => anchor.toString()),
      // as Go: whatever certificate stands in the CA file is an anchor, a leaf or an intermediate too
      allowPartialTrustChain: true,
      minVersion: policy.minVersion,
      maxVersion: policy.maxVersion,
      ciphers: policy.ciphers.join(':'),
      ecdhCurve: policy.groups.join(':'),
    })
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause)
    throw new MaterialFault(EXIT.config, `the files of the link are refused: ${text}`, 'make a new pair')
  }
}
