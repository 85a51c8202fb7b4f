/**
 * What answers the calls: the engine in this process, or the Milvus behind it. Its modules are loaded only where they
 * are used: a proxy loads no engine.
 */
import { type LocalUsers, userCalls } from './auth/local-users.ts'
import type { Catalog } from './catalog/catalog.ts'
import type { Config } from './config/config.ts'
import type { UpstreamConfig } from './config/upstream.ts'
import type { BackupManifest } from './embedded/backup/manifest.ts'
import type { EmbeddedService } from './embedded/service.ts'
import { MILVUS_VERSION } from './model/version.ts'
import type { Log } from './observe/log.ts'
import type { Metrics } from './observe/metrics.ts'
import type { Service } from './service.ts'
import type { LinkMaterial } from './tls/link-material.ts'
import { passphraseSource } from './tls/settings.ts'
import { REDKITE_VERSION } from './version.ts'

/** What answers, and the client-side material of its link to an upstream (null without one, or in plaintext). */
export interface Backend {
  readonly service: Service
  readonly link: LinkMaterial | null
  /** Copies everything into a new folder of this machine; null where the data is elsewhere. */
  readonly backup: ((directory: string) => Promise<BackupManifest>) | null
}

interface Parts {
  readonly catalog: Catalog
  readonly users: LocalUsers
  readonly log: Log
  readonly metrics: Metrics
}

/** @throws StartError for data that cannot be opened, or material of the link that cannot be used */
export async function openBackend(config: Config, parts: Parts): Promise<Backend> {
  if (config.upstream) return openUpstream(config, config.upstream, parts)
  const service = await openEmbedded(config, parts)
  return { service, link: null, backup: (directory) => service.backup(directory) }
}

async function openEmbedded(config: Config, { catalog, users, log, metrics }: Parts): Promise<EmbeddedService> {
  const [{ EmbeddedService }, { createStorePool }, { createVectorEngine }] = await Promise.all([
    import('./embedded/service.ts'),
    import('./embedded/store/pool.ts'),
    import('./engine/engine.ts'),
  ])
  const { readerThreads, writerThreads, sealRows } = config.engine
  return EmbeddedService.open({
    dataDirectory: config.dataDir,
    catalog,
    users: userCalls(users),
    stores: createStorePool({ readerThreads, writerThreads, log, metrics }),
    engine: createVectorEngine({ log, metrics, threads: readerThreads }),
    limits: config.limits,
    sealRows,
    version: MILVUS_VERSION,
    redkiteVersion: REDKITE_VERSION,
    log: log.at('embedded/service.ts'),
    metrics,
  })
}

async function openUpstream(
  config: Config,
  upstream: UpstreamConfig,
  { catalog, users, log, metrics }: Parts,
): Promise<Backend> {
  const [{ UpstreamService }, { ops }, { openLinkMaterial }] = await Promise.all([
    import('./upstream/service.ts'),
    import('./ops/registry.ts'),
    import('./tls/link-material.ts'),
  ])
  const { tls } = upstream
  const settings = tls && {
    files: {
      caPem: { key: tls.keys.caPem, path: tls.caPem },
      client: tls.client && {
        pem: { key: tls.keys.clientPem, path: tls.client.pem },
        key: { key: tls.keys.clientKey, path: tls.client.key },
      },
      passphrase: passphraseSource(config.internaltls.passphraseFile, config.internaltls.passphraseCommand),
    },
    watchIntervalMs: config.tls.reloadIntervalMs,
    strictKeyPermissions: config.tls.strictKeyPermissions,
  }
  const link = settings && (await openLinkMaterial(settings, log, metrics))
  const service = new UpstreamService({
    config: upstream,
    material: link,
    codecs: ops,
    localUsers: upstream.credentials.kind === 'passed' ? null : userCalls(users),
    replyBytesMax: config.limits.replyBytesMax,
    userAgent: `redkite/${REDKITE_VERSION}`,
    closing: catalog,
    log: log.at('upstream/pool.ts'),
    metrics,
  })
  return { service, link, backup: null }
}
