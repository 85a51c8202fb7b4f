/**
 * What the administration of a running server can tell and do, as its JSON has it (`docs/reference/admin-api.md`).
 * Plain data, nothing secret. Times are ISO 8601 in UTC.
 */
export interface Administration {
  status(): Promise<StatusReport>
  connections(): ConnectionsReport
  certificates(): CertificatesReport
  /** @throws RedkiteError `invalidParameter` with the reason and the remedy; then the old generation keeps serving */
  reload(): Promise<ChangeReport>
  /** Back to the previous good generation. @throws RedkiteError as `reload` */
  rollback(): Promise<ChangeReport>
  /** Sends the matching connections away: GOAWAY at once, closed a second later. */
  close(which: CloseWish): CloseReport
  /** Copies everything as it is at one moment into a new folder of the server's machine. @throws RedkiteError */
  backup(directory: string): Promise<BackupReport>
}

/** The manifest of the backup that was made. */
export interface BackupReport {
  readonly version: string
  readonly takenAt: string
  readonly collections: readonly { readonly db: string; readonly name: string; readonly rows: number }[]
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[]
}

export interface StatusReport {
  readonly version: string
  /** `off`, `one-way` (tlsMode 1) or `mutual` (tlsMode 2). */
  readonly mode: 'off' | 'one-way' | 'mutual'
  /** Null where TLS is off. */
  readonly policy: null | {
    readonly profile: string
    readonly pq: string
    readonly minVersion: string
    readonly maxVersion: string
    /** OpenSSL names, most preferred first. */
    readonly ciphers: readonly string[]
    readonly groups: readonly string[]
  }
  /** Number of the key material in use; null where TLS is off. */
  readonly generation: number | null
  readonly listeners: readonly ListenerReport[]
  /** What the start-up self-test found; null where it did not run. */
  readonly selfTest: object | null
  /** The last 50 causes for which connections of all listeners were refused, newest first. */
  readonly refusals: readonly RefusalReport[]
}

export interface ListenerReport {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly serves: string
  readonly transport: 'tls' | 'plaintext'
  /** Null on a plaintext port. */
  readonly minVersion: string | null
  /** Number of the key material it uses; null on a plaintext port. */
  readonly generation: number | null
  readonly alpn: readonly string[]
  readonly connections: number
  readonly handshakes: {
    readonly pending: number
    readonly accepted: number
    /** Refused connections by reason, since the start. */
    readonly refused: Readonly<Record<string, number>>
  }
}

export interface RefusalReport {
  /** When it came last. */
  readonly at: string
  /** How often, for the same reason, from the same address, with the same certificate. */
  readonly times: number
  readonly listener: string
  readonly peer: string
  /** Server name that the client asked for; '' = none. */
  readonly sni: string
  /** '' where none was agreed. */
  readonly protocol: string
  readonly reason: string
  readonly message: string
  readonly remedy: string
  readonly certificate: null | { readonly subject: string; readonly issuer: string; readonly serial: string }
}

export interface ConnectionsReport {
  readonly connections: readonly ConnectionReport[]
}

export interface ConnectionReport {
  /** `listener:number`, unique in a run of the server. */
  readonly id: string
  readonly listener: string
  readonly peer: string
  readonly protocol: string
  readonly openedAt: string
  readonly requestsOpen: number
  /** Null on a plaintext port. */
  readonly tls: null | {
    readonly version: string
    readonly cipher: string
    /** '' where it is not known. */
    readonly group: string
    readonly alpn: string
    readonly sni: string
    readonly resumed: boolean
    readonly generation: number
    /** The verified client certificate; null in one-way mode. */
    readonly client: null | {
      readonly subject: string
      readonly issuer: string
      readonly serial: string
      readonly fingerprint256: string
      readonly user: string | null
      readonly notAfter: string
    }
  }
}

/** One entry for each set of key material in use: `tls`, `internaltls`. Empty where TLS is off. */
export interface CertificatesReport {
  readonly materials: readonly MaterialReport[]
}

export interface MaterialReport {
  readonly section: string
  readonly mode: string
  readonly source: string
  readonly generation: number
  readonly loadedAt: string
  readonly files: readonly { readonly role: string; readonly path: string; readonly mode: string }[]
  readonly certificates: readonly CertificateReport[]
  readonly warnings: readonly string[]
  readonly lastRefusal: null | { readonly reason: string; readonly hint: string; readonly at: string }
  readonly history: readonly { readonly generation: number; readonly loadedAt: string }[]
}

export interface CertificateReport {
  readonly role: string
  readonly path: string
  readonly index: number
  readonly subject: string
  readonly issuer: string
  readonly serial: string
  readonly keyType: string
  readonly fingerprint256: string
  readonly notBefore: string
  readonly notAfter: string
  readonly daysLeft: number
}

export interface ChangeReport {
  readonly materials: readonly {
    readonly section: string
    readonly outcome: 'swapped' | 'unchanged'
    readonly generation: number
  }[]
}

/** Which connections to close: one by its id, or all of a client certificate or of the user it maps to. */
export type CloseWish =
  | { readonly by: 'id'; readonly id: string }
  | { readonly by: 'fingerprint'; readonly fingerprint: string }
  | { readonly by: 'user'; readonly user: string }

export interface CloseReport {
  readonly closed: number
}
