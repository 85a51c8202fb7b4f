import type { UpstreamConfig } from '../config/upstream.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { LinkMaterial } from '../tls/link-material.ts'

/** What all links to one upstream share. */
export interface LinkContext {
  readonly config: UpstreamConfig
  /** Null where the link is plaintext. */
  readonly material: LinkMaterial | null
  readonly log: Log
  readonly metrics: Metrics
}
