/** Vectors of the other types, by way of their words, against plain arithmetic over the values they stand for. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { MetricType } from '../model/schema.ts'
import type { PackedKind } from '../model/vectors.ts'
import { exactScore } from './exact.ts'
import { scan } from './scan.ts'
import { random } from './test-kit.ts'
import { rowWords, wordsOf } from './words.ts'

const next = random(7)
const ROWS = 300
const NQ = 3
const K = 20

function bytesOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, () => Math.floor(next() * 256))
}

/** What a row of bytes stands for, number by number. */
const numbersOf: Readonly<Record<PackedKind, (bytes: Uint8Array) => number[]>> = {
  float16Vector: (bytes) => Array.from(new Float16Array(bytes.slice().buffer)),
  bfloat16Vector: (bytes) =>
    Array.from({ length: bytes.length / 2 }, (_, i) =>
      new DataView(Uint8Array.of(0, 0, bytes[i * 2] ?? 0, bytes[i * 2 + 1] ?? 0).buffer).getFloat32(0, true),
    ),
  int8Vector: (bytes) => Array.from(new Int8Array(bytes.slice().buffer)),
  binaryVector: (bytes) =>
    Array.from(bytes).flatMap((byte) => Array.from({ length: 8 }, (_, bit) => (byte >> bit) & 1)),
}

function naive(metric: MetricType, query: number[], row: number[]): number | null {
  const both = query.filter((value, i) => value === 1 && row[i] === 1).length
  const any = query.filter((value, i) => value === 1 || row[i] === 1).length
  switch (metric) {
    case 'HAMMING':
      return query.filter((value, i) => value !== row[i]).length
    case 'JACCARD':
      return any === 0 ? 1 : 1 - both / any
    case 'SUBSTRUCTURE':
      return row.every((value, i) => value === 0 || query[i] === 1) ? 0 : null
    case 'SUPERSTRUCTURE':
      return query.every((value, i) => value === 0 || row[i] === 1) ? 0 : null
    default:
      return exactScore(metric, Float32Array.from(query), Float32Array.from(row), 0)
  }
}

/** Both ways over the same rows; the hits must have the same scores, rank for rank. */
function same(kind: PackedKind, dim: number, metric: MetricType, rowsOf: (bytes: number) => Uint8Array): void {
  const bytes = kind === 'binaryVector' ? dim / 8 : kind === 'int8Vector' ? dim : dim * 2
  const stored = Array.from({ length: ROWS }, () => rowsOf(bytes))
  const asked = Array.from({ length: NQ }, (_, q) => stored[q * 7] ?? rowsOf(bytes))
  // one byte in front: a received message need not be aligned
  const packed = (list: readonly Uint8Array[]) => Uint8Array.from([0, ...list.flatMap((row) => [...row])]).subarray(1)
  const vectors = wordsOf({ kind, dim, values: packed(stored) })
  const queries = wordsOf({ kind, dim, values: packed(asked) })
  assert.equal(vectors.length, ROWS * rowWords(kind, dim))
  const rids = Float64Array.from({ length: ROWS }, (_, i) => i + 1)
  const block = { id: 1, rids, vectors, dead: new Uint8Array(ROWS) }
  const range = { radius: null, rangeFilter: null }
  const hits = scan([{ block, count: ROWS }], { metric, queries, nq: NQ, k: K, range, pass: null })
  let at = 0
  asked.forEach((query, q) => {
    const all = stored
      .map((row) => naive(metric, numbersOf[kind](query), numbersOf[kind](row)))
      .filter((score) => score !== null)
      .sort((a, b) => (metric === 'IP' || metric === 'COSINE' ? b - a : a - b))
    const want = all.slice(0, K)
    const got = [...hits.scores.subarray(at, at + (hits.counts[q] ?? 0))]
    at += got.length
    assert.equal(got.length, want.length)
    got.forEach((score, i) => {
      const wanted = want[i] ?? Number.NaN
      assert.ok(Math.abs(score - wanted) <= 1e-4 * Math.max(1, Math.abs(wanted)), `${metric}: ${score}, not ${wanted}`)
    })
  })
}

/** Finite halves: the exponent's lowest bits are cleared so that none is infinite. */
const halves = (bytes: number) => bytesOf(bytes).map((byte, i) => (i % 2 === 1 ? byte & 0xbf : byte))

describe('the exact scan of', () => {
  for (const metric of ['L2', 'IP', 'COSINE'] as const) {
    it(`Float16Vector by ${metric}`, () => same('float16Vector', 24, metric, halves))
    it(`BFloat16Vector by ${metric}`, () => same('bfloat16Vector', 24, metric, halves))
    it(`Int8Vector by ${metric}`, () => same('int8Vector', 19, metric, bytesOf))
  }
  for (const metric of ['HAMMING', 'JACCARD'] as const) {
    for (const dim of [8, 40, 512]) {
      it(`BinaryVector of ${dim} bits by ${metric}`, () => same('binaryVector', dim, metric, bytesOf))
    }
  }
  // few bits set, so that some rows are parts of others
  const thin = (bytes: number) => bytesOf(bytes).map((byte) => byte & (byte >> 1) & (byte >> 2) & 0x55)
  for (const metric of ['SUBSTRUCTURE', 'SUPERSTRUCTURE'] as const) {
    it(`BinaryVector by ${metric}`, () => same('binaryVector', 16, metric, thin))
  }
  it('BinaryVector of zeros by JACCARD', () => same('binaryVector', 64, 'JACCARD', (bytes) => new Uint8Array(bytes)))
})
