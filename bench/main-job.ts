/**
 * `bench main-job`: what the server is for, on real input. Certificates of `redkite certs create`, mutual TLS, logins
 * on; Fashion-MNIST loaded by the Node SDK and by pymilvus, its test images searched with and without a filter, the
 * server restarted, searched again; each figure beside its target.
 */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { temporary } from '../test/support/server.ts'
import { type CertSet, createSet } from '../test/support/sets.ts'
import { python } from '../test/support/tools.ts'
import type { Dataset } from './datasets.ts'
import { loadData } from './lib/data.ts'
import { startToFirstAnswer } from './lib/first-answer.ts'
import { openInProcess } from './lib/in-process.ts'
import { type LoadClient, startLoadProcess } from './lib/load-client.ts'
import { jobTable } from './lib/main-job-table.ts'
import { COLLECTION, searchFrame } from './lib/messages.ts'
import { memoryOf } from './lib/process-usage.ts'
import { createProgress, type Progress } from './lib/progress.ts'
import { pymilvusLoad, pymilvusSearch } from './lib/pymilvus.ts'
import type { Report } from './lib/report.ts'
import { type QpsRounds, qpsRounds } from './lib/search-rounds.ts'
import { createCollection, indexDirectory, sealArguments, startBenchServer, untilIndexed } from './lib/servers.ts'
import { exactTruth, type Recalls, recalls, searchAll, type Truth } from './lib/test-images.ts'

export interface MainJob {
  readonly rows: number | null
  readonly rounds: number
  readonly seconds: number
  readonly idleSeconds: number
}

/** Everything the run measured; rates in 10^6 bytes a second, times in milliseconds, memory in 10^6 bytes. */
export interface JobFigures {
  readonly rows: number
  readonly wireInsertMbps: readonly number[]
  readonly sdkInsertMbps: number
  readonly pymilvusInsertMbps: number | null
  readonly indexMs: number
  readonly before: Recalls
  readonly after: Recalls
  readonly pymilvusBefore: Recalls | null
  readonly pymilvusAfter: Recalls | null
  readonly firstAnswerMs: readonly number[]
  readonly idleRssMb: number
  readonly idleAnonymousMb: number | null
  readonly workedRssMb: number
  readonly qps: QpsRounds
}

interface Scene {
  readonly scratch: string
  readonly set: CertSet
  readonly data: Dataset
  readonly truth: Truth
  readonly load: LoadClient
  readonly progress: Progress
  readonly options: MainJob
}

const MODE = 'mutual'
const BATCH = 1_000
const STARTS = 3
const STEPS = 9

export async function mainJob(options: MainJob): Promise<Report & { readonly missed: number }> {
  using scratch = temporary()
  using progress = createProgress(STEPS + (python.skip ? 0 : 3))
  progress.step('computing the exact neighbours, unless .cache/ has them')
  const data = await loadData('fashion', options.rows)
  const truth = await exactTruth(data)
  using load = startLoadProcess()
  await load.run({ kind: 'data', data: 'fashion', rows: options.rows })
  const set = await createSet(join(scratch.path, 'certs'))
  const scene: Scene = { scratch: scratch.path, set, data, truth, load, progress, options }
  const wireInsertMbps = await wireInserts(scene)
  const withPython = python.skip ? null : await pymilvusJob(scene)
  const withSdk = await sdkJob(scene)
  const figures: JobFigures = {
    ...{ rows: data.rowCount, wireInsertMbps, ...withSdk, pymilvusInsertMbps: withPython?.insertMbps ?? null },
    ...{ pymilvusBefore: withPython?.before ?? null, pymilvusAfter: withPython?.after ?? null },
  }
  const { rows, missed } = jobTable(figures)
  return {
    title: `main job: ${data.name}, ${data.rowCount} x ${data.dim}, mutual TLS, logins on, ${data.queryCount} test images`,
    rows,
    notes: [
      `QPS: medians of ${options.rounds} interleaved rounds of ${options.seconds} s, clients on the server's cores`,
      `filter: the label of the query image; another label is one that its neighbours do not have; idle = left alone for ${options.idleSeconds} s`,
      ...(python.skip ? [`pymilvus skipped: ${python.skip}`] : []),
      missed === 0 ? 'every target is reached' : `${missed} targets are missed`,
    ],
    raw: { options, figures },
    missed,
  }
}

/** From messages encoded beforehand, each time into a new server. */
async function wireInserts({ scratch, set, data, load, progress, options }: Scene): Promise<number[]> {
  progress.step('inserting over the wire, in batches of 1,000')
  const rates: number[] = []
  for (let round = 0; round < Math.min(3, options.rounds); round++) {
    await using server = await startBenchServer(MODE, set, join(scratch, `wire-${round}`))
    await createCollection(server.target, data)
    const job = { kind: 'insert', client: 'raw', target: server.target, collection: COLLECTION, batch: BATCH } as const
    const { bytes, seconds } = await load.run({ ...job, inFlight: 1, from: 0, to: data.rowCount })
    rates.push(bytes / 1e6 / seconds)
  }
  return rates
}

async function pymilvusJob({ scratch, set, data, truth, progress }: Scene) {
  const store = join(scratch, 'python')
  const run = async <T>(work: (target: Parameters<typeof pymilvusLoad>[0]) => Promise<T>) => {
    await using server = await startBenchServer(MODE, set, store)
    return await work(server.target)
  }
  const [insertSeconds, before] = await run(async (target) => {
    progress.step('pymilvus: inserting in batches of 1,000, waiting for the index')
    const loaded = await pymilvusLoad(target, data.rowCount)
    progress.step('pymilvus: searching all test images, without and with the filter')
    return [loaded.insertSeconds, recalls(await pymilvusSearch(target, scratch), truth)] as const
  })
  progress.step('pymilvus: restarting, searching again')
  const after = await run(async (target) => recalls(await pymilvusSearch(target, scratch), truth))
  return { insertMbps: vectorMb(data) / insertSeconds, before, after }
}

const vectorMb = ({ rowCount, dim }: Dataset): number => (rowCount * dim * 4) / 1e6

async function sdkJob(scene: Scene) {
  const { scratch, set, data, truth, load, progress, options } = scene
  const store = join(scratch, 'node')
  const first = await sdkLoad(scene, store)
  const index = await indexDirectory(store)
  // a copy before the index is open again: an open one is written to
  const copy = join(scratch, 'index')
  cpSync(index, copy, { recursive: true, preserveTimestamps: true })
  progress.step(`restarting ${STARTS} times`)
  const firstAnswerMs: number[] = []
  for (let start = 1; start < STARTS; start++) {
    const restarted = await startToFirstAnswer(MODE, set, store, searchFrame(data, start))
    firstAnswerMs.push(restarted.firstAnswerMs)
    await restarted.server[Symbol.asyncDispose]()
  }
  const last = await startToFirstAnswer(MODE, set, store, searchFrame(data, 0))
  await using server = last.server
  firstAnswerMs.push(last.firstAnswerMs)
  progress.step('idle')
  await delay(options.idleSeconds * 1000)
  const idle = memoryOf(server.pid)
  progress.step('searching all test images again')
  const after = recalls(await bothSearches(server.target, data), truth)
  progress.step('queries a second, server and engine in turns')
  await using engine = await openInProcess(copy, join(scratch, 'index-open'), data)
  const qps = await qpsRounds(server, engine, load, options)
  await delay(options.idleSeconds * 1000)
  return {
    ...{ ...first, firstAnswerMs, after, qps, idleRssMb: idle.rssMb, idleAnonymousMb: idle.anonymousMb },
    workedRssMb: memoryOf(server.pid).rssMb,
  }
}

async function sdkLoad({ set, data, truth, load, progress }: Scene, store: string) {
  await using server = await startBenchServer(MODE, set, store, { args: sealArguments(data.rowCount) })
  const { target } = server
  progress.step('Node SDK: inserting in batches of 1,000')
  await createCollection(target, data)
  const job = { kind: 'insert', client: 'sdk', target, collection: COLLECTION, batch: BATCH, inFlight: 1 } as const
  const { seconds } = await load.run({ ...job, from: 0, to: data.rowCount })
  progress.step('waiting for the index')
  const indexMs = await untilIndexed(target, data.rowCount)
  progress.step('searching all test images, without and with the filter')
  const before = recalls(await bothSearches(target, data), truth)
  return { sdkInsertMbps: vectorMb(data) / seconds, indexMs, before }
}

async function bothSearches(target: Parameters<typeof searchAll>[0], data: Dataset) {
  return {
    unfiltered: await searchAll(target, COLLECTION, data, 'none'),
    filtered: await searchAll(target, COLLECTION, data, 'own'),
  }
}
