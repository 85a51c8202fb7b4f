import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Generation } from './generation.ts'
import { MaterialOwner } from './owner.ts'
import type { TlsSettings } from './settings.ts'
import type { CertificateStatus, MaterialStatus } from './status.ts'

/** What asked for a reload or a rollback, for the log. */
export type ReloadTrigger = 'SIGHUP' | 'file change' | 'api' | 'command line' | 'renewal'

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
  /**
   * Activates the previous good generation (the last three are kept in memory) under a new number, proven again, and
   * holds it: the content that the files have now is not loaded again until it changes or `reload` is called.
   * Refused where no earlier generation is kept. Never throws.
   */
  rollback(trigger: ReloadTrigger): Promise<ReloadOutcome>
  /** What is in use, since when, from which files, and what was refused. Plain data for the API and for people. */
  status(): MaterialStatus
  /** The certificates in use: the served chain, then the trust anchors. */
  certificates(): readonly CertificateStatus[]
  /** Called after each swap, with the new generation; returns how to unsubscribe. */
  onSwap(listener: (generation: Generation) => void): () => void
}

/**
 * Loads the first generation and starts to watch its files. Throws `StartError`: exit 78 for wrong content or
 * paths, 77 for files that this user may not read, 74 for other I/O faults.
 */
export async function openMaterial(settings: TlsSettings, log: Log, metrics: Metrics): Promise<TlsMaterial> {
  const owner = new MaterialOwner(settings, log.at('tls/material.ts'), metrics)
  await owner.start()
  return owner
}
