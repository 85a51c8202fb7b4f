/** The exact scan of binary vectors: words of 32 bits, counted by arithmetic (JavaScript has no popcount). */
import type { MetricType } from '../model/schema.ts'
import type { VectorHits } from './contract.ts'
import { packHits } from './exact.ts'
import { accepted, type ScanJob, type Slice } from './scan.ts'
import { inRange, TopK } from './top-k.ts'

const bitMetrics = ['HAMMING', 'JACCARD', 'SUBSTRUCTURE', 'SUPERSTRUCTURE'] as const
/** Metrics of binary vectors, whose words are bits and no numbers. */
export type BitMetric = (typeof bitMetrics)[number]

export function isBitMetric(metric: MetricType): metric is BitMetric {
  return bitMetrics.some((own) => own === metric)
}

/** Every live, passing row against every query; the words of rows and queries are read as bits. */
export function scanBits(slices: readonly Slice[], job: ScanJob & { readonly metric: BitMetric }): VectorHits {
  const { metric, nq, k, range, queries } = job
  const width = queries.length / nq
  const bits = bitsOf(queries)
  const best = Array.from({ length: nq }, () => new TopK(metric, k))
  const score = scores[metric]
  for (const { block, count } of slices) {
    const rows = bitsOf(block.vectors)
    for (let row = 0; row < count; row++) {
      if (!accepted(block, row, job.pass)) continue
      const rid = block.rids[row] ?? 0
      for (let q = 0; q < nq; q++) {
        const value = score(bits, q * width, rows, row * width, width)
        // NaN: a row that does not match is no hit
        if (!Number.isNaN(value) && inRange(metric, range, value)) best[q]?.offer(rid, value)
      }
    }
  }
  return packHits(best.map((heap) => heap.ranked()))
}

const bitsOf = (words: Float32Array) => new Uint32Array(words.buffer, words.byteOffset, words.length)

/** The score of query words from `q` on against row words from `r` on; NaN = no match. */
type BitScore = (query: Uint32Array, q: number, rows: Uint32Array, r: number, width: number) => number

const scores: Readonly<Record<BitMetric, BitScore>> = {
  HAMMING(query, q, rows, r, width) {
    let differing = 0
    for (let i = 0; i < width; i++) differing += ones((query[q + i] ?? 0) ^ (rows[r + i] ?? 0))
    return differing
  },
  JACCARD(query, q, rows, r, width) {
    let common = 0
    let all = 0
    for (let i = 0; i < width; i++) {
      const a = query[q + i] ?? 0
      const b = rows[r + i] ?? 0
      common += ones(a & b)
      all += ones(a | b)
    }
    return all === 0 ? 1 : (all - common) / all
  },
  /** The row is a part of the query. */
  SUBSTRUCTURE(query, q, rows, r, width) {
    for (let i = 0; i < width; i++) if (((rows[r + i] ?? 0) & ~(query[q + i] ?? 0)) !== 0) return Number.NaN
    return 0
  },
  /** The query is a part of the row. */
  SUPERSTRUCTURE(query, q, rows, r, width) {
    for (let i = 0; i < width; i++) if (((query[q + i] ?? 0) & ~(rows[r + i] ?? 0)) !== 0) return Number.NaN
    return 0
  },
}

/** Set bits of a word: sums of pairs, of fours, of bytes, then all bytes by one multiplication. */
function ones(word: number): number {
  let rest = word - ((word >>> 1) & 0x55555555)
  rest = (rest & 0x33333333) + ((rest >>> 2) & 0x33333333)
  return Math.imul((rest + (rest >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
