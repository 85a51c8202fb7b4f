/** Queries a second of one server and of the engine in this process, measured in turns. */
import type { Filter } from './data.ts'
import type { InProcess } from './in-process.ts'
import type { LoadClient } from './load-client.ts'
import { COLLECTION } from './messages.ts'
import { cpuSeconds } from './process-usage.ts'
import type { BenchServer } from './servers.ts'

/** One figure a round each. */
export interface QpsRounds {
  readonly engine1: readonly number[]
  readonly engine16: readonly number[]
  readonly server1: readonly number[]
  readonly server16: readonly number[]
  readonly filtered1: readonly number[]
  readonly other16: readonly number[]
  readonly filtered16: readonly number[]
  readonly sdk1: readonly number[]
  readonly sdk16: readonly number[]
  /** Milliseconds a search, unfiltered, 16 in flight: of the server, of the client, of the engine alone. */
  readonly serverCpu16: readonly number[]
  readonly clientCpu16: readonly number[]
  readonly engineCpu16: readonly number[]
}

/** A short round to warm up comes first. */
export async function qpsRounds(
  { target, pid }: BenchServer,
  engine: InProcess,
  load: LoadClient,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<QpsRounds> {
  const figures: Record<keyof QpsRounds, number[]> = {
    ...{
      engine1: [],
      engine16: [],
      server1: [],
      server16: [],
      filtered1: [],
      filtered16: [],
      other16: [],
      sdk1: [],
      sdk16: [],
    },
    ...{ serverCpu16: [], clientCpu16: [], engineCpu16: [] },
  }
  for (let round = 0; round <= rounds; round++) {
    const length = round === 0 ? Math.min(1, seconds) : seconds
    const keep = (key: keyof QpsRounds, value: number) => round > 0 && figures[key].push(value)
    const over = async (client: 'raw' | 'sdk', inFlight: number, filter: Filter) => {
      const common = { kind: 'search', target, client, collection: COLLECTION } as const
      const before = cpuSeconds(pid)
      const done = await load.run({ ...common, inFlight, filter, seconds: length })
      const serverCpu = ((cpuSeconds(pid) - before) * 1000) / done.calls
      return { qps: done.calls / done.seconds, serverCpu, clientCpu: (done.cpuSeconds * 1000) / done.calls }
    }
    const before = cpuSeconds(process.pid)
    const alone = await engine.throughput(16, length)
    keep('engine16', alone.qps)
    keep('engineCpu16', ((cpuSeconds(process.pid) - before) * 1000) / (alone.qps * length))
    const many = await over('raw', 16, 'none')
    keep('server16', many.qps)
    keep('serverCpu16', many.serverCpu)
    keep('clientCpu16', many.clientCpu)
    keep('engine1', (await engine.throughput(1, length)).qps)
    keep('server1', (await over('raw', 1, 'none')).qps)
    keep('filtered1', (await over('raw', 1, 'own')).qps)
    keep('filtered16', (await over('raw', 16, 'own')).qps)
    keep('other16', (await over('raw', 16, 'other')).qps)
    keep('sdk1', (await over('sdk', 1, 'none')).qps)
    keep('sdk16', (await over('sdk', 16, 'none')).qps)
  }
  return figures
}
