/** `bench insert`: durable inserts in batches of 1,000 and row by row, over each mode, and with the Node SDK. */
import { join } from 'node:path'
import { temporary } from '../test/support/server.ts'
import { createSet } from '../test/support/sets.ts'
import type { Dataset } from './datasets.ts'
import { type DataName, loadData } from './lib/data.ts'
import type { Client, Load } from './lib/jobs.ts'
import { type LoadClient, startLoadProcess } from './lib/load-client.ts'
import { cpuSeconds } from './lib/process-usage.ts'
import { createProgress } from './lib/progress.ts'
import { median, percent, type Report, type Row, short, spread } from './lib/report.ts'
import { type Mode, modes } from './lib/rpc.ts'
import { createCollection, startBenchServer } from './lib/servers.ts'

export interface InsertBench {
  readonly data: DataName
  readonly rows: number | null
  readonly rounds: number
}

const BATCH = 1_000
const SINGLE_ROWS = 4_000
const SDK_ROWS = 20_000

interface Variant {
  readonly name: string
  readonly mode: Mode
  readonly client: Client
  readonly batch: number
  readonly inFlight: number
  readonly rowsMax: number
}

interface Sample extends Load {
  readonly serverCpu: number
  readonly rows: number
}

export async function benchInsert(options: InsertBench): Promise<Report> {
  using scratch = temporary()
  const variants = variantsOf()
  using progress = createProgress(variants.length * options.rounds)
  const data = await loadData(options.data, options.rows)
  using load = startLoadProcess()
  await load.run({ kind: 'data', data: options.data, rows: options.rows })
  const set = await createSet(join(scratch.path, 'certs'))
  const samples = new Map<string, Sample[]>(variants.map(({ name }) => [name, []]))
  for (let round = 1; round <= options.rounds; round++) {
    for (const variant of variants) {
      progress.step(`round ${round} of ${options.rounds}: ${variant.name}`)
      await using server = await startBenchServer(variant.mode, set, join(scratch.path, `${round}-${variant.name}`))
      samples.get(variant.name)?.push(await sampleOf(variant, server, data, load))
    }
  }
  return {
    title: `insert: ${data.name}, ${data.dim} floats a row, each call durable before it is answered`,
    rows: variants.map((variant) => rowOf(variant, samples.get(variant.name) ?? [])),
    notes: [
      `medians of ${options.rounds} interleaved rounds, each into a new server; spread of the rows a second`,
      'MB = 10^6 bytes of the messages on the wire (the SDK: of the vectors); the SDK encodes rows in the measured time',
    ],
    raw: { options, samples: Object.fromEntries(samples) },
  }
}

function variantsOf(): readonly Variant[] {
  const batches = { client: 'raw', batch: BATCH, rowsMax: Number.POSITIVE_INFINITY } as const
  const single = { client: 'raw', batch: 1, inFlight: 16, rowsMax: SINGLE_ROWS } as const
  return [
    ...modes.map((mode) => ({ name: `${mode}, batches`, mode, inFlight: 1, ...batches })),
    { name: 'mutual, batches x 4', mode: 'mutual', inFlight: 4, ...batches },
    ...modes.map((mode) => ({ name: `${mode}, single rows`, mode, ...single })),
    { name: 'mutual, Node SDK batches', mode: 'mutual', client: 'sdk', batch: BATCH, inFlight: 1, rowsMax: SDK_ROWS },
    { name: 'mutual, Node SDK single rows', mode: 'mutual', ...single, client: 'sdk' },
  ]
}

type Server = Awaited<ReturnType<typeof startBenchServer>>

/** A few calls first, so that the code of both sides is warm. */
async function sampleOf(variant: Variant, server: Server, data: Dataset, load: LoadClient): Promise<Sample> {
  const { target, pid } = server
  const { client, batch, inFlight } = variant
  const warm = Math.min(batch * 5, data.rowCount >> 1)
  const rows = Math.min(variant.rowsMax, data.rowCount - warm)
  const common = { kind: 'insert', target, client, batch, inFlight } as const
  await createCollection(target, data, 'warm')
  await load.run({ ...common, collection: 'warm', from: 0, to: warm })
  await createCollection(target, data)
  const before = cpuSeconds(pid)
  const done = await load.run({ ...common, collection: 'bench', from: 0, to: rows })
  return { ...done, rows, serverCpu: cpuSeconds(pid) - before }
}

function rowOf({ name, batch, inFlight }: Variant, samples: readonly Sample[]): Row {
  const of = (value: (sample: Sample) => number) => short(median(samples.map(value)))
  return {
    ...{ insert: name, rows: batch, 'in flight': inFlight, 'MB/s': of((s) => s.bytes / 1e6 / s.seconds) },
    ...{ 'rows/s': of((s) => s.rows / s.seconds), spread: percent(spread(samples.map((s) => s.rows / s.seconds))) },
    ...{ 'p50 ms': of((s) => s.p50), 'p99 ms': of((s) => s.p99) },
    'server CPU ms': of((s) => (s.serverCpu * 1000) / s.calls),
    'client CPU ms': of((s) => (s.cpuSeconds * 1000) / s.calls),
  }
}
