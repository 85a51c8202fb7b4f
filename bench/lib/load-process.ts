/** The clients' side of a bench, in a process of its own so that its CPU is not the server's nor the engine's. */
import { once } from 'node:events'
import { type ConnectionOptions, connect } from 'node:tls'
import { nodeClient, type Show } from '../../test/support/clients.ts'
import type { Dataset } from '../datasets.ts'
import { filterText, loadData } from './data.ts'
import type { Answer, Job, Load } from './jobs.ts'
import { checkInserted, insertFrame, plainSearch, SERVICE, searchFrame, TOP_K } from './messages.ts'
import { peerInsert, peerSearch } from './peer-load.ts'
import { clientTls, connectRpc, type Rpc, type Target } from './rpc.ts'
import { timed } from './timed.ts'

type JobOf<K extends Job['kind']> = Extract<Job, { kind: K }>

const QUERIES_MAX = 2_000
const none: Load = { calls: 0, seconds: 0, p50: 0, p99: 0, bytes: 0, cpuSeconds: 0 }
let data: Dataset | null = null

process.on('message', (job: Job) => {
  void answer(job).then((reply) => process.send?.(reply))
})
process.on('disconnect', () => process.exit())

async function answer(job: Job): Promise<Answer> {
  try {
    return { kind: 'done', load: await run(job) }
  } catch (thrown) {
    return { kind: 'failed', reason: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) }
  }
}

async function run(job: Job): Promise<Load> {
  switch (job.kind) {
    case 'data':
      data = await loadData(job.data, job.rows)
      return none
    case 'search':
      return job.client === 'raw' ? await searchRaw(job) : await searchSdk(job)
    case 'insert':
      return job.client === 'raw' ? await insertRaw(job) : await insertSdk(job)
    case 'handshakes':
      return await handshakes(job)
    case 'peerInsert':
      return await peerInsert(loaded(), job)
    case 'peerSearch':
      return await peerSearch(loaded(), job)
  }
}

function loaded(): Dataset {
  if (!data) throw new Error('no data loaded yet')
  return data
}

async function searchRaw(job: JobOf<'search'>): Promise<Load> {
  const set = loaded()
  const shape = { ...plainSearch, collection: job.collection, filter: (q: number) => filterText(set, q, job.filter) }
  const frames = Array.from({ length: Math.min(QUERIES_MAX, set.queryCount) }, (_, q) => searchFrame(set, q, shape))
  using rpc = await connectRpc(job.target)
  return await timed(job.inFlight, job.seconds, Number.POSITIVE_INFINITY, async (i) => {
    const frame = frames[i % frames.length]
    if (!frame) throw new Error('no queries')
    return (await rpc.call(`${SERVICE}Search`, frame)).byteLength
  })
}

async function searchSdk(job: JobOf<'search'>): Promise<Load> {
  const set = loaded()
  const queries = Array.from({ length: Math.min(QUERIES_MAX, set.queryCount) }, (_, q) =>
    Array.from(set.queries.subarray(q * set.dim, (q + 1) * set.dim)),
  )
  const client = sdkClient(job.target)
  await client.connectPromise
  try {
    return await timed(job.inFlight, job.seconds, Number.POSITIVE_INFINITY, async (i) => {
      const reply = await client.search({
        collection_name: job.collection,
        data: [queries[i % queries.length] ?? []],
        limit: TOP_K,
        filter: filterText(set, i % queries.length, job.filter),
      })
      if (reply.status.error_code !== 'Success') throw new Error(reply.status.reason)
      return 0
    })
  } finally {
    await client.closeConnection()
  }
}

async function insertRaw(job: JobOf<'insert'>): Promise<Load> {
  const set = loaded()
  const batches = ranges(job)
  const frames = batches.map(([from, to]) => insertFrame(set, from, to, job.collection))
  using rpc: Rpc = await connectRpc(job.target)
  return await timed(job.inFlight, Number.POSITIVE_INFINITY, frames.length, async (i) => {
    const [frame, [from, to] = [0, 0]] = [frames[i], batches[i]]
    if (!frame) throw new Error('no frame')
    checkInserted(await rpc.call(`${SERVICE}Insert`, frame), to - from)
    return frame.byteLength
  })
}

/** `bytes` counts the vectors only: what the SDK sends around them is its own business. */
async function insertSdk(job: JobOf<'insert'>): Promise<Load> {
  const set = loaded()
  const batches = ranges(job)
  const client = sdkClient(job.target)
  await client.connectPromise
  try {
    return await timed(job.inFlight, Number.POSITIVE_INFINITY, batches.length, async (i) => {
      const [from, to] = batches[i] ?? [0, 0]
      const rows = Array.from({ length: to - from }, (_, k) => ({
        id: from + k,
        vector: Array.from(set.vectors.subarray((from + k) * set.dim, (from + k + 1) * set.dim)),
        label: set.labels?.[from + k] ?? (from + k) % 10,
      }))
      const reply = await client.insert({ collection_name: job.collection, data: rows })
      if (reply.status.error_code !== 'Success') throw new Error(reply.status.reason)
      return (to - from) * set.dim * 4
    })
  } finally {
    await client.closeConnection()
  }
}

function ranges({ from, to, batch }: JobOf<'insert'>): [number, number][] {
  const count = Math.ceil((to - from) / batch)
  return Array.from({ length: count }, (_, i) => [from + i * batch, Math.min(to, from + (i + 1) * batch)])
}

function sdkClient({ port, mode, set, login }: Target) {
  const show: Show = mode === 'plain' || !set ? { kind: 'plain' } : { kind: mode, set }
  const [user = '', password = ''] = login?.split(':') ?? []
  return nodeClient(port, show, login === null ? null : { user, password })
}

/** A handshake counts when the server's first bytes (its HTTP/2 settings) are here: it has accepted the client then. */
async function handshakes(job: JobOf<'handshakes'>): Promise<Load> {
  const options: ConnectionOptions = {
    ...{ host: 'localhost', port: job.target.port, servername: 'localhost', ALPNProtocols: ['h2'] },
    ...clientTls(job.target),
  }
  const first = job.resume ? await handshake(options) : null
  return await timed(job.parallel, job.seconds, Number.POSITIVE_INFINITY, async () => {
    const { reused } = await handshake(first?.ticket ? { ...options, session: first.ticket } : options)
    if (reused !== job.resume) throw new Error(`the session was ${reused ? '' : 'not '}resumed`)
    return 0
  })
}

async function handshake(options: ConnectionOptions): Promise<{ reused: boolean; ticket: Buffer | null }> {
  const socket = connect(options)
  let ticket: Buffer | null = null
  socket.on('session', (session) => {
    ticket = session
  })
  await once(socket, 'data')
  const reused = socket.isSessionReused()
  socket.destroy()
  return { reused, ticket }
}
