import type { Secret } from '../model/calls.ts'
import type { IdentityMap } from './identity.ts'
import type { Revocation } from './revocation.ts'

/** Paths of the PEM files of one port, by mode. A mode without its files is not representable. */
export type TlsFiles =
  | { readonly kind: 'oneWay'; readonly serverPem: string; readonly serverKey: string }
  | { readonly kind: 'mutual'; readonly serverPem: string; readonly serverKey: string; readonly caPem: string }

/**
 * Where the material of a port comes from. `TlsFiles` always names the files that hold it: for `directory` by the naming
 * seen at the start (it is looked up again at each read), for `pkcs12` the bundle for certificate and key.
 */
export type TlsSource =
  | { readonly kind: 'files' }
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'pkcs12'; readonly path: string }

/** What unlocks an encrypted private key or PKCS#12 bundle; asked again at each load. */
export type PassphraseSource =
  /** The first line of a file. */
  | { readonly kind: 'file'; readonly path: string }
  /** The first line that a program prints; run without a shell. Its arguments may hold a token. */
  | { readonly kind: 'command'; readonly command: Secret }

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
  /** Default: the paths of `files`. */
  readonly source?: TlsSource
  readonly passphrase?: PassphraseSource | null
  /** `redkite.tls.caKeyPath`: the key of the authority that issued the server certificate, to renew it with. */
  readonly caKeyPath?: string | null
  /** `redkite.tls.autoRenew`: renew at two thirds of the certificate's life where the CA key is at hand. Default true. */
  readonly autoRenew?: boolean
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
  /** DNS names and URIs of which a client certificate must carry one; absent or empty: any that its CA issued. */
  readonly allowedPeers?: readonly string[]
  /** `redkite.tls.explain`: a refused client is told why by gRPC or HTTP, and reaches nothing else. */
  readonly explain?: boolean
}

/** Which file of a set; also the last part of its config key. */
export type TlsFileRole = 'serverPem' | 'serverKey' | 'caPem'

/** The config key that names a file, as an operator writes it in milvus.yaml: `tls.serverPemPath`. */
export function configKey(section: string, role: TlsFileRole): string {
  return `${section}.${role}Path`
}

/** A key of ours for a section: `redkite.tls.dir`. */
export function ownKey(section: string, name: string): string {
  return `redkite.${section}.${name}`
}

/** The names of `redkite certs create` and the Milvus documentation, and those of Kubernetes' TLS secrets. */
export const TLS_NAMINGS = [
  { certificate: 'server.pem', key: 'server.key', ca: 'ca.pem' },
  { certificate: 'tls.crt', key: 'tls.key', ca: 'ca.crt' },
] as const

/** Which of the namings the files of a directory have; two are a contradiction. */
export function namingsIn(names: readonly string[]): readonly (typeof TLS_NAMINGS)[number][] {
  return TLS_NAMINGS.filter((naming) => names.includes(naming.certificate) || names.includes(naming.key))
}

/** The settings' passphrase source from its two keys; empty = not set. Both set is refused by the configuration. */
export function passphraseSource(file: string, command: Secret): PassphraseSource | null {
  if (file !== '') return { kind: 'file', path: file }
  return command.reveal() === '' ? null : { kind: 'command', command }
}
