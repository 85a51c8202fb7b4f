import type { X509Certificate } from 'node:crypto'
import type { CheckedMaterial } from './check.ts'
import type { TlsFileSet } from './files.ts'
import type { TlsFiles } from './settings.ts'
import type { FileStatus } from './status.ts'

/** One accepted state of the TLS files. Frozen; a reload makes the next one and never edits this. */
export interface Generation {
  /** 1 at start, one more at each swap. */
  readonly number: number
  readonly kind: TlsFiles['kind']
  /** Leaf first. */
  readonly chain: readonly X509Certificate[]
  readonly leaf: X509Certificate
  /** Private key, PKCS#8 PEM. Secret. */
  readonly keyPem: string
  /** Trust anchors for client certificates; empty in one-way mode. */
  readonly anchors: readonly X509Certificate[]
  /** SHA-256 fingerprints of the anchors. */
  readonly anchorIds: ReadonlySet<string>
  /** SHA-256 over the files' bytes. */
  readonly hash: string
  /** The files it was made of. */
  readonly files: readonly FileStatus[]
  readonly warnings: readonly string[]
  readonly loadedAt: Date
}

export function makeGeneration(number: number, set: TlsFileSet, checked: CheckedMaterial, now: Date): Generation {
  const leaf = checked.chain[0]
  if (!leaf) throw new Error('a checked chain has a leaf')
  const keyPem = checked.key.export({ type: 'pkcs8', format: 'pem' }).toString()
  return Object.freeze({
    number,
    kind: set.kind,
    chain: Object.freeze([...checked.chain]),
    leaf,
    keyPem,
    anchors: Object.freeze([...checked.anchors]),
    anchorIds: new Set(checked.anchors.map((anchor) => anchor.fingerprint256)),
    hash: set.hash,
    files: Object.freeze(set.facts),
    warnings: checked.warnings,
    loadedAt: now,
  })
}

/** The same material under a new number: what a rollback activates. */
export function renumbered(generation: Generation, number: number, now: Date): Generation {
  return Object.freeze({ ...generation, number, loadedAt: now })
}

/** The same with more warnings: those of its proof. */
export function withWarnings(generation: Generation, more: readonly string[]): Generation {
  return more.length === 0 ? generation : Object.freeze({ ...generation, warnings: [...generation.warnings, ...more] })
}
