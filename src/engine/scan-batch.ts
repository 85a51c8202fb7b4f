/** Scans that wait for the same thing become one: reading the rows is most of a scan's cost, and is then paid once. */
import type { VectorHits } from './contract.ts'
import type { ScanJob, Slice } from './scan.ts'

/** One scan: which rows, and what is asked of them. */
export interface ScanTask {
  readonly slices: readonly Slice[]
  readonly job: ScanJob
}

/** True when both read the same rows in the same way, so that only their queries differ. */
export function canShare(a: ScanTask, b: ScanTask): boolean {
  return (
    a.job.pass === null &&
    b.job.pass === null &&
    a.job.metric === b.job.metric &&
    a.job.k === b.job.k &&
    a.job.range.radius === b.job.range.radius &&
    a.job.range.rangeFilter === b.job.range.rangeFilter &&
    a.slices.length === b.slices.length &&
    a.slices.every(({ block, count }, i) => block === b.slices[i]?.block && count === b.slices[i]?.count)
  )
}

/** One job with the queries of all; they share everything else. */
export function joinJobs(first: ScanJob, rest: readonly ScanJob[]): ScanJob {
  if (rest.length === 0) return first
  const jobs = [first, ...rest]
  const queries = new Float32Array(jobs.reduce((sum, job) => sum + job.queries.length, 0))
  let at = 0
  for (const job of jobs) {
    queries.set(job.queries, at)
    at += job.queries.length
  }
  return { ...first, queries, nq: jobs.reduce((sum, job) => sum + job.nq, 0) }
}

/** The hits of each job, `nq` queries long, in the order they were joined. */
export function splitHits(hits: VectorHits, nqs: readonly number[]): VectorHits[] {
  let query = 0
  let hit = 0
  return nqs.map((nq) => {
    const counts = hits.counts.subarray(query, query + nq)
    const total = counts.reduce((sum, count) => sum + count, 0)
    const part = { counts, rids: hits.rids.subarray(hit, hit + total), scores: hits.scores.subarray(hit, hit + total) }
    query += nq
    hit += total
    return part
  })
}
