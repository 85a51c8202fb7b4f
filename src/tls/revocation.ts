import type { X509Certificate } from 'node:crypto'
import type { Explanation } from './judge.ts'

/**
 * What is revoked right now: a deny list and CRLs, read again while the server runs. Asked at every handshake, new or
 * resumed, and for every live connection after a change.
 */
export interface Revocation extends AsyncDisposable {
  /**
   * Why this certificate may not be used; null = it may.
   * @param anchors the trust anchors under which it was verified: issuers of CRLs
   */
  refusal(leaf: X509Certificate, anchors: readonly X509Certificate[], now: Date): Explanation | null
  /** Says in the log what cannot be checked under these anchors, all of the server's: at start and after each swap. */
  meet(anchors: readonly X509Certificate[]): void
  /** Called after each change that may revoke somebody; returns how to unsubscribe. */
  onChange(listener: () => void): () => void
}

/** Paths as the configuration gives them; '' means not used. Relative ones count from the working directory. */
export interface RevocationSettings {
  readonly denyListPath: string
  readonly crlPath: string
  readonly crlMode: 'soft' | 'hard'
}
