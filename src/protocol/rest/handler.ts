import { type Authority, admitAndCall, type Credentials } from '../../auth/authority.ts'
import { fault, faultText, type RedkiteError, toRedkiteError } from '../../errors/error.ts'
import type { StreamHandlers } from '../../listener/handlers.ts'
import type { Rpc } from '../../model/calls.ts'
import type { Log } from '../../observe/log.ts'
import type { Metrics } from '../../observe/metrics.ts'
import type { Op, RestCaller } from '../../ops/op.ts'
import type { Caller, Principal, Service } from '../../service.ts'
import type { ByteBudget } from '../byte-budget.ts'
import { type CallStats, callStats, type Outcome } from '../call-stats.ts'
import type { ProtocolLimits } from '../limits.ts'
import { callMetadata } from './call-metadata.ts'
import { Exchange } from './exchange.ts'
import { parseBody, stringifyReply } from './json.ts'
import { type BoundRoute, routeTable } from './routes.ts'

export interface RestDeps {
  readonly ops: { readonly [R in Rpc]?: Op<R> }
  readonly gate: Authority
  readonly service: Service
  readonly limits: ProtocolLimits
  /** Shared with gRPC. */
  readonly budget: ByteBudget
  readonly log: Log
  readonly metrics: Metrics
  /** Whether answers carry int64 as JSON numbers where the request does not say (`proxy.http.acceptTypeAllowInt64`). */
  readonly int64AsNumber: boolean
  /** Value of Strict-Transport-Security on answers over TLS; null = not sent. */
  readonly strictTransportSecurity: string | null
}

const JSON_TYPE = 'application/json; charset=utf-8'
const TIMER_MS_MAX = 2 ** 31 - 1

/**
 * Milvus' REST (v1 and v2) over the ops' routes, for HTTP/1.1 and HTTP/2 alike; Content-Type is ignored. Order as in
 * Milvus: OPTIONS, then authentication (an unknown path is 401 first), then the route, then the body.
 */
export function createRestHandler(deps: RestDeps): StreamHandlers['rest'] {
  const find = routeTable(deps.ops, deps.metrics)
  const unknown = callStats(deps.metrics, 'unknown', 'rest')
  return (request, response, connection) => {
    const [path = '/', search = ''] = split(request.url ?? '/')
    const route = find(request.method ?? 'GET', path)
    const stats = route?.stats ?? unknown
    // RFC 6797 7.2: never over plaintext
    const hsts = connection.tls === null ? null : deps.strictTransportSecurity
    const headers = hsts === null ? {} : { 'strict-transport-security': hsts }
    const exchange: Exchange = new Exchange(request, response, deps.budget, headers, () =>
      record(deps, exchange, stats, connection.peer, 'cancel', 0),
    )
    serve(exchange, route, stats, search, connection, deps).catch((error: unknown) =>
      answerError(exchange, error, stats, connection.peer, deps),
    )
  }
}

async function serve(
  exchange: Exchange,
  route: BoundRoute | undefined,
  stats: CallStats,
  search: string,
  caller: Caller,
  deps: RestDeps,
): Promise<void> {
  const { peer } = caller
  if (exchange.method === 'OPTIONS') return exchange.answer(204, null, '')
  const { limits } = deps
  const headerBytes = exchange.headerBytes()
  if (headerBytes > limits.headerBytesMax)
    throw fault('headersTooLarge', { received: headerBytes, limit: limits.headerBytesMax })
  const principal = await deps.gate.authenticate(credentials(exchange), caller)
  if (!route) {
    record(deps, exchange, stats, peer, 'fail', 0)
    return exchange.answer(404, 'text/plain', '404 page not found')
  }
  const limitMs = timeoutMs(exchange, limits.restTimeoutMs)
  exchange.limitTime(limitMs, () => answerError(exchange, faultText('timeout', 'request timeout'), stats, peer, deps))
  const body = await readRequest(exchange, route, search, limits.messageBytesMax)
  if (exchange.ended) return
  const asked = exchange.header('accept-type-allow-int64')?.toLowerCase() || String(deps.int64AsNumber)
  const int64AsNumber = asked !== 'false'
  const call = callerFor(exchange, principal, caller, limitMs, deps)
  const output = await route.route.run({ body, db: databaseOf(exchange, body), int64AsNumber, call })
  if (exchange.ended) return
  const text = stringifyReply({ code: route.okCode, data: output.data, ...output.extra }, int64AsNumber)
  record(deps, exchange, stats, peer, 'success', text.length)
  exchange.answer(200, JSON_TYPE, text)
}

/** The gate stands before every call a route makes, not before the route. */
function callerFor(
  exchange: Exchange,
  principal: Principal,
  caller: Caller,
  limitMs: number,
  { ops, gate, service }: RestDeps,
): RestCaller {
  return async (rpc, request) => {
    const op = ops[rpc]
    if (!op) throw fault('unimplemented', rpc)
    const metadata = service.forward === null ? undefined : callMetadata(exchange, limitMs)
    return admitAndCall(gate, service, principal, op, request, caller, exchange.signal, metadata, 'REST')
  }
}

async function readRequest(
  exchange: Exchange,
  { emptyBody }: BoundRoute,
  search: string,
  bytesMax: number,
): Promise<Readonly<Record<string, unknown>>> {
  if (exchange.method !== 'POST') return queryParameters(search)
  const bytes = await exchange.readBody(bytesMax)
  return bytes.length === 0 && emptyBody ? {} : parseBody(bytes)
}

/** A repeated parameter becomes a list. */
function queryParameters(search: string): Readonly<Record<string, unknown>> {
  const parameters = new URLSearchParams(search)
  return Object.fromEntries(
    [...new Set(parameters.keys())].map((key) => {
      const values = parameters.getAll(key)
      return [key, values.length === 1 ? values[0] : values]
    }),
  )
}

/** Body `dbName`, else header `DB-Name`, else `default` (handler_v2.go). */
function databaseOf(exchange: Exchange, body: Readonly<Record<string, unknown>>): string {
  const named = body['dbName']
  if (named !== undefined && named !== null && typeof named !== 'string')
    throw faultText(
      'restNotJson',
      `can only accept json format request, error: dbName is a ${typeof named}, a string is wanted`,
    )
  return named || exchange.header('db-name') || 'default'
}

function credentials(exchange: Exchange): Credentials {
  // no header is an empty one here: the refusal is REST's, not gRPC's "missing authorization in header"
  return { kind: 'header', value: exchange.header('authorization') ?? '' }
}

/** @throws RedkiteError `invalidParameter` for a `Request-Timeout` that is no number of seconds. */
function timeoutMs(exchange: Exchange, defaultMs: number): number {
  const given = exchange.header('request-timeout')
  if (given === undefined || given === '') return defaultMs
  if (!/^\d{1,10}$/.test(given))
    throw fault(
      'invalidParameter',
      `Request-Timeout parse failed: ${JSON.stringify(given)} is no whole number of seconds`,
    )
  return Math.min(Number(given) * 1000, TIMER_MS_MAX)
}

function answerError(exchange: Exchange, thrown: unknown, stats: CallStats, peer: string, deps: RestDeps): void {
  if (exchange.ended) return
  const error = toRedkiteError(thrown)
  if (error !== thrown)
    deps.log.error('call failed unexpectedly', {
      rpc: stats.name,
      peer,
      error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
    })
  const text = JSON.stringify({ code: error.row.code, message: errorText(error) })
  const challenge = error.row.http === 401 && /^basic /i.test(exchange.header('authorization') ?? '')
  record(deps, exchange, stats, peer, 'fail', text.length, error)
  exchange.answer(
    error.row.http,
    JSON_TYPE,
    text,
    challenge ? { 'www-authenticate': 'Basic realm="restricted", charset="UTF-8"' } : {},
  )
}

/** A refused privilege reaches REST as the gRPC error it is in Milvus' proxy (handler_v2.go). */
function errorText(error: RedkiteError): string {
  if (error.kind !== 'permissionDenied') return error.message
  return `rpc error: code = PermissionDenied desc = ${error.message}`
}

function record(
  deps: RestDeps,
  exchange: Exchange,
  stats: CallStats,
  peer: string,
  outcome: Outcome,
  sent: number,
  error: RedkiteError | null = null,
): void {
  const now = performance.now()
  stats.record(outcome, now - (exchange.bodyEndedAt || exchange.startedAt), exchange.received, sent)
  deps.log.debug('rest call', {
    method: exchange.method,
    path: stats.name,
    peer,
    trace_id: exchange.traceId,
    outcome,
    error: error?.message,
    milliseconds: now - exchange.startedAt,
    received: exchange.received,
    sent,
  })
}

function split(target: string): readonly [string, string] {
  const at = target.indexOf('?')
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)]
}
