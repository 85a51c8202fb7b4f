/**
 * CPU of one GetVersion through the gRPC layer against a bare node:http2 handler that answers fixed bytes: what the
 * layer itself costs. Interleaved rounds, medians; the server is a process of its own so that its CPU can be read.
 * Run: `node bench/micro/grpc-layer.ts [seconds] [rounds]`. Trust the ratio, not the figures.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Authority } from '../../src/auth/authority.ts'
import { silentLog } from '../../src/observe/log.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { ops } from '../../src/ops/registry.ts'
import { ByteBudget } from '../../src/protocol/byte-budget.ts'
import { createGrpcHandler } from '../../src/protocol/grpc/handler.ts'
import { defaultProtocolLimits } from '../../src/protocol/limits.ts'
import type { Pass, Principal, Service } from '../../src/service.ts'

const PATH = '/milvus.proto.milvus.MilvusService/GetVersion'
const IN_FLIGHT = 16
const [mode = '2', roundsText = '5'] = process.argv.slice(2)

if (mode === 'serve') await serve(roundsText)
else await compare(Number(mode), Number(roundsText))

async function serve(which: string): Promise<void> {
  const server = http2.createServer({ settings: { initialWindowSize: 1 << 20 } })
  if (which === 'bare') bare(server)
  else layer(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.send?.((server.address() as AddressInfo).port)
  process.on('message', () => process.send?.(process.cpuUsage()))
}

function bare(server: http2.Http2Server): void {
  const frame = Buffer.concat([Buffer.of(0, 0, 0, 0, 13), Buffer.from([10, 0, 18, 9]), Buffer.from('v2.6.22-x')])
  const headers = { ':status': 200, 'content-type': 'application/grpc' }
  server.on('stream', (stream) => {
    stream.on('data', () => {})
    stream.on('end', () => {
      stream.respond(headers, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.end(frame)
    })
  })
}

function layer(server: http2.Http2Server): void {
  const anonymous: Principal = { kind: 'anonymous' }
  const gate: Authority = {
    authenticate: async () => anonymous,
    administer: async () => anonymous,
    admit: (principal, op, _request, caller, signal) =>
      ({ rpc: op.rpc, principal, caller, signal }) as unknown as Pass<typeof op.rpc>,
    narrow: (_principal, _rpc, _request, reply) => reply,
    needsNoTarget: () => true,
    admitForward: ({ kind }) => {
      throw new Error(`nothing is passed on, ${kind}`)
    },
  }
  const service: Service = {
    call: async () => ({ version: 'v2.6.22-x' }) as never,
    forward: null,
    health: () => ({ healthy: true, parts: [] }),
    [Symbol.asyncDispose]: async () => {},
  }
  const limits = defaultProtocolLimits
  const budget = new ByteBudget(limits.bytesInFlightMax, limits.waitingMax)
  const grpc = createGrpcHandler({ ops, gate, service, limits, budget, log: silentLog, metrics: createMetrics() })
  const facts = { id: 1, listener: 'proxy', peer: '127.0.0.1:1', openedAt: 0, tls: null }
  server.on('stream', (stream, headers) => grpc(stream, headers, facts))
}

async function compare(seconds: number, rounds: number): Promise<void> {
  const sides = await Promise.all(
    ['bare', 'layer'].map(async (which) => {
      const child = fork(fileURLToPath(import.meta.url), ['serve', which])
      const [port] = (await once(child, 'message')) as [number]
      return { which, child, session: http2.connect(`http://127.0.0.1:${port}`), cpu: [] as number[] }
    }),
  )
  for (let round = -1; round < rounds; round++)
    for (const side of sides) {
      const before = await cpuOf(side.child)
      const calls = await load(side.session, seconds)
      const used = (await cpuOf(side.child)) - before
      if (round >= 0) side.cpu.push(used / calls)
      process.stderr.write(
        `${side.which} ${(used / calls).toFixed(1)} us/call, ${(calls / seconds).toFixed(0)} calls/s\n`,
      )
    }
  const [a, b] = sides.map(({ cpu }) => cpu.sort((x, y) => x - y)[Math.floor(cpu.length / 2)] ?? Number.NaN)
  process.stdout.write(
    `bare http2 ${a?.toFixed(1)} us, gRPC layer ${b?.toFixed(1)} us CPU per call: ${((b ?? 0) / (a ?? 1)).toFixed(2)}x\n`,
  )
  for (const { session, child } of sides) {
    session.destroy()
    child.kill()
  }
}

async function cpuOf(child: ReturnType<typeof fork>): Promise<number> {
  child.send('cpu')
  const [usage] = (await once(child, 'message')) as [NodeJS.CpuUsage]
  return usage.user + usage.system
}

/** Calls made in `seconds` with a fixed number in flight. */
async function load(session: http2.ClientHttp2Session, seconds: number): Promise<number> {
  const end = performance.now() + seconds * 1000
  const frame = Buffer.alloc(5)
  const headers = {
    ':method': 'POST',
    ':path': PATH,
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-accept-encoding': 'identity,deflate,gzip',
    'grpc-timeout': '30S',
    'user-agent': 'bench',
  }
  let calls = 0
  const one = () =>
    new Promise<void>((resolve) => {
      const stream = session.request(headers)
      stream.on('data', () => {})
      stream.on('close', resolve)
      stream.end(frame)
    })
  const lane = async () => {
    while (performance.now() < end) {
      await one()
      calls++
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  return calls
}
