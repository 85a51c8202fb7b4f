/** The administration of a server, put together from what listeners and key material tell. */
import type { Backend } from '../backend.ts'
import type { Config } from '../config/config.ts'
import { faultText } from '../errors/error.ts'
import type { Listener } from '../listener/listen.ts'
import type { ConnectionStatus, ListenerStatus } from '../listener/status.ts'
import type { Metrics } from '../observe/metrics.ts'
import type {
  Administration,
  ChangeReport,
  CloseWish,
  ConnectionReport,
  ListenerReport,
  RefusalReport,
  StatusReport,
} from '../protocol/admin/administration.ts'
import type { ReloadOutcome, TlsMaterial } from '../tls/material.ts'
import { defaultPolicy } from '../tls/policy.ts'
import { ALPN_PROTOCOLS } from '../tls/server-options.ts'
import { REDKITE_VERSION } from '../version.ts'

export interface AdministrationParts {
  readonly config: Config
  /** Of the ports that clients dial and of the internal one; empty where TLS is off. */
  readonly materials: readonly TlsMaterial[]
  /** Asked at each request: ports are bound after the handlers are made. */
  listeners(): readonly Listener[]
  /** What the start-up self-test found so far; null = nothing, or it does not run. */
  selfTest(): object | null
  readonly metrics: Metrics
  /** Null where the data is elsewhere. */
  readonly backup: Backend['backup']
}

const REFUSALS_MAX = 50

export function createAdministration(parts: AdministrationParts): Administration {
  return {
    status: () => status(parts),
    connections: () => ({
      connections: parts.listeners().flatMap((listener) => listener.describe().connections.map(connectionReport)),
    }),
    certificates: () => ({ materials: parts.materials.map((material) => material.status()) }),
    reload: () => change(parts, 'reloaded', (material) => material.reload('api')),
    // An internal set has its own history: only the external one is taken back.
    rollback: () => {
      const material = external(parts.materials)
      return change({ materials: material ? [material] : [] }, 'rolled back', (one) => one.rollback('api'))
    },
    backup: (directory) => {
      if (parts.backup) return parts.backup(directory)
      throw faultText('invalidParameter', 'this server forwards to an upstream: the data to back up is there')
    },
    close: (wish) => ({
      closed: parts
        .listeners()
        .reduce((sum, listener) => sum + listener.closeWhere((facts) => matches(wish, facts)), 0),
    }),
  }
}

async function status({ config, materials, listeners, metrics, selfTest }: AdministrationParts): Promise<StatusReport> {
  const material = external(materials)
  const { values } = await metrics.handshakes.get()
  const described = listeners().map((listener) => listener.describe())
  const policy = material ? (material.settings.protocol ?? defaultPolicy(material.current.kind)) : null
  const { profile, pq, mode } = config.tls
  return {
    version: REDKITE_VERSION,
    mode: mode.kind === 'plain' ? 'off' : mode.kind === 'oneWay' ? 'one-way' : 'mutual',
    policy: policy && { profile, pq, ...policy },
    generation: material?.current.number ?? null,
    listeners: described.map((one) => listenerReport(one, values)),
    selfTest: selfTest(),
    refusals: described
      .flatMap(refusalReports)
      .sort((a, b) => b.at.localeCompare(a.at))
      .slice(0, REFUSALS_MAX),
  }
}

/** The material of the ports that clients dial; undefined where they are plaintext. */
function external(materials: readonly TlsMaterial[]): TlsMaterial | undefined {
  return materials.find(({ settings }) => settings.section !== 'internaltls')
}

type HandshakeValues = Awaited<ReturnType<Metrics['handshakes']['get']>>['values']

function listenerReport(
  { name, host, port, serves, tls, connections }: ListenerStatus,
  values: HandshakeValues,
): ListenerReport {
  const own = values.filter(({ labels }) => labels.listener === name)
  const refused: Record<string, number> = {}
  let accepted = 0
  for (const { labels, value } of own) {
    if (labels.result === 'accepted') accepted += value
    else refused[`${labels.reason}`] = (refused[`${labels.reason}`] ?? 0) + value
  }
  return {
    name,
    host,
    port,
    serves,
    transport: tls ? 'tls' : 'plaintext',
    minVersion: tls?.minVersion ?? null,
    generation: tls?.generation ?? null,
    alpn: tls ? ALPN_PROTOCOLS : [],
    connections: connections.length,
    handshakes: { pending: tls?.pending ?? 0, accepted, refused },
  }
}

function refusalReports({ name, tls }: ListenerStatus): readonly RefusalReport[] {
  return (tls?.refusals ?? []).map(({ at, times, peer, sni, protocol, reason, message, remedy, certificate }) => ({
    at: new Date(at).toISOString(),
    times,
    listener: name,
    peer,
    sni: sni ?? '',
    protocol: protocol ?? '',
    reason,
    message,
    remedy,
    certificate: certificate ?? null,
  }))
}

function idOf({ listener, id }: ConnectionStatus['facts']): string {
  return `${listener}:${id}`
}

function connectionReport({ facts, protocol, requestsOpen }: ConnectionStatus): ConnectionReport {
  const { listener, peer, openedAt, tls } = facts
  const client = tls?.client ?? null
  const { subject = '', issuer = '', serial = '', fingerprint256 = '', user = null } = client ?? {}
  const notAfter = new Date(client?.notAfter ?? 0).toISOString()
  return {
    id: idOf(facts),
    listener,
    peer,
    protocol,
    openedAt: new Date(openedAt).toISOString(),
    requestsOpen,
    tls: tls && { ...tls, client: client && { subject, issuer, serial, fingerprint256, user, notAfter } },
  }
}

function matches(wish: CloseWish, facts: ConnectionStatus['facts']): boolean {
  const client = facts.tls?.client ?? null
  switch (wish.by) {
    case 'id':
      return idOf(facts) === wish.id
    case 'fingerprint':
      return client?.fingerprint256 === wish.fingerprint
    case 'user':
      return client?.user === wish.user
  }
}

/** The same change to every set; the first that is refused is told, and kept its old generation. */
async function change(
  { materials }: Pick<AdministrationParts, 'materials'>,
  done: string,
  run: (material: TlsMaterial) => Promise<ReloadOutcome>,
): Promise<ChangeReport> {
  if (materials.length === 0)
    throw faultText(
      'invalidParameter',
      'TLS is off on this server (common.security.tlsMode 0): there is no key material',
    )
  const outcomes = await Promise.all(
    materials.map(async (material) => ({ section: material.settings.section ?? 'tls', outcome: await run(material) })),
  )
  return {
    materials: outcomes.map(({ section, outcome }) => {
      const { kind, generation } = outcome
      if (kind !== 'refused') return { section, outcome: kind, generation }
      const text = `${section}: key material not ${done}, generation ${generation} keeps serving: ${outcome.reason}`
      throw faultText('invalidParameter', `${text}; ${outcome.hint}`)
    }),
  }
}
