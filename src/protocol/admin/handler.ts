import { isIPv4 } from 'node:net'
import type { Authority } from '../../auth/authority.ts'
import { faultText, toRedkiteError } from '../../errors/error.ts'
import type { StreamHandlers } from '../../listener/handlers.ts'
import type { Log } from '../../observe/log.ts'
import type { Metrics } from '../../observe/metrics.ts'
import type { Caller } from '../../service.ts'
import type { ByteBudget } from '../byte-budget.ts'
import { type CallStats, callStats } from '../call-stats.ts'
import { Exchange } from '../rest/exchange.ts'
import { parseBody, stringifyReply } from '../rest/json.ts'
import type { Administration } from './administration.ts'
import { backupWish } from './backup-wish.ts'
import { closeWish } from './close-wish.ts'

export interface AdminDeps {
  readonly administration: Administration
  readonly gate: Authority
  /** Shared with gRPC and REST. */
  readonly budget: ByteBudget
  readonly log: Log
  readonly metrics: Metrics
}

type Run = (administration: Administration, exchange: Exchange) => object | Promise<object>

interface Route {
  readonly method: 'GET' | 'POST'
  readonly run: Run
  /** Absent = half a minute. */
  readonly timeoutMs?: number
}

const PREFIX = '/redkite/'
const BODY_BYTES_MAX = 16 * 1024
const TIMEOUT_MS = 30_000

const BACKUP_TIMEOUT_MS = 3_600_000

const ROUTES: Readonly<Record<string, Route>> = {
  '/redkite/v1/tls/status': { method: 'GET', run: (administration) => administration.status() },
  '/redkite/v1/tls/connections': { method: 'GET', run: (administration) => administration.connections() },
  '/redkite/v1/tls/certificates': { method: 'GET', run: (administration) => administration.certificates() },
  '/redkite/v1/tls/reload': { method: 'POST', run: (administration) => administration.reload() },
  '/redkite/v1/tls/rollback': { method: 'POST', run: (administration) => administration.rollback() },
  '/redkite/v1/tls/connections/close': {
    method: 'POST',
    run: async (administration, exchange) =>
      administration.close(closeWish(parseBody(await exchange.readBody(BODY_BYTES_MAX)))),
  },
  '/redkite/v1/backup': {
    method: 'POST',
    timeoutMs: BACKUP_TIMEOUT_MS,
    run: async (administration, exchange) =>
      administration.backup(backupWish(parseBody(await exchange.readBody(BODY_BYTES_MAX)))),
  },
}

/**
 * The administration of this server (`/redkite/v1/…`) beside Milvus' REST, on the same ports. Order: the transport must
 * be TLS or the peer this machine, then root logs in, then the route: a stranger learns nothing of what there is.
 * @param next gets every other path
 */
export function withAdministration(deps: AdminDeps, next: StreamHandlers['rest']): StreamHandlers['rest'] {
  const stats = new Map(Object.keys(ROUTES).map((path) => [path, callStats(deps.metrics, path, 'rest')]))
  const unknown = callStats(deps.metrics, '/redkite', 'rest')
  return (request, response, connection) => {
    const [path = ''] = (request.url ?? '').split('?')
    if (!path.startsWith(PREFIX)) return next(request, response, connection)
    const counted = stats.get(path) ?? unknown
    const exchange: Exchange = new Exchange(request, response, deps.budget, { 'cache-control': 'no-store' }, () =>
      record(exchange, counted, 'cancel', 0),
    )
    serve(exchange, path, connection, counted, deps).catch((error: unknown) =>
      answerError(exchange, error, counted, deps),
    )
  }
}

async function serve(
  exchange: Exchange,
  path: string,
  caller: Caller,
  stats: CallStats,
  deps: AdminDeps,
): Promise<void> {
  const timeoutMs = (Object.hasOwn(ROUTES, path) && ROUTES[path]?.timeoutMs) || TIMEOUT_MS
  exchange.limitTime(timeoutMs, () => answerError(exchange, faultText('timeout', 'request timeout'), stats, deps))
  if (caller.tls === null && !isLoopback(caller.peer))
    throw faultText(
      'permissionDenied',
      'the administration of this server is served over TLS, or to clients of the same machine; set common.security.tlsMode to 1 or 2',
    )
  if (isFromOtherSite(exchange))
    throw faultText(
      'permissionDenied',
      'a page of another site may not use the login that a browser has for this server',
    )
  const credentials = { kind: 'header', value: exchange.header('authorization') ?? '' } as const
  const principal = await deps.gate.administer(credentials, caller, `${exchange.method} ${path}`)
  const route = Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined
  if (!route) return refuse(exchange, stats, 404, `no such path: ${printable(path)}; see docs/reference/admin-api.md`)
  const method = exchange.method === 'HEAD' ? 'GET' : exchange.method
  if (method !== route.method) return refuse(exchange, stats, 405, `use ${route.method} ${path}`)
  const data = await route.run(deps.administration, exchange)
  if (exchange.ended) return
  if (route.method === 'POST') {
    const user = principal.kind === 'user' ? principal.user : ''
    deps.log.info('administration', { path, user, peer: caller.peer, listener: caller.listener, result: data })
  }
  const text = stringifyReply({ code: 0, data }, true)
  record(exchange, stats, 'success', text.length)
  exchange.answer(200, JSON_TYPE, text)
}

const JSON_TYPE = 'application/json; charset=utf-8'

function refuse(exchange: Exchange, stats: CallStats, status: number, message: string): void {
  const text = JSON.stringify({ code: status, message })
  record(exchange, stats, 'fail', text.length)
  exchange.answer(status, JSON_TYPE, text)
}

function answerError(exchange: Exchange, thrown: unknown, stats: CallStats, deps: AdminDeps): void {
  if (exchange.ended) return
  const error = toRedkiteError(thrown)
  if (error !== thrown)
    deps.log.error('administration failed unexpectedly', {
      path: stats.name,
      error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
    })
  const text = JSON.stringify({ code: error.row.code, message: error.message })
  record(exchange, stats, 'fail', text.length)
  const challenge = error.row.http === 401 ? { 'www-authenticate': 'Basic realm="redkite", charset="UTF-8"' } : {}
  exchange.answer(error.row.http, JSON_TYPE, text, challenge)
}

function record(exchange: Exchange, stats: CallStats, outcome: 'success' | 'fail' | 'cancel', sent: number): void {
  stats.record(outcome, performance.now() - exchange.startedAt, exchange.received, sent)
}

/** A browser says whose page asks (RFC 6454), and adds the login it remembers whoever asks. */
function isFromOtherSite(exchange: Exchange): boolean {
  const origin = exchange.header('origin')
  if (origin === undefined) return false
  const host = exchange.header(':authority') ?? exchange.header('host')
  return !URL.canParse(origin) || new URL(origin).host !== host
}

/** Whether a peer (`address:port`) is a process of this machine. */
function isLoopback(peer: string): boolean {
  const address = peer.slice(0, peer.lastIndexOf(':')).replace(/^\[|\]$/g, '')
  return address === '::1' || (isIPv4(address) && address.startsWith('127.'))
}

/** What a stranger wrote, without what could confuse a terminal. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 200)
}
