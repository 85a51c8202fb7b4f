import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../../config/config.ts'
import type { LoadResult } from '../../../config/load.ts'
import { type Key, keyTable } from '../../../config/schema.ts'
import type { Exposure } from '../../../probe/doctor/exposure.ts'
import type { PortNames } from '../../../probe/doctor/material.ts'
import type { NamedFile } from '../../../probe/doctor/mounts.ts'
import type { WantedPort } from '../../../probe/doctor/ports.ts'
import type { LinkFiles } from '../../../tls/link-files.ts'
import { internalPolicy, protocolPolicy } from '../../../tls/policy.ts'
import { passphraseSource, type TlsSettings } from '../../../tls/settings.ts'
import { isEverywhere } from '../../ready-target.ts'

/** A value in force, as text; '' where it is empty or secret. */
export function valueText({ effective }: Pick<LoadResult, 'effective'>, key: Key): string {
  const value = effective.find((entry) => entry.key === key)?.value
  return typeof value === 'string' ? value : ''
}

/** The settings under which the server loads the material of its external ports; null in plaintext. */
export function externalSettings({ tls }: Config): TlsSettings | null {
  const { mode, source, passphrase, caKeyPath, strictKeyPermissions } = tls
  if (mode.kind === 'plain') return null
  const protocol = protocolPolicy(tls, mode.kind)
  return { files: mode, source, passphrase, caKeyPath, strictKeyPermissions, protocol }
}

/** The same of the internal port; null where none is opened. */
export function internalSettings({ internalTls: files, internaltls, upstream, tls }: Config): TlsSettings | null {
  if (files.kind === 'plain' || upstream !== null) return null
  const passphrase = passphraseSource(internaltls.passphraseFile, internaltls.passphraseCommand)
  const { strictKeyPermissions } = tls
  return { files, section: 'internaltls', passphrase, strictKeyPermissions, protocol: internalPolicy() }
}

/** The files of the link to an upstream; null without one, or in plaintext. */
export function linkFiles({ upstream, internaltls }: Config): LinkFiles | null {
  if (!upstream?.tls) return null
  const { caPem, client, keys } = upstream.tls
  return {
    caPem: { key: keys.caPem, path: caPem },
    client: client && {
      pem: { key: keys.clientPem, path: client.pem },
      key: { key: keys.clientKey, path: client.key },
    },
    passphrase: passphraseSource(internaltls.passphraseFile, internaltls.passphraseCommand),
  }
}

/** Every file of key material that the configuration names. */
export function materialFiles(settings: readonly (TlsSettings | null)[], link: LinkFiles | null): readonly NamedFile[] {
  const files = settings.flatMap((one): readonly NamedFile[] => {
    if (one === null) return []
    const section = one.section ?? 'tls'
    const { files } = one
    return [
      { key: `${section}.serverPemPath`, path: files.serverPem },
      { key: `${section}.serverKeyPath`, path: files.serverKey },
      ...(files.kind === 'mutual' ? [{ key: `${section}.caPemPath`, path: files.caPem }] : []),
    ]
  })
  const more = link === null ? [] : [link.caPem, ...(link.client === null ? [] : [link.client.pem, link.client.key])]
  return [...files, ...more]
}

/** Names that clients dial, as far as a configuration tells. */
export function portNames(result: LoadResult, { listen }: Config): PortNames {
  const advertised = valueText(result, 'proxy.ip')
  const isNamed = listen.host !== null && !isEverywhere(listen.host)
  return { advertised: advertised === '' ? [] : [advertised], bound: isNamed && listen.host ? [listen.host] : [] }
}

/** The ports that a start would open. */
export function wantedPorts(config: Config): readonly WantedPort[] {
  const host = config.listen.host ?? '::'
  const { http, port, internalPort } = config.proxy
  const hasInternal = config.internalTls.kind !== 'plain' && config.upstream === null
  const hasRest = http.enabled && http.port !== null && http.port !== port
  return [
    { key: 'proxy.port', host, port },
    ...(hasRest && http.port !== null ? [{ key: 'proxy.http.port', host, port: http.port }] : []),
    ...(hasInternal ? [{ key: 'proxy.internalPort', host, port: internalPort }] : []),
    { key: 'common.MetricsPort', host: config.metrics.host, port: config.metrics.port },
  ]
}

/** Who can reach what. */
export function exposureOf(config: Config): Exposure {
  const { listen, metrics, auth, tls, dataDir } = config
  return {
    mode: tls.mode.kind,
    host: listen.host !== null && isEverywhere(listen.host) ? null : listen.host,
    metricsHost: metrics.host,
    authorization: auth.authorizationEnabled,
    isDefaultRootPassword:
      auth.defaultRootPassword.reveal() === keyTable['common.security.defaultRootPassword'].default,
    isNewData: !existsSync(join(dataDir, 'catalog.db')),
    acceptServerAuthClients: tls.acceptServerAuthClients,
    selfTest: tls.selfTest,
  }
}
