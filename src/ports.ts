/**
 * The ports of a server and what answers on them. Apart from `server.ts` so that these modules (protocols, ops, message
 * code) are loaded while the data is being opened: a third of the time to the first answer.
 */
import type { Gate } from './auth/gate.ts'
import type { Backend } from './backend.ts'
import type { Config } from './config/config.ts'
import { type Listener, type ListenOptions, listen } from './listener/listen.ts'
import { listenManagement, type ManagementListener } from './listener/management.ts'
import type { Log } from './observe/log.ts'
import type { Metrics } from './observe/metrics.ts'
import { ops } from './ops/registry.ts'
import { createAdministration } from './ports/administration.ts'
import { withAdministration } from './protocol/admin/handler.ts'
import { ByteBudget } from './protocol/byte-budget.ts'
import { refusedAnswers } from './protocol/explain.ts'
import { createGrpcHandler } from './protocol/grpc/handler.ts'
import { createManagementHandler } from './protocol/management.ts'
import { createDisabledRestHandler } from './protocol/rest/disabled.ts'
import { createRestHandler } from './protocol/rest/handler.ts'
import type { Service } from './service.ts'
import type { TlsMaterial } from './tls/material.ts'

export interface Ports {
  readonly proxy: Listener
  /** REST on a port of its own (`proxy.http.port`); null = it shares the gRPC port. */
  readonly rest: Listener | null
  /** gRPC between a proxy and this node, under internal TLS; null without that. */
  readonly internal: Listener | null
  readonly management: ManagementListener
  /** What the start-up self-test found, for the administration to tell. */
  noteSelfTest(found: object): void
}

export interface PortParts {
  readonly service: Service
  readonly gate: Gate
  readonly backup: Backend['backup']
  readonly material: TlsMaterial | null
  /** Material of the internal port. */
  readonly internal: TlsMaterial | null
  readonly log: Log
  readonly metrics: Metrics
}

/** Binds every port; each is handed to `opened` as soon as it is bound. */
export async function openPorts(config: Config, parts: PortParts, opened: AsyncDisposableStack): Promise<Ports> {
  const { service, gate, material, log, metrics } = parts
  const { replyGzipBytesMin } = config.limits
  const limits = { ...config.limits, replyGzipBytesMin: replyGzipBytesMin === 0 ? null : replyGzipBytesMin }
  const budget = new ByteBudget(limits.bytesInFlightMax, limits.waitingMax)
  metrics.bytesInFlight.readFrom(() => [{ labels: {}, value: budget.used }])
  const shared = { ops, gate, service, limits, budget, metrics }
  const bound: Listener[] = []
  const materials = [material, parts.internal].filter((one) => one !== null)
  let selfTest: object | null = null
  const administration = createAdministration({
    config,
    materials,
    metrics,
    listeners: () => bound,
    selfTest: () => selfTest,
    backup: parts.backup,
  })
  const handlers = {
    grpc: createGrpcHandler({ ...shared, log: log.at('protocol/grpc') }),
    rest: config.proxy.http.enabled
      ? withAdministration(
          { administration, gate, budget, metrics, log: log.at('protocol/admin') },
          createRestHandler({
            ...shared,
            log: log.at('protocol/rest'),
            int64AsNumber: config.proxy.http.acceptTypeAllowInt64,
            strictTransportSecurity: strictTransportSecurity(config.proxy.http),
          }),
        )
      : createDisabledRestHandler(),
    refused: refusedAnswers,
  }
  const host = config.listen.host ?? '::'
  const { audit } = gate
  const onRefused: NonNullable<ListenOptions['onRefused']> = (refusal, port) => audit?.connectionRefused(refusal, port)
  const common = { host, tls: material, handlers, limits, log, metrics, onRefused } satisfies Partial<ListenOptions>
  const { http } = config.proxy
  // two free ports (0) are two ports
  const sharesPort = !http.enabled || http.port === null || (http.port === config.proxy.port && http.port !== 0)
  const proxy = opened.use(await listen({ ...common, name: 'proxy', port: config.proxy.port, serve: 'grpc+rest' }))
  const rest =
    sharesPort || http.port === null
      ? null
      : opened.use(await listen({ ...common, name: 'rest', port: http.port, serve: 'rest' }))
  const internal =
    parts.internal &&
    opened.use(
      await listen({
        ...common,
        name: 'internal',
        port: config.proxy.internalPort,
        tls: parts.internal,
        handlers: { ...handlers, rest: createDisabledRestHandler() },
        serve: 'grpc+rest',
      }),
    )
  const management = opened.use(
    await listenManagement({
      host: config.metrics.host,
      port: config.metrics.port,
      handler: createManagementHandler({ health: () => service.health(), registry: metrics.registry, log }),
    }),
  )
  bound.push(proxy, ...[rest, internal].filter((one) => one !== null))
  const noteSelfTest = (found: object) => {
    selfTest = found
  }
  return { proxy, rest, internal, management, noteSelfTest }
}

/** RFC 6797 6.1. */
function strictTransportSecurity(http: Config['proxy']['http']): string | null {
  if (!http.enableHSTS) return null
  return `max-age=${http.hstsMaxAgeSeconds}${http.hstsIncludeSubDomains ? '; includeSubDomains' : ''}`
}
