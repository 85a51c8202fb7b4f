/** Scan threads shared by all indexes. Small scans run where they are asked for: a round trip would cost more. */
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { VectorHits } from './contract.ts'
import { type Block, type ScanJob, type Slice, scan } from './scan.ts'
import type { ScanReply, ScanRequest } from './scan-worker.ts'

/** Multiply-adds done on the calling thread: about half a millisecond. */
const INLINE_WORK = 2_000_000
const INLINE_ROWS = 2_000

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

/** Threads start when first needed, at most `threads`, and are replaced when one dies. */
export function createScanPool(threads: number): ScanPool {
  const pool = new Set<ScanThread>()
  let disposed = false

  function idlest(): ScanThread {
    let best: ScanThread | null = null
    for (const thread of pool) if (!best || thread.waiting.size < best.waiting.size) best = thread
    if (best && (best.waiting.size === 0 || pool.size >= threads)) return best
    const fresh = new ScanThread((dead) => pool.delete(dead))
    pool.add(fresh)
    return fresh
  }

  return {
    async scan(slices, job) {
      if (disposed) throw new Error('the vector engine is closed')
      const rows = slices.reduce((sum, slice) => sum + slice.count, 0)
      if (rows <= INLINE_ROWS && rows * job.queries.length <= INLINE_WORK) return scan(slices, job)
      return idlest().scan(slices, job)
    },
    drop(blocks) {
      for (const thread of pool) thread.drop(blocks)
    },
    async [Symbol.asyncDispose]() {
      disposed = true
      await Promise.all([...pool].map((thread) => thread.end()))
    },
  }
}
