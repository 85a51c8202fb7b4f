import { isAbsolute, join, resolve } from 'node:path'
import type { Finding } from './finding.ts'
import { checkIdentity } from './identity.ts'
import type { Effective } from './resolve.ts'
import { nest } from './resolve.ts'
import type { Key, PlainConfig, Values } from './schema.ts'
import { type TlsConfig, tlsOf } from './tls-source.ts'
import { misplacedHint } from './unknown-keys.ts'
import { type UpstreamConfig, upstreamOf } from './upstream.ts'

/** What a port speaks: plaintext, or TLS with the files it needs. */
export type TlsMode =
  | { readonly kind: 'plain' }
  | { readonly kind: 'oneWay'; readonly serverPem: string; readonly serverKey: string }
  | { readonly kind: 'mutual'; readonly serverPem: string; readonly serverKey: string; readonly caPem: string }

/** TLS of the internal port; `allowedPeers`: names of which a peer's certificate must carry one, empty = any. */
export type InternalTls =
  | { readonly kind: 'plain' }
  | { readonly kind: 'oneWay'; readonly serverPem: string; readonly serverKey: string }
  | {
      readonly kind: 'mutual'
      readonly serverPem: string
      readonly serverKey: string
      readonly caPem: string
      readonly allowedPeers: readonly string[]
    }

/** The values that follow from several keys, or from how the process was started. */
interface DerivedConfig {
  readonly tls: TlsConfig
  readonly internalTls: InternalTls
  /** The server behind this one; null where this server answers itself. */
  readonly upstream: UpstreamConfig | null
  readonly listen: {
    /** Address of all ports but the metrics one; null: all interfaces. */
    readonly host: string | null
    /** True where nobody chose the address and plaintext without a configuration file keeps it on loopback. */
    readonly isLoopbackByDefault: boolean
  }
  /** Absolute. */
  readonly dataDir: string
  /** `--auto-tls`: the server makes the files of `tls.mode` under `<dataDir>/tls` where they do not exist. */
  readonly autoTls: boolean
  /** The configuration files that were read, lowest precedence first. */
  readonly files: readonly string[]
}

/** The whole configuration: typed, complete, frozen. Paths are absolute; numbers have their unit in the name. */
export type Config = PlainConfig & DerivedConfig

/** How the process was started, as far as the configuration follows from it. */
export interface Surroundings {
  readonly cwd: string
  readonly autoTls: boolean
  readonly files: readonly string[]
  /** File names in a directory; empty where it does not exist. */
  readonly listDirectory: (path: string) => readonly string[]
}

/**
 * Completes the values to a `Config`. Contradictions between keys become error findings, and then `config` is null.
 * @param known findings so far, for hints on values that stand in the wrong place
 */
export function buildConfig(
  values: Values,
  effective: readonly Effective[],
  known: readonly Finding[],
  surroundings: Surroundings,
): { readonly config: Config | null; readonly findings: readonly Finding[] } {
  const problems = new Problems(effective, known)
  const absolute = (path: string) => (isAbsolute(path) ? path : resolve(surroundings.cwd, path))
  const dataDir = absolute(values['redkite.dataDir'])
  const tls = tlsOf(values, {
    autoDir: surroundings.autoTls ? join(dataDir, 'tls') : null,
    absolute,
    list: surroundings.listDirectory,
    add: (...problem) => problems.add(...problem),
  })
  const { mode } = tls
  const upstream = upstreamOf(values, absolute, (...problem) => problems.add(...problem))
  const internalTls = internalTlsOf(values, upstream, absolute, problems)
  checkRanges(values, problems)
  checkIdentity(values, mode, (...problem) => problems.add(...problem))
  if (problems.findings.length > 0) return { config: null, findings: problems.findings }
  const plain = nest(values)
  const isLoopbackByDefault = values['redkite.host'] === '' && mode.kind === 'plain' && surroundings.files.length === 0
  const host = isLoopbackByDefault ? '127.0.0.1' : values['redkite.host'] === '' ? null : values['redkite.host']
  const rootPath = plain.log.file.rootPath
  const config: Config = {
    ...plain,
    log: { ...plain.log, file: { ...plain.log.file, rootPath: rootPath === '' ? '' : absolute(rootPath) } },
    tls: { ...plain.tls, ...tls },
    internalTls,
    upstream,
    listen: { host, isLoopbackByDefault },
    dataDir,
    autoTls: surroundings.autoTls,
    files: surroundings.files,
  }
  return { config: freezeDeep(config), findings: [] }
}

class Problems {
  readonly findings: Finding[] = []
  readonly #effective: readonly Effective[]
  readonly #known: readonly Finding[]

  constructor(effective: readonly Effective[], known: readonly Finding[]) {
    this.#effective = effective
    this.#known = known
  }

  /** Adds an error about `key`, located where the value of `cause` was given. */
  add(key: Key, cause: Key, message: string, hint: string): void {
    const source = this.#effective.find((entry) => entry.key === cause)?.source ?? null
    this.findings.push({ severity: 'error', key, message, hint: misplacedHint(key, this.#known) ?? hint, source })
  }
}

function internalTlsOf(
  values: Values,
  upstream: UpstreamConfig | null,
  absolute: (path: string) => string,
  problems: Problems,
): InternalTls {
  if (!values['common.security.internaltlsEnabled']) return { kind: 'plain' }
  const file = (key: 'internaltls.serverPemPath' | 'internaltls.serverKeyPath' | 'internaltls.caPemPath'): string => {
    const path = values[key]
    if (path !== '') return absolute(path)
    // a proxy opens no internal port, and its link may have files of its own
    if (upstream === null)
      problems.add(key, 'common.security.internaltlsEnabled', `internaltlsEnabled needs ${key}`, `set ${key}`)
    return ''
  }
  const pair = { serverPem: file('internaltls.serverPemPath'), serverKey: file('internaltls.serverKeyPath') }
  const caPem = file('internaltls.caPemPath')
  if (!values['redkite.internaltls.mutual']) return { kind: 'oneWay', ...pair }
  return { kind: 'mutual', ...pair, caPem, allowedPeers: values['redkite.internaltls.allowedPeers'] }
}

function checkRanges(values: Values, problems: Problems): void {
  const passwordMin = values['proxy.minPasswordLength']
  const passwordMax = values['proxy.maxPasswordLength']
  if (passwordMin > passwordMax) {
    const message = `proxy.minPasswordLength ${passwordMin} is more than proxy.maxPasswordLength ${passwordMax}`
    problems.add('proxy.minPasswordLength', 'proxy.minPasswordLength', message, 'lower the one or raise the other')
  }
  const proxyPort = values['proxy.port']
  if (proxyPort === 0) return
  for (const key of ['common.MetricsPort', 'proxy.internalPort'] as const) {
    if (values[key] !== proxyPort) continue
    problems.add(key, key, `${key} and proxy.port are both ${proxyPort}`, 'give each its own port')
  }
  if (
    values['proxy.http.port'] !== null &&
    values['proxy.http.port'] === values['common.MetricsPort'] &&
    values['common.MetricsPort'] !== 0
  ) {
    const message = `proxy.http.port and common.MetricsPort are both ${values['proxy.http.port']}`
    problems.add('proxy.http.port', 'proxy.http.port', message, 'give each its own port')
  }
}

function freezeDeep<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const child of Object.values(value)) freezeDeep(child)
  return Object.freeze(value)
}
