/** Scan threads shared by all indexes. Small scans run where they are asked for: a round trip would cost more. */
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { VectorHits } from './contract.ts'
import { type Block, type ScanJob, type Slice, scan } from './scan.ts'
import { canShare, joinJobs, type ScanTask, splitHits } from './scan-batch.ts'
import type { ScanReply, ScanRequest } from './scan-worker.ts'

/** Multiply-adds done on the calling thread: about half a millisecond. */
const INLINE_WORK = 2_000_000
const INLINE_ROWS = 2_000
/** Queries of scans joined into one. */
const JOINED_QUERIES_MAX = 64

/** Disposing ends the threads; scans still waiting are rejected. */
export interface ScanPool extends AsyncDisposable {
  scan(slices: readonly Slice[], job: ScanJob): Promise<VectorHits>
  /** Forgets blocks; scans asked for earlier still see them. */
  drop(blocks: readonly Block[]): void
}

interface Waiting {
  readonly resolve: (hits: VectorHits) => void
  readonly reject: (error: Error) => void
}

class ScanThread {
  readonly waiting = new Map<number, Waiting>()
  readonly #worker: Worker
  readonly #known = new Set<number>()
  #tickets = 0

  constructor(onDeath: (thread: ScanThread) => void) {
    this.#worker = new Worker(new URL(`./scan-worker${extname(import.meta.url)}`, import.meta.url))
    this.#worker.unref()
    this.#worker.on('message', (reply: ScanReply) => {
      const waiting = this.waiting.get(reply.ticket)
      this.waiting.delete(reply.ticket)
      if (this.waiting.size === 0) this.#worker.unref()
      if (reply.kind === 'hits') waiting?.resolve(reply.hits)
      else waiting?.reject(new Error(`exact scan failed: ${reply.reason}`))
    })
    const died = (error: Error) => {
      onDeath(this)
      for (const { reject } of this.waiting.values()) reject(error)
      this.waiting.clear()
    }
    this.#worker.on('error', (error) => died(error instanceof Error ? error : new Error(String(error))))
    this.#worker.on('exit', () => died(new Error('scan thread ended')))
  }

  scan(slices: readonly Slice[], job: ScanJob): Promise<VectorHits> {
    for (const { block } of slices) {
      if (this.#known.has(block.id)) continue
      this.#known.add(block.id)
      this.#post({ kind: 'block', block })
    }
    const ticket = ++this.#tickets
    const pairs = Float64Array.from(slices.flatMap(({ block, count }) => [block.id, count]))
    return new Promise((resolve, reject) => {
      this.waiting.set(ticket, { resolve, reject })
      // Only work in flight keeps the process alive.
      this.#worker.ref()
      this.#post({ kind: 'scan', ticket, slices: pairs, job })
    })
  }

  drop(blocks: readonly Block[]): void {
    const known = blocks.map((block) => block.id).filter((id) => this.#known.delete(id))
    if (known.length > 0) this.#post({ kind: 'drop', blocks: known })
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }

  #post(request: ScanRequest): void {
    this.#worker.postMessage(request)
  }
}

interface Queued extends ScanTask, Waiting {}

/** One pass of a thread for all tasks of a batch; each gets its own part of the result. Never rejects. */
async function scanJoined(thread: ScanThread, batch: readonly Queued[]): Promise<void> {
  const [first, ...rest] = batch
  if (!first) return
  try {
    const job = joinJobs(
      first.job,
      rest.map((task) => task.job),
    )
    const hits = await thread.scan(first.slices, job)
    const nqs = batch.map((task) => task.job.nq)
    for (const [i, part] of splitHits(hits, nqs).entries()) batch[i]?.resolve(part)
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    for (const task of batch) task.reject(error)
  }
}

/**
 * Threads start when first needed, at most `threads`, and are replaced when one dies. Each has one scan at a time;
 * what waits meanwhile is joined where it can be.
 */
export function createScanPool(threads: number): ScanPool {
  const pool = new Set<ScanThread>()
  let queue: Queued[] = []
  let disposed = false

  function idle(): ScanThread | null {
    for (const thread of pool) if (thread.waiting.size === 0) return thread
    if (pool.size >= threads) return null
    const fresh = new ScanThread((dead) => pool.delete(dead))
    pool.add(fresh)
    return fresh
  }

  function pump(): void {
    for (let thread = queue.length > 0 ? idle() : null; thread; thread = queue.length > 0 ? idle() : null) {
      const batch = takeBatch()
      if (batch.length === 0) return
      scanJoined(thread, batch).then(pump, pump)
    }
  }

  /** The oldest task and those behind it that can share its pass over the rows. */
  function takeBatch(): Queued[] {
    const batch: Queued[] = []
    let queries = 0
    queue = queue.filter((task) => {
      const [first] = batch
      if (first && (!canShare(first, task) || queries + task.job.nq > JOINED_QUERIES_MAX)) return true
      batch.push(task)
      queries += task.job.nq
      return false
    })
    return batch
  }

  return {
    async scan(slices, job) {
      if (disposed) throw new Error('the vector engine is closed')
      const rows = slices.reduce((sum, slice) => sum + slice.count, 0)
      if (rows <= INLINE_ROWS && rows * job.queries.length <= INLINE_WORK) return scan(slices, job)
      return new Promise((resolve, reject) => {
        queue.push({ slices, job, resolve, reject })
        pump()
      })
    },
    drop(blocks) {
      for (const thread of pool) thread.drop(blocks)
    },
    async [Symbol.asyncDispose]() {
      disposed = true
      for (const task of queue) task.reject(new Error('the vector engine is closed'))
      queue = []
      await Promise.all([...pool].map((thread) => thread.end()))
    },
  }
}
