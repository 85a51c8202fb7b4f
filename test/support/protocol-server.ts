/**
 * A real node:http2 server on loopback that feeds the protocol handlers, with a service of a few calls behind the
 * port: the other side of the protocol layer, small enough to see through. Messages are plain text here.
 */
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { Authority, Credentials } from '../../src/auth/authority.ts'
import { faultText, type RedkiteError } from '../../src/errors/error.ts'
import type { ConnectionFacts } from '../../src/listener/handlers.ts'
import type { QueryRequest, Rpc } from '../../src/model/calls.ts'
import { type Log, silentLog } from '../../src/observe/log.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import type { Op, RestRoute } from '../../src/ops/op.ts'
import { ByteBudget } from '../../src/protocol/byte-budget.ts'
import { createGrpcHandler } from '../../src/protocol/grpc/handler.ts'
import { defaultProtocolLimits, type ProtocolLimits } from '../../src/protocol/limits.ts'
import { createRestHandler } from '../../src/protocol/rest/handler.ts'
import type { ForwardPass, Pass, Principal, Service } from '../../src/service.ts'

export const PREFIX = '/milvus.proto.milvus.MilvusService/'
/** base64 of root:Milvus. */
export const TOKEN = 'cm9vdDpNaWx2dXM='

export interface Seen {
  readonly passes: Pass[]
  readonly requests: unknown[]
  /** Reasons of aborted calls. */
  readonly aborted: unknown[]
  readonly errors: { message: string; fields: unknown }[]
}

const noClient = (): never => {
  throw new Error('the fixture is a server only')
}
const base = (rest: readonly RestRoute[] = []) => ({
  encodeRequest: noClient,
  decodeReply: noClient,
  access: { kind: 'login' as const, reason: 'fixture' },
  targets: () => [],
  rest,
  encodeFailure: (error: RedkiteError) => Buffer.from(`failure ${error.row.code} ${error.message}`),
})

const routes: RestRoute[] = [
  { method: 'POST', path: '/v2/vectordb/entities/query', run: async (input) => ({ data: await query(input) }) },
  {
    method: 'POST',
    path: '/v2/vectordb/entities/echo',
    run: async (input) => ({ data: input.body, extra: { cost: 6 } }),
  },
  { method: 'POST', path: '/v2/vectordb/collections/list', run: async (input) => ({ data: [input.db] }) },
  { method: 'GET', path: '/v1/vector/collections', run: async (input) => ({ data: [input.db, input.body['a']] }) },
]
const query: (input: Parameters<RestRoute['run']>[0]) => Promise<unknown> = async (input) => {
  const reply = await input.call('Query', request(String(input.body['filter'] ?? ''), input.db))
  return { rows: BigInt(reply.rowCount) + 9007199254740993n, as: input.int64AsNumber }
}

function request(filter: string, db: string): QueryRequest {
  return {
    db,
    collection: 'c',
    partitions: [],
    filter,
    templates: {},
    outputFields: [],
    limit: null,
    offset: 0,
    consistency: null,
    guaranteeTs: 0n,
  }
}

/** `GetVersion` answers `version`; `Query` does what its filter says. */
export const fixtureOps: { readonly [R in Rpc]?: Op<R> } = {
  GetVersion: { ...base(), rpc: 'GetVersion', decode: () => ({}), encode: (reply) => Buffer.from(reply.version) },
  Query: {
    ...base(routes),
    rpc: 'Query',
    decode: (bytes, meta) => {
      const text = Buffer.from(bytes).toString()
      if (text === 'undecodable') throw faultText('malformedMessage', 'cannot decode 100 % of Query: ü')
      return request(text, meta.db)
    },
    encode: (reply) => Buffer.alloc(reply.rowCount, reply.collection),
  },
}

function fixtureService(seen: Seen, health: { healthy: boolean }): Service {
  const answer = async (pass: Pass, asked: unknown): Promise<unknown> => {
    seen.passes.push(pass)
    seen.requests.push(asked)
    if (pass.rpc === 'GetVersion') return { version: 'v2.6.22' }
    const { filter } = asked as QueryRequest
    if (filter === 'hang')
      return new Promise((_, reject) =>
        pass.signal.addEventListener('abort', () => {
          seen.aborted.push(pass.signal.reason)
          reject(pass.signal.reason)
        }),
      )
    if (filter === 'missing') throw faultText('collectionNotFound', "can't find collection")
    if (filter === 'broken') throw new TypeError('a secret detail')
    const [, size] = /^size (\d+)$/.exec(filter) ?? []
    return { collection: 'x', rowCount: Number(size ?? filter.length), columns: [], outputFields: [], primaryField: '' }
  }
  return {
    call: (pass, asked) => answer(pass, asked) as Promise<never>,
    forward: null,
    health: () => ({ healthy: health.healthy, parts: [{ name: 'rows', healthy: health.healthy, detail: '' }] }),
    [Symbol.asyncDispose]: async () => {},
  }
}

function fixtureGate(authorisation: boolean): Authority {
  const root: Principal = { kind: 'user', user: 'root', isRoot: true, proof: 'password' }
  return {
    async authenticate(credentials: Credentials) {
      if (!authorisation) return { kind: 'anonymous' }
      if (credentials.kind === 'metadata' && credentials.value === TOKEN) return root
      if (credentials.kind === 'header' && /^(Bearer root:Milvus|Basic cm9vdDpNaWx2dXM=)$/.test(credentials.value))
        return root
      if (credentials.kind === 'metadata')
        throw faultText('unauthenticated', 'auth check failure, please check username and password are correct')
      throw faultText('restUnauthenticated', "user hasn't authenticated")
    },
    administer: async () => root,
    admit: (principal, op, _request, caller, signal) => {
      if (op.rpc === 'GetVersion' && caller.peer === '') throw faultText('permissionDenied', 'no')
      return { rpc: op.rpc, principal, caller, signal } as unknown as Pass<typeof op.rpc>
    },
    narrow: (_principal, _rpc, _request, reply) => reply,
    needsNoTarget: () => true,
    admitForward: (principal, { path }, _targets, _db, caller) =>
      ({ path, principal, caller }) as unknown as ForwardPass,
  }
}

export interface ProtocolServer extends AsyncDisposable {
  /** `127.0.0.1:port`, HTTP/2 with prior knowledge. */
  readonly address: string
  /** `127.0.0.1:port`, HTTP/1.1, REST only. */
  readonly address1: string
  readonly seen: Seen
  readonly health: { healthy: boolean }
  readonly budget: ByteBudget
  /** HTTP/2 streams not closed on the server yet. */
  openStreams(): number
  readonly metrics: ReturnType<typeof createMetrics>
}

export async function startProtocolServer(
  options: { limits?: Partial<ProtocolLimits>; authorisation?: boolean } = {},
): Promise<ProtocolServer> {
  const limits = { ...defaultProtocolLimits, ...options.limits }
  const seen: Seen = { passes: [], requests: [], aborted: [], errors: [] }
  const log: Log = {
    ...silentLog,
    error: (message, fields) => void seen.errors.push({ message, fields }),
    at: () => log,
  }
  const health = { healthy: true }
  const budget = new ByteBudget(limits.bytesInFlightMax, limits.waitingMax)
  const metrics = createMetrics()
  const deps = {
    ops: fixtureOps,
    gate: fixtureGate(options.authorisation ?? false),
    service: fixtureService(seen, health),
    limits,
    budget,
    log,
    metrics,
    int64AsNumber: true,
    strictTransportSecurity: null,
  }
  const grpc = createGrpcHandler(deps)
  const rest = createRestHandler(deps)
  const facts: ConnectionFacts = { id: 1, listener: 'proxy', peer: '127.0.0.1:1', openedAt: 0, tls: null }
  const compat = http2.createServer((request, response) => rest(request, response, facts))
  const h2 = http2.createServer({ settings: { initialWindowSize: 1 << 20 } })
  h2.on('session', (session) => session.setLocalWindowSize(1 << 20))
  const sessions = new Set<http2.ServerHttp2Session>()
  h2.on('session', (session) => sessions.add(session))
  let streams = 0
  h2.on('stream', (stream, headers, flags, raw) => {
    streams++
    stream.on('close', () => {
      streams--
    })
    if (headers['content-type']?.startsWith('application/grpc')) grpc(stream, headers, facts)
    else compat.emit('stream', stream, headers, flags, raw)
  })
  const h1 = http.createServer((request, response) => rest(request, response, facts))
  h2.listen(0, '127.0.0.1')
  h1.listen(0, '127.0.0.1')
  await Promise.all([once(h2, 'listening'), once(h1, 'listening')])
  const at = (server: { address(): AddressInfo | string | null }) => {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('not listening on TCP')
    return `127.0.0.1:${address.port}`
  }
  return {
    address: at(h2),
    address1: at(h1),
    seen,
    health,
    budget,
    openStreams: () => streams,
    metrics,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy()
      h1.closeAllConnections()
      await Promise.all([h2, h1].map((server) => new Promise((done) => server.close(done))))
    },
  }
}
