/** Opens the key material of every port, with what stands behind it: who is revoked, and whom a certificate is. */
import { join } from 'node:path'
import type { Config } from './config/config.ts'
import { variablesOf } from './config/load.ts'
import type { Log } from './observe/log.ts'
import type { Metrics } from './observe/metrics.ts'
import { isHybrid } from './tls/groups.ts'
import { createIdentityMap, type IdentityMap } from './tls/identity.ts'
import { refuseKeylog } from './tls/keylog.ts'
import { openMaterial, type TlsMaterial } from './tls/material.ts'
import { internalPolicy, protocolPolicy } from './tls/policy.ts'
import { openRevocation } from './tls/revocation/open.ts'
import type { Revocation } from './tls/revocation.ts'
import { passphraseSource } from './tls/settings.ts'

/** Null where a port speaks plaintext, or is not opened. */
export interface ServerTls {
  readonly material: TlsMaterial | null
  readonly internal: TlsMaterial | null
}

/** Each part is handed to `opened` as soon as it is open. @throws StartError for what cannot be honoured */
export async function openServerTls(
  config: Config,
  log: Log,
  metrics: Metrics,
  opened: AsyncDisposableStack,
): Promise<ServerTls> {
  refuseKeylog([...process.execArgv, ...(variablesOf(['NODE_OPTIONS']).NODE_OPTIONS ?? '').split(/[\s"]+/)])
  const revocation = await openRevocation(config.tls, log, metrics)
  if (revocation) opened.use(revocation)
  const material = await openTls(config, revocation, log, metrics)
  if (material) opened.use(material)
  const internal = await openInternalTls(config, revocation, log, metrics)
  if (internal) opened.use(internal)
  const kinds = [material, internal].map((one) => one?.settings.files.kind)
  if (revocation && !kinds.includes('mutual')) {
    log.warn('redkite.tls.denyListPath and crlPath have no effect: no port asks for client certificates (tlsMode 2)')
  }
  const materials = [material, internal].filter((one) => one !== null)
  const meet = () => revocation?.meet(materials.flatMap((one) => one.current.anchors))
  for (const one of materials) one.onSwap(meet)
  meet()
  return { material, internal }
}

/** `--auto-tls`: makes or renews the certificates under the data directory; tells the CA file and its fingerprint. */
export async function ensureAutoTls(config: Config, log: Log): Promise<{ ca: string; fingerprint: string }> {
  // loaded only here: a server with its own certificates does not pay for the certificate toolkit
  const { ensureServerSet } = await import('./pki/ensure.ts')
  const { set, outcome, notes } = await ensureServerSet(join(config.dataDir, 'tls'), {
    serverName: 'localhost',
    names: [],
    now: new Date(),
  })
  log.info('certificates of --auto-tls', { outcome, directory: set.directory, expires: set.server.notAfter })
  for (const note of notes) log.warn(note)
  return { ca: set.files.ca, fingerprint: set.ca.fingerprint256 }
}

async function openTls(
  config: Config,
  revocation: Revocation | null,
  log: Log,
  metrics: Metrics,
): Promise<TlsMaterial | null> {
  const { mode } = config.tls
  if (mode.kind === 'plain') return null
  const { reloadIntervalMs: watchIntervalMs, acceptServerAuthClients, strictKeyPermissions } = config.tls
  const protocol = protocolPolicy(config.tls, mode.kind)
  const { profile, pq } = config.tls
  log.info('tls policy', { profile, pq, ...protocol })
  if (pq === 'prefer' && !protocol.groups.some(isHybrid))
    log.warn('no post-quantum group is offered', { groups: protocol.groups })
  const { explain, source, passphrase, caKeyPath, autoRenew } = config.tls
  const identity = await openIdentity(config, log)
  const settings = {
    files: mode,
    source,
    passphrase,
    caKeyPath,
    autoRenew,
    watchIntervalMs,
    acceptServerAuthClients,
    strictKeyPermissions,
    protocol,
    revocation,
    identity,
    explain,
  }
  return openMaterial(settings, log, metrics)
}

async function openIdentity(config: Config, log: Log): Promise<IdentityMap | null> {
  const { rules } = config.identity
  if (rules.length > 0 && config.tls.mode.kind !== 'mutual') {
    log.warn('redkite.identity.rules has no effect: client certificates are asked for in tlsMode 2 only')
    return null
  }
  return createIdentityMap({ rules, usernameBytesMax: config.auth.usernameBytesMax, log })
}

/** Material of the internal port of a node; a proxy opens none. A pair that does not load stops the start. */
async function openInternalTls(
  config: Config,
  revocation: Revocation | null,
  log: Log,
  metrics: Metrics,
): Promise<TlsMaterial | null> {
  const { internalTls: files } = config
  if (files.kind === 'plain' || config.upstream) return null
  const { reloadIntervalMs: watchIntervalMs, strictKeyPermissions } = config.tls
  const allowedPeers = files.kind === 'mutual' ? files.allowedPeers : []
  const { passphraseFile, passphraseCommand } = config.internaltls
  const settings = {
    files,
    section: 'internaltls',
    passphrase: passphraseSource(passphraseFile, passphraseCommand),
    revocation,
    watchIntervalMs,
    strictKeyPermissions,
    protocol: internalPolicy(),
    allowedPeers,
  }
  return openMaterial(settings, log, metrics)
}
