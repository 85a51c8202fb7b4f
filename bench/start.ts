/** `bench start`: from the spawn to the first answered search with the data there, and the memory then and later. */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { temporary } from '../test/support/server.ts'
import { createSet } from '../test/support/sets.ts'
import { type DataName, loadData } from './lib/data.ts'
import { startToFirstAnswer } from './lib/first-answer.ts'
import { startLoadProcess } from './lib/load-client.ts'
import { searchFrame } from './lib/messages.ts'
import { type Memory, memoryOf } from './lib/process-usage.ts'
import { createProgress } from './lib/progress.ts'
import { median, percent, type Report, type Row, short, spread } from './lib/report.ts'
import { type Mode, modes } from './lib/rpc.ts'
import { fill, sealArguments, startBenchServer } from './lib/servers.ts'

export interface StartBench {
  readonly data: DataName
  readonly rows: number | null
  readonly rounds: number
  /** How long a server is left alone before its memory is read. */
  readonly idleSeconds: number
}

interface Sample {
  readonly firstAnswerMs: number
  readonly readyMs: number
  readonly cold: Memory
  readonly idle: Memory
}

export async function benchStart(options: StartBench): Promise<Report> {
  using scratch = temporary()
  using progress = createProgress(1 + modes.length * options.rounds)
  const data = await loadData(options.data, options.rows)
  const set = await createSet(join(scratch.path, 'certs'))
  const store = join(scratch.path, 'data')
  progress.step(`inserting ${data.rowCount} rows and building the index`)
  {
    using load = startLoadProcess()
    await load.run({ kind: 'data', data: options.data, rows: options.rows })
    await using server = await startBenchServer('plain', set, store, { args: sealArguments(data.rowCount) })
    await fill(server.target, data, load)
  }
  const samples = new Map<Mode, Sample[]>(modes.map((mode) => [mode, []]))
  const search = searchFrame(data, 0)
  for (let round = 1; round <= options.rounds; round++) {
    for (const mode of modes) {
      progress.step(`round ${round} of ${options.rounds}: ${mode}`)
      const { server, firstAnswerMs, readyMs } = await startToFirstAnswer(mode, set, store, search)
      await using _ = server
      const cold = memoryOf(server.pid)
      await delay(options.idleSeconds * 1000)
      samples.get(mode)?.push({ firstAnswerMs, readyMs, cold, idle: memoryOf(server.pid) })
    }
  }
  return {
    title: `start: ${data.name}, ${data.rowCount} x ${data.dim} sealed on disk, logins on`,
    rows: modes.map((mode) => rowOf(mode, samples.get(mode) ?? [])),
    notes: [
      `medians of ${options.rounds} interleaved starts; from spawn, the data's pages in the file cache`,
      `idle = ${options.idleSeconds} s after the first answer; anonymous = resident and not of a mapped file`,
    ],
    raw: { options, samples: Object.fromEntries(samples) },
  }
}

function rowOf(mode: Mode, samples: readonly Sample[]): Row {
  const of = (value: (sample: Sample) => number | null) =>
    short(median(samples.map((sample) => value(sample) ?? Number.NaN)))
  return {
    ...{ mode, 'ready ms': of((s) => s.readyMs), 'first answer ms': of((s) => s.firstAnswerMs) },
    spread: percent(spread(samples.map((s) => s.firstAnswerMs))),
    ...{ 'RSS cold MB': of((s) => s.cold.rssMb), 'RSS idle MB': of((s) => s.idle.rssMb) },
    'anonymous idle MB': of((s) => s.idle.anonymousMb),
  }
}
