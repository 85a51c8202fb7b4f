/** `bench proxy`: searches of one real Milvus through Redkite, nginx and haproxy, and without any of them. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { realMilvusTool, startRealMilvus } from '../test/support/real-milvus.ts'
import { temporary } from '../test/support/server.ts'
import { createSet } from '../test/support/sets.ts'
import { type DataName, loadData } from './lib/data.ts'
import { type Front, haproxyFront, missing, nginxFront, nginxKeepaliveFront, redkiteFront } from './lib/fronts.ts'
import { type LoadClient, startLoadProcess } from './lib/load-client.ts'
import { COLLECTION } from './lib/messages.ts'
import { cpuSeconds } from './lib/process-usage.ts'
import { createProgress } from './lib/progress.ts'
import { median, percent, type Report, type Row, short, spread } from './lib/report.ts'
import { fill } from './lib/servers.ts'
import { UsageError } from './lib/usage-error.ts'

export interface ProxyBench {
  readonly data: DataName
  readonly rows: number | null
  readonly rounds: number
  readonly seconds: number
}

/** Few rows, so that a search is cheap and what stands before it is seen. */
const ROWS = 10_000
const IN_FLIGHT = [1, 16] as const
/** What Redkite must reach of the other's queries a second at 16 in flight. */
const TARGETS = { 'haproxy tcp': 0.9, 'nginx grpc_pass': 1.5 } as const

interface Sample {
  readonly qps: number
  readonly p50: number
  readonly p99: number
  /** Milliseconds of the front a call, all its processes; 0 without one. */
  readonly frontCpu: number
}

export async function benchProxy(options: ProxyBench): Promise<Report & { readonly missed: number }> {
  for (const fault of [realMilvusTool.skip || null, missing('nginx'), missing('haproxy')]) {
    if (fault !== null) throw new UsageError(`bench proxy: ${fault}`)
  }
  using scratch = temporary()
  using progress = createProgress(2 + 5 * IN_FLIGHT.length * (options.rounds + 1))
  const data = await loadData(options.data, options.rows ?? ROWS)
  using load = startLoadProcess()
  await load.run({ kind: 'data', data: options.data, rows: data.rowCount })
  const set = await createSet(join(scratch.path, 'certs'))
  progress.step(`a real Milvus 2.3.5, ${data.rowCount} rows`)
  await using milvus = await startRealMilvus({ tlsMode: 0 })
  const direct = { port: milvus.port, mode: 'plain', set: null, login: null } as const
  await fill(direct, data, load)
  progress.step('starting the fronts')
  await using stack = new AsyncDisposableStack()
  const fronts: Front[] = [
    { name: 'none, plaintext', target: direct, pids: () => [], [Symbol.asyncDispose]: async () => {} },
  ]
  for (const [index, start] of [redkiteFront, nginxFront, nginxKeepaliveFront, haproxyFront].entries()) {
    const directory = join(scratch.path, `front-${index}`)
    mkdirSync(directory)
    fronts.push(stack.use(await start({ directory, set, upstream: milvus.port })))
  }
  const samples = await rounds(fronts, load, options, (text) => progress.step(text))
  const rows = IN_FLIGHT.flatMap((inFlight) => fronts.map((front) => rowOf(front, inFlight, fronts, samples)))
  const reached = Object.entries(TARGETS).map(([name, target]) => {
    const ratio = ratioTo(name, 16, samples)
    return { name, target, ratio, isReached: ratio >= target }
  })
  return {
    title: `proxy: searches of a real Milvus 2.3.5, ${data.name}, ${data.rowCount} x ${data.dim}, through what ends TLS before it`,
    rows,
    notes: [
      `medians of ${options.rounds} interleaved rounds of ${options.seconds} s; one-way TLS 1.3 to each front, plaintext behind it; client, front and Milvus share the cores`,
      ...reached.map(
        ({ name, target, ratio, isReached }) =>
          `redkite / ${name} at 16 in flight: ${ratio.toFixed(2)} (target ${target}: ${isReached ? 'reached' : 'MISSED'})`,
      ),
    ],
    raw: { options, samples: Object.fromEntries(samples) },
    missed: reached.filter(({ isReached }) => !isReached).length,
  }
}

const keyOf = (name: string, inFlight: number) => `${name} x ${inFlight}`

/** Round 0 warms up and is not kept. */
async function rounds(
  fronts: readonly Front[],
  load: LoadClient,
  options: ProxyBench,
  step: (text: string) => void,
): Promise<ReadonlyMap<string, Sample[]>> {
  const samples = new Map<string, Sample[]>()
  for (let round = 0; round <= options.rounds; round++) {
    for (const inFlight of IN_FLIGHT) {
      for (const front of fronts) {
        const key = keyOf(front.name, inFlight)
        step(`round ${round} of ${options.rounds}: ${key}`)
        const sample = await sampleOf(
          front,
          inFlight,
          load,
          round === 0 ? Math.min(1, options.seconds) : options.seconds,
        )
        if (round > 0) samples.set(key, [...(samples.get(key) ?? []), sample])
      }
    }
  }
  return samples
}

async function sampleOf(front: Front, inFlight: number, load: LoadClient, seconds: number): Promise<Sample> {
  const used = () => front.pids().reduce((sum, pid) => sum + cpuSeconds(pid), 0)
  const before = used()
  const job = { kind: 'search', client: 'raw', collection: COLLECTION, filter: 'none' } as const
  const done = await load.run({ ...job, target: front.target, inFlight, seconds })
  return {
    qps: done.calls / done.seconds,
    p50: done.p50,
    p99: done.p99,
    frontCpu: ((used() - before) * 1000) / done.calls,
  }
}

/** Median over the rounds of redkite's QPS against another's in the same round. */
function ratioTo(other: string, inFlight: number, samples: ReadonlyMap<string, readonly Sample[]>): number {
  const own = samples.get(keyOf('redkite', inFlight)) ?? []
  const theirs = samples.get(keyOf(other, inFlight)) ?? []
  return median(own.map((sample, i) => sample.qps / (theirs[i]?.qps ?? Number.NaN)))
}

function rowOf(
  { name }: Front,
  inFlight: number,
  fronts: readonly Front[],
  samples: ReadonlyMap<string, readonly Sample[]>,
): Row {
  const own = samples.get(keyOf(name, inFlight)) ?? []
  const qps = own.map((sample) => sample.qps)
  const base = samples.get(keyOf(fronts[0]?.name ?? '', inFlight)) ?? []
  return {
    ...{ front: name, 'in flight': inFlight, QPS: short(median(qps)), spread: percent(spread(qps)) },
    'of direct': short(median(qps.map((value, i) => value / (base[i]?.qps ?? Number.NaN)))),
    'redkite / this': name === 'redkite' ? '-' : short(ratioTo(name, inFlight, samples)),
    ...{ 'p50 ms': short(median(own.map((s) => s.p50))), 'p99 ms': short(median(own.map((s) => s.p99))) },
    'front CPU ms': short(median(own.map((s) => s.frontCpu))),
  }
}
