/** The exact scan: every live, passing row of some blocks against every query of a search. Runs on any thread. */
import type { MetricType } from '../model/schema.ts'
import { hasRid, type RidBits } from './bitmap.ts'
import type { VectorHits } from './contract.ts'
import { packHits } from './exact.ts'
import { createKernel, type Kernel } from './kernel/kernel.ts'
import { isBitMetric, scanBits } from './scan-bits.ts'
import { inRange, type ScoreRange, TopK } from './top-k.ts'

/** Rows in memory. All arrays lie over SharedArrayBuffers, so that threads share and do not copy them. */
export interface Block {
  readonly id: number
  /** One a slot, ascending. */
  readonly rids: Float64Array
  /** slots x dim, row-major. */
  readonly vectors: Float32Array
  /** 1 = deleted; written by the main thread while others read. */
  readonly dead: Uint8Array
}

/** What is asked of the rows: the k best of each query within the range. */
export interface ScanJob {
  readonly metric: MetricType
  /** nq x dim, row-major. */
  readonly queries: Float32Array
  readonly nq: number
  readonly k: number
  readonly range: ScoreRange
  /** Only rows of this bitmap; null = all. */
  readonly pass: RidBits | null
}

/** A block as far as it was filled when the search began. */
export interface Slice {
  readonly block: Block
  /** The first so many slots are filled. */
  readonly count: number
}

const kernels = new Map<number, Kernel>()

function kernelFor(dim: number): Kernel {
  let kernel = kernels.get(dim)
  if (!kernel) {
    // A handful of dimensions at most are in use at a time; the map must not grow with every dimension ever seen.
    if (kernels.size >= 16) kernels.clear()
    kernel = createKernel(dim)
    kernels.set(dim, kernel)
  }
  return kernel
}

/** Queries are taken in groups that fit the kernel; a group passes over the rows once. */
export function scan(slices: readonly Slice[], job: ScanJob): VectorHits {
  if (isBitMetric(job.metric)) return scanBits(slices, { ...job, metric: job.metric })
  const dim = job.queries.length / job.nq
  const kernel = kernelFor(dim)
  const best = Array.from({ length: job.nq }, () => new TopK(job.metric, job.k))
  for (let first = 0; first < job.nq; first += kernel.queriesMax) {
    const group = best.slice(first, first + kernel.queriesMax)
    group.forEach((_, slot) => {
      kernel.loadQuery(slot, job.queries, first + slot)
    })
    scanGroup(kernel, slices, job, group, norms(job, dim, first, group.length))
  }
  return packHits(best.map((heap) => heap.ranked()))
}

/** Length of each query: only cosine divides by it. */
function norms(job: ScanJob, dim: number, first: number, count: number): Float64Array {
  return Float64Array.from({ length: job.metric === 'COSINE' ? count : 0 }, (_, slot) => {
    const at = (first + slot) * dim
    let sum = 0
    for (let i = at; i < at + dim; i++) sum += (job.queries[i] ?? 0) ** 2
    return Math.sqrt(sum)
  })
}

function scanGroup(
  kernel: Kernel,
  slices: readonly Slice[],
  job: ScanJob,
  group: readonly TopK[],
  queryNorms: Float64Array,
): void {
  const tile = new Float64Array(kernel.tileRows)
  const rowNorms = new Float64Array(job.metric === 'COSINE' ? kernel.tileRows : 0)
  let filled = 0
  const flush = () => {
    if (filled > 0) scoreTile(kernel, job, group, tile, filled, queryNorms, rowNorms)
    filled = 0
  }
  for (const { block, count } of slices) {
    let row = 0
    while (row < count) {
      if (!accepted(block, row, job.pass)) {
        row++
        continue
      }
      // A run of accepted rows is one copy.
      const from = row
      const room = kernel.tileRows - filled
      while (row < count && row - from < room && accepted(block, row, job.pass)) {
        tile[filled + row - from] = block.rids[row] ?? 0
        row++
      }
      kernel.loadRows(block.vectors, from, row - from, filled)
      filled += row - from
      if (filled === kernel.tileRows) flush()
    }
  }
  flush()
}

/** Whether a slot's row is alive and passes. */
export function accepted(block: Block, row: number, pass: RidBits | null): boolean {
  return block.dead[row] === 0 && (pass === null || hasRid(pass, block.rids[row] ?? 0))
}

function scoreTile(
  kernel: Kernel,
  job: ScanJob,
  group: readonly TopK[],
  rids: Float64Array,
  rows: number,
  queryNorms: Float64Array,
  rowNorms: Float64Array,
): void {
  const { metric, range } = job
  const ranged = range.radius !== null || range.rangeFilter !== null
  if (metric === 'COSINE') {
    const squares = kernel.squares(rows)
    for (let row = 0; row < rows; row++) rowNorms[row] = Math.sqrt(squares[row] ?? 0)
  }
  group.forEach((heap, slot) => {
    const scores = metric === 'L2' ? kernel.l2(slot, rows) : kernel.dot(slot, rows)
    const queryNorm = queryNorms[slot] ?? 0
    for (let row = 0; row < rows; row++) {
      let score = scores[row] ?? 0
      if (metric === 'COSINE') score = cosine(score, queryNorm * (rowNorms[row] ?? 0))
      if (!ranged || inRange(metric, range, score)) heap.offer(rids[row] ?? 0, score)
    }
  })
}

/** Clamped: rounding must not report a similarity of 1.0000001. */
function cosine(dot: number, norms: number): number {
  return norms === 0 ? 0 : Math.max(-1, Math.min(1, dot / norms))
}
