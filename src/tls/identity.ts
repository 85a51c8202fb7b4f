import type { X509Certificate } from 'node:crypto'

/** Maps a verified client certificate to a user by ordered rules. */
export interface IdentityMap {
  /** Null where no rule matches, or the certificate's names cannot be trusted (duplicates, control characters). */
  userOf(leaf: X509Certificate): string | null
}
