/**
 * The composition root: configuration -> TLS material -> service -> protocols -> listeners. The only file that knows
 * everybody; nothing here decides anything that a part could decide.
 */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Audit } from './auth/audit.ts'
import { Gate } from './auth/gate.ts'
import { openUsers } from './auth/local-users.ts'
import { type Backend, openBackend } from './backend.ts'
import { Catalog } from './catalog/catalog.ts'
import { banner } from './cli/banner.ts'
import type { CliIo } from './cli/io.ts'
import { dialledHost, isEverywhere, readyTls } from './cli/ready-target.ts'
import type { Config } from './config/config.ts'
import type { LoadedConfig } from './config/load.ts'
import { collectWhenIdle } from './embedded/idle-memory.ts'
import { lockDataDirectory } from './embedded/lock.ts'
import { EXIT, type ExitCode, StartError } from './errors/start-error.ts'
import { AuditFile } from './observe/audit-file.ts'
import type { Log } from './observe/log.ts'
import { createMetrics, type Metrics } from './observe/metrics.ts'
import type { Ports } from './ports.ts'
import { ensureAutoTls, openServerTls } from './server-tls.ts'
import { proofWanted } from './tls/identity/policy.ts'
import type { TlsMaterial } from './tls/material.ts'
import { REDKITE_VERSION } from './version.ts'

export interface StartInput {
  readonly loaded: LoadedConfig
  readonly autoTls: boolean
  readonly readyFile: string | null
  readonly log: Log
  readonly io: CliIo
}

/** A server that answers on all its ports. */
export interface RunningServer {
  /** Resolves when it has stopped, with the exit code of the process. */
  readonly stopped: Promise<ExitCode>
  /** Stops accepting, lets calls finish, closes the files. */
  stop(reason: string): Promise<void>
  /** Looks at certificates and keys again. */
  reload(reason: string): Promise<void>
}

/** Starts everything or nothing: what was opened is closed again when a later part fails. */
export async function startServer(input: StartInput): Promise<RunningServer> {
  const startedAt = performance.now()
  const { config } = input.loaded
  const log = input.log.at('server.ts')
  await using opened = new AsyncDisposableStack()
  // loading the protocols takes the main thread about as long as opening the data takes the others
  const protocols = import('./ports.ts')
  announce(input.loaded, log)

  const isNewData = !existsSync(join(config.dataDir, 'catalog.db'))
  makeDataDirectory(config.dataDir)
  opened.use(lockDataDirectory(config.dataDir))
  const auto = config.autoTls ? await ensureAutoTls(config, log) : null
  const metrics = createMetrics()
  metrics.startProcessMetrics()
  const { material, internal } = await openServerTls(config, input.log, metrics, opened)
  const audit = openAudit(config, input.log, metrics)
  if (audit) opened.use(audit)
  const { service, gate, link, backup } = await openService(config, audit, input.log, metrics)
  opened.use(service)
  opened.use(collectWhenIdle())
  const { openPorts } = await protocols
  const ports = await openPorts(config, { service, gate, backup, material, internal, log: input.log, metrics }, opened)
  if (config.tls.selfTest) {
    await testPorts(ports, { material, internal }, input.log)
    if (material) ports.noteSelfTest({ outcome: 'passed', at: new Date().toISOString() })
  }
  const facts = factsOf(config, ports, material)
  if (input.readyFile !== null) writeReadyFile(input.readyFile, config, facts)
  const readyMs = Math.round(performance.now() - startedAt)
  input.io.stdout(banner({ ...facts, isNewData, caFingerprint: auto?.fingerprint ?? null, readyMs }))
  log.info('---Milvus Proxy successfully initialized and ready to serve!---', { readyMs, version: REDKITE_VERSION })

  const server = running(opened.move(), ports, material, config, log)
  return {
    ...server,
    async reload(reason) {
      audit?.reopen()
      await Promise.all([server.reload(reason), internal?.reload('SIGHUP'), link?.reload('SIGHUP')])
    },
  }
}

/** What Milvus says at its start, and what our reading of the configuration found. */
function announce(loaded: LoadedConfig, log: Log): void {
  for (const finding of loaded.findings) {
    const fields = { key: finding.key, hint: finding.hint }
    if (finding.severity === 'warn') log.warn(finding.message, fields)
    else log.info(finding.message, fields)
  }
  log.at('utils/util.go:56').info('Internal TLS Enabled', { value: loaded.config.internalTls.kind !== 'plain' })
}

function makeDataDirectory(path: string): void {
  // Step by step: Node's recursive mkdir never returns where a file system answers ENOENT below an existing folder.
  const missing: string[] = []
  for (let at = path; !existsSync(at) && at !== dirname(at); at = dirname(at)) missing.unshift(at)
  try {
    for (const folder of missing) mkdirSync(folder, { mode: 0o700 })
    mkdirSync(path, { recursive: true })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new StartError(EXIT.cannotCreate, `cannot make the data directory: ${why}`, 'name another with --data', {
      cause,
    })
  }
}

function openAudit({ audit: { path } }: Config, log: Log, metrics: Metrics): AuditFile | null {
  return path === '' ? null : new AuditFile(resolve(path), log, metrics)
}

async function openService(
  config: Config,
  audit: AuditFile | null,
  log: Log,
  metrics: Metrics,
): Promise<Backend & { readonly gate: Gate }> {
  const catalog = Catalog.open(config.dataDir)
  for (const remark of catalog.remarks) log.warn(remark)
  const users = openUsers(catalog, catalog.roles, config.auth, config.limits.nameBytesMax)
  const { keeper, roles } = users
  const rootReady = keeper.ensureRoot(config.auth.defaultRootPassword)
  const { service, link, backup } = await openBackend(config, { catalog, users, log, metrics })
  await rootReady
  const { authorizationEnabled: enabled, passwordAttemptsMax: attemptsMax } = config.auth
  const windowMs = config.auth.passwordAttemptsWindowMs
  return {
    service,
    link,
    backup,
    gate: new Gate({
      enabled,
      keeper,
      roles,
      rootShouldBindRole: config.auth.rootShouldBindRole,
      resolveAlias: (db, name) => catalog.find(db, name)?.schema.name ?? name,
      backOff: { attemptsMax, windowMs },
      proofWanted: (user) => proofWanted(config.identity.policy, user),
      audit: audit && new Audit({ ...config.audit, file: audit }),
      log: log.at('auth/gate.ts'),
      metrics,
    }),
  }
}

/** Strangers must be refused on every TLS port before the server says that it is ready. */
async function testPorts(
  ports: Ports,
  { material, internal }: { readonly material: TlsMaterial | null; readonly internal: TlsMaterial | null },
  log: Log,
): Promise<void> {
  const owned = [
    { listener: ports.proxy, tls: material },
    { listener: ports.rest, tls: material },
    { listener: ports.internal, tls: internal },
  ]
  const tested = owned.flatMap(({ listener, tls }) =>
    listener === null || tls === null ? [] : [{ listener, isMutual: tls.current.kind === 'mutual' }],
  )
  if (tested.length === 0) return
  const { selfTest } = await import('./probe/self-test.ts')
  const strangers = tested.map(({ listener, isMutual }) => ({
    name: listener.name,
    host: listener.host,
    port: listener.port,
    isMutual,
    holdRefusals: () => listener.holdRefusals(),
  }))
  await selfTest(strangers, log.at('probe/self-test.ts'))
}

function factsOf(config: Config, ports: Ports, material: TlsMaterial | null) {
  const { mode } = config.tls
  const scheme = mode.kind === 'plain' ? 'http' : 'https'
  const host = dialledHost(config.listen.host)
  const name = nameOf(config.listen.host)
  const restPort = ports.rest?.port ?? ports.proxy.port
  return {
    version: REDKITE_VERSION,
    dataDir: config.dataDir,
    grpc: `${scheme}://${name}:${ports.proxy.port}`,
    rest: `${scheme}://${name}:${restPort}`,
    metrics: `http://${nameOf(config.metrics.host)}:${ports.management.port}`,
    name,
    upstream: config.upstream?.uri ?? null,
    internal: ports.internal && `https://${name}:${ports.internal.port}`,
    host,
    tls: readyTls(config.tls.mode, material, host),
    port: ports.proxy.port,
    restPort,
    authentication: config.auth.authorizationEnabled,
    isLoopbackOnly: config.listen.isLoopbackByDefault,
  }
}

/** An address that is listened on as the host of a URL. */
function nameOf(listened: string | null): string {
  if (isEverywhere(listened)) return 'localhost'
  return listened.includes(':') ? `[${listened}]` : listened
}

/** Written to a temporary name and renamed, so that a reader sees all of it or nothing. */
function writeReadyFile(path: string, config: Config, facts: ReturnType<typeof factsOf>): void {
  const ready = {
    pid: process.pid,
    grpc: facts.grpc,
    rest: facts.rest,
    metrics: facts.metrics,
    tls: { mode: config.tls.mode.kind, ca: facts.tls.kind === 'plain' ? null : facts.tls.ca },
    data: config.dataDir,
    internal: facts.internal,
    upstream: facts.upstream,
  }
  const temporary = `${path}.${process.pid}`
  try {
    writeFileSync(temporary, `${JSON.stringify(ready)}\n`)
    renameSync(temporary, path)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new StartError(EXIT.cannotCreate, `cannot write the ready file: ${why}`, 'see --ready-file', { cause })
  }
}

function running(
  opened: AsyncDisposableStack,
  ports: Ports,
  material: TlsMaterial | null,
  config: Config,
  log: Log,
): RunningServer {
  const { promise: stopped, resolve: end } = Promise.withResolvers<ExitCode>()
  let stopping: Promise<void> | null = null
  const stop = async (reason: string): Promise<void> => {
    log.info('stopping', { reason })
    const graceMs = config.proxy.gracefulStopTimeoutMs
    await Promise.all([ports.proxy, ports.rest, ports.internal].map((port) => port?.drain(graceMs)))
    await opened.disposeAsync()
    log.info('stopped', { reason })
    end(EXIT.ok)
  }
  return {
    stopped,
    stop(reason) {
      stopping ??= stop(reason)
      return stopping
    },
    async reload(reason) {
      if (!material) return log.info('nothing to reload: TLS is off', { reason })
      const outcome = await material.reload('SIGHUP')
      if (outcome.kind === 'unchanged') log.info('certificates are unchanged', { generation: outcome.generation })
    },
  }
}
