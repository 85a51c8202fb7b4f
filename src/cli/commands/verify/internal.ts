import { X509Certificate } from 'node:crypto'
import type { Config } from '../../../config/config.ts'
import { type LoadedConfig, loadConfig } from '../../../config/load.ts'
import type { Key } from '../../../config/schema.ts'
import { EXIT } from '../../../errors/start-error.ts'
import { readIfPresent } from '../../../pki/read.ts'
import { ok } from '../../../probe/check.ts'
import { type Link, verifyLinks } from '../../../probe/links.ts'
import { type ConfigOptions, toLoadInput } from '../../config-options.ts'
import { type CliIo, type OutputFormat, printResult } from '../../io.ts'
import { isEverywhere } from '../../ready-target.ts'
import { checkLines } from './print.ts'

/** `redkite verify --internal`: proves every link that the configuration describes. */
export async function verifyInternal(
  io: CliIo,
  options: ConfigOptions,
  output: OutputFormat,
  timeoutMs: number,
): Promise<void> {
  const loaded = loadConfig(toLoadInput(options))
  const links = await linksOf(loaded)
  const report = await verifyLinks(links, new Date(), timeoutMs)
  const text = report.links.map(({ name, place, checks }) => `${name} ${place}\n${checkLines(checks)}`)
  const none = checkLines([ok('links', 'none: this configuration has no upstream and no internal TLS')])
  printResult(io, output, text.length === 0 ? none : text.join('\n\n'), report)
  if (!report.reachable) io.setExitCode(EXIT.unavailable)
  else if (!report.fit) io.setExitCode(EXIT.checkFailed)
}

/** The link of a proxy to its upstream, or the internal port of a node. */
async function linksOf(loaded: LoadedConfig): Promise<readonly Link[]> {
  const { config } = loaded
  if (config.upstream !== null) return [upstreamLink(config.upstream)]
  const own = await ownPort(loaded)
  return own === null ? [] : [own]
}

function upstreamLink({ host, port, tls, serverName }: NonNullable<Config['upstream']>): Link {
  if (tls === null) return { name: 'upstream', host, port, tls: null }
  const { caPem, client } = tls
  const pair = client === null ? null : { cert: client.pem, key: client.key }
  return {
    name: 'upstream',
    host,
    port,
    tls: { serverName, ca: caPem, client: pair, isMutual: pair !== null, isOwnPort: false },
  }
}

async function ownPort({ config, effective }: LoadedConfig): Promise<Link | null> {
  const { internalTls } = config
  if (internalTls.kind === 'plain') return null
  const value = (key: Key) => String(effective.find((entry) => entry.key === key)?.value ?? '')
  const host = isEverywhere(config.listen.host) ? '127.0.0.1' : (config.listen.host ?? '127.0.0.1')
  const sni = value('internaltls.sni')
  return {
    name: 'internal port',
    host,
    port: config.proxy.internalPort,
    tls: {
      serverName: sni === '' ? await dialledName(internalTls.serverPem) : sni,
      ca: value('internaltls.caPemPath'),
      client: { cert: internalTls.serverPem, key: internalTls.serverKey },
      isMutual: internalTls.kind === 'mutual',
      isOwnPort: true,
    },
  }
}

/** Without `internaltls.sni` a peer checks the name it dials, which only it knows: `localhost` or the first name. */
async function dialledName(serverPem: string): Promise<string> {
  try {
    const leaf = new X509Certificate((await readIfPresent(serverPem)) ?? '')
    if (leaf.checkHost('localhost') !== undefined) return 'localhost'
    return /DNS:([^,\s*"]+)/.exec(leaf.subjectAltName ?? '')?.[1] ?? 'localhost'
  } catch {
    // What is wrong with the file is said when the pair is read.
    return 'localhost'
  }
}
