/** The load process' part of `bench peers`: the same lanes and the same data for each peer. */
import type { Dataset } from '../datasets.ts'
import type { Job, Load } from './jobs.ts'
import { connectPeer } from './peer-api.ts'
import { timed } from './timed.ts'

type JobOf<K extends Job['kind']> = Extract<Job, { kind: K }>
const QUERIES_MAX = 500

/** `bytes` counts the floats of the vectors, whatever a peer's messages look like around them. */
export async function peerInsert(data: Dataset, job: JobOf<'peerInsert'>): Promise<Load> {
  using client = await connectPeer(job.target)
  const count = Math.ceil((job.to - job.from) / job.batch)
  const calls = Array.from({ length: count }, (_, i) => {
    const from = job.from + i * job.batch
    const to = Math.min(job.to, from + job.batch)
    return { rows: to - from, body: client.insertBody(data, from, to) }
  })
  return await timed(job.inFlight, job.seconds, count, async (i) => {
    const call = calls[i]
    if (!call) throw new Error('no rows')
    await client.insert(call.body, call.rows)
    return call.rows * data.dim * 4
  })
}

export async function peerSearch(data: Dataset, job: JobOf<'peerSearch'>): Promise<Load> {
  using client = await connectPeer(job.target)
  const { selection, consistency } = job
  const bodies = Array.from({ length: Math.min(QUERIES_MAX, data.queryCount) }, (_, query) =>
    client.searchBody(data, { query, selection, consistency }),
  )
  const [first] = bodies
  // a refusal throws here, and is not measured as a fast answer; no hits are what a graph under a filter may give
  if (first) client.found(await client.search(first))
  return await timed(job.inFlight, job.seconds, Number.POSITIVE_INFINITY, async (i) => {
    const body = bodies[i % bodies.length]
    if (!body) throw new Error('no queries')
    return (await client.search(body)).byteLength
  })
}
