import type { IdentityMap } from './identity.ts'
import type { Revocation } from './revocation.ts'

/** Paths of the PEM files of one port, by mode. A mode without its files is not representable. */
export type TlsFiles =
  | { readonly kind: 'oneWay'; readonly serverPem: string; readonly serverKey: string }
  | { readonly kind: 'mutual'; readonly serverPem: string; readonly serverKey: string; readonly caPem: string }

/** Versions and algorithms of a port (RFC 8446 and OpenSSL names); complete, so that no default of Node can lower it. */
export interface ProtocolPolicy {
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  readonly maxVersion: 'TLSv1.2' | 'TLSv1.3'
  /** OpenSSL names, in our order of preference. */
  readonly ciphers: readonly string[]
  /** Key-exchange groups, in our order of preference. */
  readonly groups: readonly string[]
}

export interface TlsSettings {
  readonly files: TlsFiles
  /** Config section the paths came from, for messages: `tls` (external, default) or `internaltls`. */
  readonly section?: string
  /** Milliseconds between two looks at the files; 0 turns watching off. Default 1000. */
  readonly watchIntervalMs?: number
  /**
   * `redkite.tls.acceptServerAuthClients`: admit a client certificate that a configured CA issued directly for
   * serverAuth only (the script in Milvus' documentation makes such). Default false, as Milvus.
   */
  readonly acceptServerAuthClients?: boolean
  /** `redkite.tls.strictKeyPermissions`: refuse a key that others than its owner can read. Default false: warn. */
  readonly strictKeyPermissions?: boolean
  /** Absent: as Milvus, by mode. */
  readonly protocol?: ProtocolPolicy
  /** What is revoked; absent: nothing is. */
  readonly revocation?: Revocation | null
  /** Certificate to user; absent: to nobody. */
  readonly identity?: IdentityMap | null
  /** `redkite.tls.explain`: a refused client is told why by gRPC or HTTP, and reaches nothing else. */
  readonly explain?: boolean
}

/** Which file of a set; also the last part of its config key. */
export type TlsFileRole = 'serverPem' | 'serverKey' | 'caPem'

/** The config key that names a file, as an operator writes it in milvus.yaml: `tls.serverPemPath`. */
export function configKey(section: string, role: TlsFileRole): string {
  return `${section}.${role}Path`
}
