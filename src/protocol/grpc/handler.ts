import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { fault, faultText } from '../../errors/error.ts'
import type { ConnectionFacts, StreamHandlers } from '../../listener/handlers.ts'
import type { Rpc } from '../../model/calls.ts'
import type { Metrics } from '../../observe/metrics.ts'
import { declaredMethods } from '../../ops/builtin/methods.ts'
import { forwardedMethods } from '../../ops/forwarded.ts'
import type { Op } from '../../ops/op.ts'
import { BodyWatch } from '../body-watch.ts'
import type { ByteBudget } from '../byte-budget.ts'
import { type CallStats, callStats } from '../call-stats.ts'
import { Call, type CallContext } from './call.ts'
import { forwardMethod } from './forward.ts'
import { headerListBytes, isGrpcProto, metadata } from './headers.ts'
import { healthMethods } from './health.ts'
import { reflectionMethods } from './reflection.ts'
import { parseTimeout } from './timeout.ts'
import { serveUnary, type UnaryDeps } from './unary.ts'

export interface GrpcDeps extends UnaryDeps {
  /** An RPC of the protocol without an op is answered UNIMPLEMENTED. */
  readonly ops: { readonly [R in Rpc]?: Op<R> }
  /** Shared with REST. */
  readonly budget: ByteBudget
  readonly metrics: Metrics
}

/** Serves one call to its end; never rejects. */
export type Serve = (call: Call, headers: IncomingHttpHeaders) => Promise<void>

interface Method {
  readonly serve: Serve
  readonly stats: CallStats
}

const MILVUS = 'milvus.proto.milvus.MilvusService'

/**
 * gRPC over HTTP/2 core streams (grpc/grpc `doc/PROTOCOL-HTTP2.md`): the ops, `grpc.health.v1` and server reflection.
 * The returned function takes streams whose content type starts with `application/grpc`.
 */
export function createGrpcHandler(deps: GrpcDeps): StreamHandlers['grpc'] {
  const { limits } = deps
  const methods = methodTable(deps)
  const unknown: CallStats = callStats(deps.metrics, 'unknown', 'grpc')
  const context: CallContext = {
    budget: deps.budget,
    watch: new BodyWatch(limits.bodyTimeoutMs, limits.bodyBytesPerSecondMin),
    log: deps.log,
  }

  return (stream, headers, connection) => {
    if (!isGrpcCall(headers)) return refuseHttp(stream, headers)
    const method = methods.get(headers[':path'] ?? '')
    const call = open(context, stream, headers, connection, method?.stats ?? unknown)
    if (call === null) return
    const bytes = headerListBytes(headers)
    if (bytes > limits.headerBytesMax)
      return call.fail(fault('headersTooLarge', { received: bytes, limit: limits.headerBytesMax }))
    if (!method) return call.fail(unknownMethod(headers[':path'] ?? ''))
    method.serve(call, headers).catch((error: unknown) => call.fail(error))
  }
}

/** Makes the call, or answers a malformed deadline. */
function open(
  context: CallContext,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  connection: ConnectionFacts,
  stats: CallStats,
): Call | null {
  const requestId = metadata(headers, 'client-request-id')
  try {
    const timeoutMs = parseTimeout(headers['grpc-timeout'] as string | undefined)
    return new Call(context, stream, connection, stats, requestId, timeoutMs)
  } catch (error) {
    new Call(context, stream, connection, stats, requestId, null).fail(error)
    return null
  }
}

function methodTable(deps: GrpcDeps): ReadonlyMap<string, Method> {
  const table = new Map<string, Method>()
  const add = (path: string, name: string, serve: Serve) =>
    table.set(path, { serve, stats: callStats(deps.metrics, name, 'grpc') })
  for (const { service, method } of declaredMethods)
    table.set(`/${service}/${method}`, {
      stats: callStats(deps.metrics, 'unserved', 'grpc'),
      serve: async (call) => call.fail(faultText('notServedYet', `method ${method} of ${service} not implemented yet`)),
    })
  const { forward } = deps.service
  const local = Object.values(deps.ops).filter((op) => forward === null || (forward.usersHere && isAboutUsers(op.rpc)))
  for (const op of local) add(`/${MILVUS}/${op.rpc}`, op.rpc, (call, headers) => serveUnary(op, call, headers, deps))
  if (forward !== null) {
    const passedOn = forwardedMethods.filter((method) => !(forward.usersHere && method.aboutUsers))
    for (const method of passedOn) add(method.path, method.name, forwardMethod(method, forward, deps))
  }
  for (const [path, serve] of [...healthMethods(deps), ...reflectionMethods(deps)]) add(path, path.slice(1), serve)
  return table
}

function isAboutUsers(rpc: string): boolean {
  return forwardedMethods.some(({ path, aboutUsers }) => aboutUsers && path === `/${MILVUS}/${rpc}`)
}

/** grpc-go's texts. */
function unknownMethod(path: string) {
  const [, service = '', method] = path.split('/')
  if (method === undefined) return faultText('unknownRpc', `malformed method name: ${JSON.stringify(path)}`)
  const known = declaredMethods.some((m) => m.service === service)
  return faultText(
    'unknownRpc',
    known ? `unknown method ${method} for service ${service}` : `unknown service ${service}`,
  )
}

function isGrpcCall(headers: IncomingHttpHeaders): boolean {
  return headers[':method'] === 'POST' && isGrpcProto(headers['content-type'])
}

/** What is no gRPC call gets an HTTP status (PROTOCOL-HTTP2.md: 415 for another content type). */
function refuseHttp(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  stream.on('error', () => {})
  if (headers[':method'] === 'POST')
    stream.respond({ ':status': 415, 'accept-post': 'application/grpc' }, { endStream: true })
  else stream.respond({ ':status': 405, allow: 'POST' }, { endStream: true })
  if (!stream.readableEnded) stream.close()
}
