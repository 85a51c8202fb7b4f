/** `bench peers`: the same data, client and recall against Milvus, milvus-lite and Chroma, in turns on one machine. */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { temporary } from '../test/support/server.ts'
import { createSet } from '../test/support/sets.ts'
import type { Dataset } from './datasets.ts'
import { type DataName, loadData } from './lib/data.ts'
import { openInProcess, PEER_CARRIED } from './lib/in-process.ts'
import { type LoadClient, startLoadProcess } from './lib/load-client.ts'
import { connectPeer, type PeerTarget, type Selection, selections } from './lib/peer-api.ts'
import { type Figures, figureRows, keep, targetRows } from './lib/peer-figures.ts'
import { exactTruth, recallOver, type Truth } from './lib/peer-truth.ts'
import { type Peer, peerStarts } from './lib/peers.ts'
import { cpuSeconds, memoryOf } from './lib/process-usage.ts'
import { createProgress, type Progress } from './lib/progress.ts'
import { type Report, table } from './lib/report.ts'
import { indexDirectory } from './lib/servers.ts'

export interface PeersBench {
  readonly data: DataName
  readonly rows: number | null
  readonly rounds: number
  readonly seconds: number
  readonly idleSeconds: number
}

const ROWS = 20_000
const INSERT_ROWS = 10_000
const QUERIES = 100
const BATCH = 1_000
const SINGLE_ROWS = 20_000
const WIDTHS = [32, 64, 128, 256, 512]
const RECALL = 0.99
const COLLECTION = 'bench'

interface Place {
  readonly peer: Peer
  readonly figures: Figures
  target: PeerTarget
}

export async function benchPeers(options: PeersBench): Promise<Report & { readonly missed: number }> {
  using scratch = temporary()
  const data = await loadData(options.data, options.rows ?? ROWS)
  const set = await createSet(join(scratch.path, 'certs'))
  const starts = peerStarts({ scratch: scratch.path, set, rows: data.rowCount })
  const present = starts.filter(({ skip }) => skip === false)
  using progress = createProgress(2 + present.length * (3 + 4 * options.rounds))
  using load = startLoadProcess()
  await load.run({ kind: 'data', data: options.data, rows: data.rowCount })
  progress.step('exact neighbours')
  const truth = exactTruth(data, QUERIES)
  await using stack = new AsyncDisposableStack()
  const places: Place[] = []
  for (const { name, start } of present) {
    progress.step(`${name}: ${data.rowCount} rows`)
    const peer = stack.use(await start())
    const figures: Figures = {
      ...{ name: peer.name, configuration: peer.configuration, ef: null, recall: new Map(), rounds: new Map() },
    }
    keep(figures, 'RSS fresh MB', memoryOf(peer.pid()).rssMb)
    places.push({ peer, figures, target: await filled(peer, data, load) })
  }
  for (const place of places) await reachRecall(place, data, truth, progress)
  for (let round = 1; round <= options.rounds; round++) {
    for (const place of places) {
      progress.step(`round ${round} of ${options.rounds}: ${place.peer.name}, inserts`)
      await insertRound(place, data, load, round, options)
    }
    for (const place of places) {
      progress.step(`round ${round} of ${options.rounds}: ${place.peer.name}, searches`)
      await searchRound(place, data, load, options)
    }
  }
  for (const place of places) await restarts(place, data, options, progress)
  await delay(options.idleSeconds * 1000)
  for (const { peer, figures } of places) keep(figures, 'RSS idle MB', memoryOf(peer.pid()).rssMb)
  progress.step('the engine in this process')
  const engineCpuMs = await engineCpu(
    places[0]?.peer,
    join(scratch.path, 'redkite'),
    scratch.path,
    data,
    options.seconds,
  )
  return report(options, data, places, starts, engineCpuMs)
}

async function filled(peer: Peer, data: Dataset, load: LoadClient): Promise<PeerTarget> {
  const target = await peer.create(data, COLLECTION)
  const job = { kind: 'peerInsert', target, inFlight: 1, batch: BATCH, seconds: Number.POSITIVE_INFINITY } as const
  await load.run({ ...job, from: 0, to: data.rowCount })
  await peer.settle(COLLECTION, data.rowCount)
  return target
}

/** Raises the peer's ef until recall@10 is reached; then every selection's recall at that width. */
async function reachRecall(place: Place, data: Dataset, truth: Truth, progress: Progress): Promise<void> {
  const { peer, figures } = place
  progress.step(`${peer.name}: recall`)
  const recallAt = async (selection: Selection) => {
    using client = await connectPeer(place.target)
    return await recallOver(client, data, truth, selection)
  }
  let recall = figures.name === 'redkite' ? await recallAt('all') : 0
  for (const ef of WIDTHS) {
    if (recall >= RECALL) break
    place.target = await peer.widen(place.target, ef)
    figures.ef = ef
    recall = await recallAt('all')
  }
  figures.recall.set('all', recall)
  for (const selection of selectionsOf(data)) figures.recall.set(selection, await recallAt(selection))
}

/** Labels that have nothing to do with the vectors make no correlated filter. */
const selectionsOf = (data: Dataset): readonly Selection[] =>
  selections.filter((selection) => selection !== 'all' && (selection !== 'correlated' || data.labels !== null))

async function insertRound(
  { peer, figures }: Place,
  data: Dataset,
  load: LoadClient,
  round: number,
  options: PeersBench,
) {
  const to = Math.min(INSERT_ROWS, data.rowCount)
  const name = `insert_${round}`
  const target = await peer.create(data, name)
  const job = { kind: 'peerInsert', target, from: 0 } as const
  const forever = Number.POSITIVE_INFINITY
  const batches = await load.run({ ...job, to, batch: BATCH, inFlight: 1, seconds: forever })
  keep(figures, 'insert MB/s', batches.bytes / 1e6 / batches.seconds)
  await peer.drop(name)
  const single = await peer.create(data, `${name}_single`)
  const rows = Math.min(SINGLE_ROWS, data.rowCount)
  const one = await load.run({ ...job, target: single, to: rows, batch: 1, inFlight: 16, seconds: options.seconds })
  keep(figures, 'single rows/s', one.calls / one.seconds)
  await peer.drop(`${name}_single`)
}

async function searchRound({ peer, figures, target }: Place, data: Dataset, load: LoadClient, { seconds }: PeersBench) {
  const job = { kind: 'peerSearch', target, seconds, selection: 'all', consistency: 'Bounded' } as const
  await load.run({ ...job, inFlight: 16, seconds: Math.min(0.5, seconds) })
  const before = cpuSeconds(peer.pid())
  const many = await load.run({ ...job, inFlight: 16 })
  keep(figures, 'QPS, 16 in flight', many.calls / many.seconds)
  keep(figures, 'server CPU ms a search', ((cpuSeconds(peer.pid()) - before) * 1000) / many.calls)
  const one = await load.run({ ...job, inFlight: 1 })
  keep(figures, 'QPS, 1 in flight', one.calls / one.seconds)
  keep(figures, 'p50 ms, 1 in flight', one.p50)
  if (target.api === 'milvus') {
    keep(figures, 'p50 ms, Strong', (await load.run({ ...job, inFlight: 1, consistency: 'Strong' })).p50)
  }
  for (const selection of selectionsOf(data)) {
    const filtered = await load.run({ ...job, inFlight: 1, selection, seconds: seconds / 2 })
    keep(figures, `p50 ms, filter ${selection}`, filtered.p50)
  }
}

/** A real Milvus takes more than half a minute: it is restarted once. */
async function restarts(place: Place, data: Dataset, options: PeersBench, progress: Progress): Promise<void> {
  const { peer, figures } = place
  keep(figures, 'RSS loaded MB', memoryOf(peer.pid()).rssMb)
  const count = peer.name.startsWith('milvus 2') ? 1 : options.rounds
  for (let round = 1; round <= count; round++) {
    progress.step(`${peer.name}: restart ${round} of ${count}`)
    const started = performance.now()
    await peer.restart()
    await peer.reload(COLLECTION)
    await untilAnswered(place.target, data)
    keep(figures, 'restart s', (performance.now() - started) / 1000)
  }
}

async function untilAnswered(target: PeerTarget, data: Dataset): Promise<void> {
  const end = performance.now() + 120_000
  for (;;) {
    try {
      using client = await connectPeer(target)
      const body = client.searchBody(data, { query: 0, selection: 'all', consistency: 'Bounded' })
      if (client.found(await client.search(body)).length > 0) return
    } catch (thrown) {
      if (performance.now() > end) throw thrown
    }
    await delay(10)
  }
}

/** Milliseconds of CPU a search of the same segments, called as a function with 16 in flight. */
async function engineCpu(peer: Peer | undefined, store: string, scratch: string, data: Dataset, seconds: number) {
  await peer?.[Symbol.asyncDispose]()
  await using engine = await openInProcess(await indexDirectory(store), join(scratch, 'index'), data, PEER_CARRIED)
  await engine.throughput(16, Math.min(1, seconds))
  const before = cpuSeconds(process.pid)
  const { qps } = await engine.throughput(16, seconds)
  return ((cpuSeconds(process.pid) - before) * 1000) / (qps * seconds)
}

function report(
  options: PeersBench,
  data: Dataset,
  places: readonly Place[],
  starts: ReturnType<typeof peerStarts>,
  engineCpuMs: number,
): Report & { readonly missed: number } {
  const all = places.map(({ figures }) => figures)
  const { rows, missed } = targetRows(all, engineCpuMs)
  return {
    title: `peers: ${data.name}, ${data.rowCount} x ${data.dim}, ${data.metric}, top 10; Redkite over one-way TLS, the others in plaintext`,
    rows: figureRows(all),
    notes: [
      `medians of ${options.rounds} interleaved rounds of ${options.seconds} s, ± = (max - min) / median; MB = 10^6 bytes of floats; client and servers share the cores`,
      `engine in-process: ${engineCpuMs.toFixed(3)} ms of CPU a search; filters: shares of the rows, correlated = another label than the query's own`,
      ...all.map(({ name, configuration, ef }) => `${name}: ${configuration}${ef === null ? '' : `, ef ${ef}`}`),
      ...starts.flatMap(({ name, skip }) => (skip === false ? [] : [`${name}: left out, ${skip}`])),
      table(rows),
      'not in this run: TLS against plaintext (`bench tls`), 1,000,000 rows, searches beside sealing',
    ],
    raw: {
      options,
      engineCpuMs,
      peers: all.map((one) => ({
        ...one,
        recall: Object.fromEntries(one.recall),
        rounds: Object.fromEntries(one.rounds),
      })),
    },
    missed,
  }
}
