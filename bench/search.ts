/** `bench search`: one index behind three servers (plaintext, one-way TLS, mutual TLS) and in this process. */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { temporary } from '../test/support/server.ts'
import { type CertSet, createSet } from '../test/support/sets.ts'
import type { Dataset } from './datasets.ts'
import { groundTruth, recallOf } from './engine.ts'
import { type DataName, loadData } from './lib/data.ts'
import { type InProcess, openInProcess } from './lib/in-process.ts'
import type { Client } from './lib/jobs.ts'
import { type LoadClient, startLoadProcess } from './lib/load-client.ts'
import { COLLECTION, SERVICE, searchFrame, searchIds, TOP_K } from './lib/messages.ts'
import { cpuSeconds, memoryOf } from './lib/process-usage.ts'
import { createProgress, type Progress } from './lib/progress.ts'
import { median, percent, type Report, type Row, short, spread } from './lib/report.ts'
import { connectRpc, type Mode, modes, type Target } from './lib/rpc.ts'
import { type BenchServer, fill, indexDirectory, sealArguments, startBenchServer } from './lib/servers.ts'

export interface SearchBench {
  readonly data: DataName
  readonly rows: number | null
  readonly rounds: number
  readonly seconds: number
}

const IN_FLIGHT = [1, 16] as const

/** What is compared: the engine alone, the raw client over each mode, the official SDK over mutual TLS. */
interface Variant {
  readonly name: string
  readonly inFlight: number
  readonly server: BenchServer | null
  readonly client: Client
}

interface Sample {
  readonly qps: number
  readonly p50: number
  readonly p99: number
  /** Milliseconds of the serving process a call. */
  readonly serverCpu: number
  readonly clientCpu: number
}

export async function benchSearch(options: SearchBench): Promise<Report> {
  using scratch = temporary()
  const variantCount = IN_FLIGHT.length * (modes.length + 2)
  using progress = createProgress(4 + variantCount * (options.rounds + 1))
  const data = await loadData(options.data, options.rows)
  using load = startLoadProcess()
  await load.run({ kind: 'data', data: options.data, rows: options.rows })
  const set = await createSet(join(scratch.path, 'certs'))
  const stores = await prepare(scratch.path, set, data, load, progress)
  await using stack = new AsyncDisposableStack()
  const servers: BenchServer[] = []
  for (const mode of modes) servers.push(stack.use(await startBenchServer(mode, set, stores[mode])))
  const index = await indexDirectory(stores.plain)
  const engine = stack.use(await openInProcess(index, join(scratch.path, 'index'), data))
  const variants = variantsOf(servers)
  const samples = await rounds(variants, engine, load, options, progress)
  progress.step('recall against the exact neighbours')
  const recall = await recallOver(servers.at(-1)?.target, data)
  const memory = Object.fromEntries(servers.map(({ target, pid }) => [target.mode, memoryOf(pid)]))
  const rows = variants.map((variant) => rowOf(variant, variants, samples, memory))
  return {
    title: `search: ${data.name}, ${data.rowCount} x ${data.dim}, ${data.metric}, top ${TOP_K}; recall@10 ${recall.toFixed(4)}`,
    rows,
    notes: [
      `medians of ${options.rounds} interleaved rounds of ${options.seconds} s; spread = (max - min) / median of QPS`,
      'ratio = QPS against the engine called in-process with as many in flight; clients share the cores with the server',
    ],
    raw: { options, recall, memory, samples: Object.fromEntries(samples) },
  }
}

/** One load, copied for each mode once its server has stopped: all search the same segments. */
async function prepare(
  scratch: string,
  set: CertSet,
  data: Dataset,
  load: LoadClient,
  progress: Progress,
): Promise<Record<Mode, string>> {
  const stores = { plain: join(scratch, 'plain'), oneWay: join(scratch, 'one-way'), mutual: join(scratch, 'mutual') }
  progress.step(`inserting ${data.rowCount} rows and building the index`)
  {
    await using server = await startBenchServer('plain', set, stores.plain, { args: sealArguments(data.rowCount) })
    await fill(server.target, data, load)
  }
  progress.step('copying the data directory')
  cpSync(stores.plain, stores.oneWay, { recursive: true, preserveTimestamps: true })
  cpSync(stores.plain, stores.mutual, { recursive: true, preserveTimestamps: true })
  progress.step('starting the servers')
  return stores
}

function variantsOf(servers: readonly BenchServer[]): readonly Variant[] {
  const mutual = servers.find(({ target }) => target.mode === 'mutual') ?? null
  return IN_FLIGHT.flatMap((inFlight) => [
    { name: 'engine in-process', inFlight, server: null, client: 'raw' as const },
    ...servers.map((server) => ({ name: server.target.mode, inFlight, server, client: 'raw' as const })),
    { name: 'mutual, Node SDK', inFlight, server: mutual, client: 'sdk' as const },
  ])
}

const keyOf = ({ name, inFlight }: Variant) => `${name} x ${inFlight}`

/** Round 0 warms up and is not kept. */
async function rounds(
  variants: readonly Variant[],
  engine: InProcess,
  load: LoadClient,
  { rounds: count, seconds }: SearchBench,
  progress: Progress,
): Promise<Map<string, Sample[]>> {
  const samples = new Map<string, Sample[]>(variants.map((variant) => [keyOf(variant), []]))
  for (let round = 0; round <= count; round++) {
    for (const variant of variants) {
      progress.step(`round ${round} of ${count}: ${keyOf(variant)}`)
      const sample = await sampleOf(variant, engine, load, round === 0 ? Math.min(1, seconds) : seconds)
      if (round > 0) samples.get(keyOf(variant))?.push(sample)
    }
  }
  return samples
}

async function sampleOf(variant: Variant, engine: InProcess, load: LoadClient, seconds: number): Promise<Sample> {
  const { server, client, inFlight } = variant
  if (!server) {
    const before = cpuSeconds(process.pid)
    const { qps, p50, p99 } = await engine.throughput(inFlight, seconds)
    const used = cpuSeconds(process.pid) - before
    return { qps, p50, p99, serverCpu: (used * 1000) / (qps * seconds), clientCpu: 0 }
  }
  const before = cpuSeconds(server.pid)
  const common = { target: server.target, client, inFlight, collection: COLLECTION } as const
  const { calls, ...rest } = await load.run({ kind: 'search', ...common, seconds, filter: 'none' })
  const used = cpuSeconds(server.pid) - before
  return {
    ...{ qps: calls / rest.seconds, p50: rest.p50, p99: rest.p99 },
    ...{ serverCpu: (used * 1000) / calls, clientCpu: (rest.cpuSeconds * 1000) / calls },
  }
}

function rowOf(
  variant: Variant,
  variants: readonly Variant[],
  samples: ReadonlyMap<string, readonly Sample[]>,
  memory: Readonly<Record<string, { rssMb: number }>>,
): Row {
  const own = samples.get(keyOf(variant)) ?? []
  const base = variants.find((v) => v.server === null && v.inFlight === variant.inFlight)
  const baseline = (base && samples.get(keyOf(base))) ?? []
  const of = (key: keyof Sample) => median(own.map((sample) => sample[key]))
  const qps = own.map((sample) => sample.qps)
  return {
    ...{ search: variant.name, 'in flight': variant.inFlight, QPS: short(median(qps)), spread: percent(spread(qps)) },
    ratio: short(median(qps.map((value, i) => value / (baseline[i]?.qps ?? Number.NaN)))),
    ...{ 'p50 ms': short(of('p50')), 'p99 ms': short(of('p99')), 'server CPU ms': short(of('serverCpu')) },
    'client CPU ms': variant.server ? short(of('clientCpu')) : '-',
    'RSS MB': variant.server ? short(memory[variant.server.target.mode]?.rssMb ?? Number.NaN) : '-',
  }
}

/** Each query by itself over the wire, compared with the exact neighbours. */
async function recallOver(target: Target | undefined, data: Dataset): Promise<number> {
  if (!target) throw new Error('no server')
  const truth = await groundTruth(data)
  using rpc = await connectRpc(target)
  const found: Float64Array[] = []
  for (let query = 0; query < truth.length / TOP_K; query++) {
    const ids = searchIds(await rpc.call(`${SERVICE}Search`, searchFrame(data, query)))
    found.push(ids.map((id) => id + 1))
  }
  return recallOf(found, truth)
}
