/** `bench tls`: handshakes a second, full and resumed, and what TLS adds to the CPU of a search. */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { temporary } from '../test/support/server.ts'
import { createSet } from '../test/support/sets.ts'
import { type DataName, loadData } from './lib/data.ts'
import type { Load } from './lib/jobs.ts'
import { type LoadClient, startLoadProcess } from './lib/load-client.ts'
import { COLLECTION } from './lib/messages.ts'
import { cpuSeconds } from './lib/process-usage.ts'
import { createProgress } from './lib/progress.ts'
import { median, percent, type Report, type Row, short, spread } from './lib/report.ts'
import { type Mode, modes } from './lib/rpc.ts'
import { type BenchServer, fill, sealArguments, startBenchServer } from './lib/servers.ts'

export interface TlsBench {
  readonly data: DataName
  readonly rows: number | null
  readonly rounds: number
  readonly seconds: number
}

const PARALLEL = 8
const IN_FLIGHT = 16
/** Small, so that a search is cheap and what TLS adds is seen. */
export const TLS_ROWS = 10_000

interface Variant {
  readonly name: string
  readonly mode: Mode
  readonly kind: 'full' | 'resumed' | 'search'
}

interface Sample extends Load {
  readonly serverCpu: number
}

const variants: readonly Variant[] = [
  { name: 'oneWay, full handshake', mode: 'oneWay', kind: 'full' },
  // only one-way: in mutual mode the server resumes nothing, so that each connection shows its certificate
  { name: 'oneWay, resumed handshake', mode: 'oneWay', kind: 'resumed' },
  { name: 'mutual, full handshake', mode: 'mutual', kind: 'full' },
  ...modes.map((mode): Variant => ({ name: `${mode}, search`, mode, kind: 'search' })),
]

export async function benchTls(options: TlsBench): Promise<Report> {
  using scratch = temporary()
  using progress = createProgress(1 + variants.length * (options.rounds + 1))
  const data = await loadData(options.data, options.rows ?? TLS_ROWS)
  using load = startLoadProcess()
  await load.run({ kind: 'data', data: options.data, rows: data.rowCount })
  const set = await createSet(join(scratch.path, 'certs'))
  const stores = { plain: join(scratch.path, 'a'), oneWay: join(scratch.path, 'b'), mutual: join(scratch.path, 'c') }
  progress.step(`inserting ${data.rowCount} rows`)
  {
    await using server = await startBenchServer('plain', set, stores.plain, { args: sealArguments(data.rowCount) })
    await fill(server.target, data, load)
  }
  for (const copy of [stores.oneWay, stores.mutual]) {
    cpSync(stores.plain, copy, { recursive: true, preserveTimestamps: true })
  }
  await using stack = new AsyncDisposableStack()
  const servers = new Map<Mode, BenchServer>()
  for (const mode of modes) servers.set(mode, stack.use(await startBenchServer(mode, set, stores[mode])))
  const samples = new Map<string, Sample[]>(variants.map(({ name }) => [name, []]))
  for (let round = 0; round <= options.rounds; round++) {
    for (const variant of variants) {
      progress.step(`round ${round} of ${options.rounds}: ${variant.name}`)
      const server = servers.get(variant.mode)
      if (!server) throw new Error(`no server of mode ${variant.mode}`)
      const sample = await sampleOf(variant, server, load, round === 0 ? Math.min(1, options.seconds) : options.seconds)
      if (round > 0) samples.get(variant.name)?.push(sample)
    }
  }
  return {
    title: `tls: TLS 1.3, P-256 certificates of redkite certs create; searches over ${data.rowCount} x ${data.dim} rows`,
    rows: variants.map((variant) => rowOf(variant, samples)),
    notes: [
      `medians of ${options.rounds} interleaved rounds of ${options.seconds} s; handshakes ${PARALLEL} in parallel, searches ${IN_FLIGHT} in flight`,
      'mutual mode resumes no session: every connection shows its certificate',
      'a handshake counts when the server has sent its HTTP/2 settings; CPU ratio: of the server a call, against plaintext',
    ],
    raw: { options, samples: Object.fromEntries(samples) },
  }
}

async function sampleOf(variant: Variant, { target, pid }: BenchServer, load: LoadClient, seconds: number) {
  const before = cpuSeconds(pid)
  const done =
    variant.kind === 'search'
      ? await load.run({
          ...{ kind: 'search', client: 'raw', target, collection: COLLECTION, inFlight: IN_FLIGHT },
          ...{ seconds, filter: 'none' },
        })
      : await load.run({ kind: 'handshakes', target, seconds, parallel: PARALLEL, resume: variant.kind === 'resumed' })
  return { ...done, serverCpu: cpuSeconds(pid) - before }
}

function rowOf(variant: Variant, samples: ReadonlyMap<string, readonly Sample[]>): Row {
  const own = samples.get(variant.name) ?? []
  const plain = samples.get('plain, search') ?? []
  const rate = own.map((s) => s.calls / s.seconds)
  const cpuOf = (s: Sample | undefined) => (s ? (s.serverCpu * 1000) / s.calls : Number.NaN)
  return {
    ...{ what: variant.name, 'a second': short(median(rate)), spread: percent(spread(rate)) },
    ...{ 'p50 ms': short(median(own.map((s) => s.p50))), 'p99 ms': short(median(own.map((s) => s.p99))) },
    'server CPU ms': short(median(own.map(cpuOf))),
    'CPU ratio': variant.kind === 'search' ? short(median(own.map((s, i) => cpuOf(s) / cpuOf(plain[i])))) : '-',
    'client CPU ms': short(median(own.map((s) => (s.cpuSeconds * 1000) / s.calls))),
  }
}
