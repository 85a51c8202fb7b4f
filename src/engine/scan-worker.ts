/** A scan thread: keeps the blocks it was shown and answers scan jobs in order. Loaded as a worker only. */
import { parentPort } from 'node:worker_threads'
import type { VectorHits } from './contract.ts'
import { type Block, type ScanJob, scan } from './scan.ts'

/** Blocks are shown once, then named by id; `slices` holds pairs of block id and count. */
export type ScanRequest =
  | { readonly kind: 'block'; readonly block: Block }
  | { readonly kind: 'drop'; readonly blocks: readonly number[] }
  | { readonly kind: 'scan'; readonly ticket: number; readonly slices: Float64Array; readonly job: ScanJob }

/** The answer to the scan with this ticket. */
export type ScanReply =
  | { readonly kind: 'hits'; readonly ticket: number; readonly hits: VectorHits }
  | { readonly kind: 'failed'; readonly ticket: number; readonly reason: string }

const blocks = new Map<number, Block>()
const port = parentPort
if (!port) throw new Error('scan-worker runs as a worker thread only')

function answer(request: ScanRequest): ScanReply | null {
  switch (request.kind) {
    case 'block':
      blocks.set(request.block.id, request.block)
      return null
    case 'drop':
      for (const id of request.blocks) blocks.delete(id)
      return null
    case 'scan': {
      const slices = []
      for (let i = 0; i < request.slices.length; i += 2) {
        const block = blocks.get(request.slices[i] ?? 0)
        if (!block) return { kind: 'failed', ticket: request.ticket, reason: `no block ${request.slices[i]}` }
        slices.push({ block, count: request.slices[i + 1] ?? 0 })
      }
      return { kind: 'hits', ticket: request.ticket, hits: scan(slices, request.job) }
    }
  }
}

port.on('message', (request: ScanRequest) => {
  let reply: ScanReply | null
  try {
    reply = answer(request)
  } catch (error) {
    if (request.kind !== 'scan') throw error
    reply = { kind: 'failed', ticket: request.ticket, reason: String(error) }
  }
  if (reply?.kind === 'hits') {
    const { counts, rids, scores } = reply.hits
    const owned = [counts.buffer, rids.buffer, scores.buffer].filter((buffer) => buffer instanceof ArrayBuffer)
    port.postMessage(reply, owned)
  } else if (reply) port.postMessage(reply)
})
