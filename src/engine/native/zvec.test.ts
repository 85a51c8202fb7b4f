import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type * as Zvec from '@zvec/zvec'
import { denseMetrics } from '../../model/schema.ts'
import { exactScore } from '../exact.ts'
import { differingFile, sumFiles } from '../segment-files.ts'
import { random, vectorsOf } from '../test-kit.ts'
import { verifySegment } from '../verify.ts'
import { loadZvec } from './zvec.ts'

const ROWS = 1_000
const DIM = 16
const library = loadZvec()
const skip = library === null ? 'no zvec build for this platform' : false

let root: string
before(() => {
  root = mkdtempSync(join(tmpdir(), 'redkite-zvec-'))
})
after(() => rmSync(root, { recursive: true, force: true }))

const rids = Float64Array.from({ length: ROWS }, (_, i) => i + 1)
const spec = { dim: DIM, metric: 'L2', m: 16, efConstruction: 100, carried: [] } as const

function sampleOf(vectors: Float32Array, of: readonly number[]) {
  return { rids: of, vectors: of.map((rid) => vectors.slice((rid - 1) * DIM, rid * DIM)) }
}
const every5th = Array.from({ length: 190 }, (_, i) => i * 5 + 10)

test("scores are Milvus' for every metric, and an honest segment passes its check", { skip }, async () => {
  if (!library) return
  const vectors = vectorsOf(ROWS, DIM, random(1))
  for (const metric of denseMetrics) {
    const directory = join(root, metric)
    const builder = library.create(directory, { ...spec, metric })
    builder.insert(rids, vectors, [])
    await builder.finish()
    const segment = library.open(directory, { dim: DIM, metric })
    assert.equal(await verifySegment(segment, metric, ROWS, sampleOf(vectors, every5th)), null)
    const query = vectorsOf(1, DIM, random(2))
    const hits = await segment.search({ query, k: 20, ef: 'linear', filter: null })
    hits.rids.forEach((rid, i) => {
      const score = exactScore(metric, query, vectors, rid - 1)
      assert.ok(Math.abs((hits.scores[i] ?? 0) - score) < 1e-4, `${metric}: ${hits.scores[i]} is not ${score}`)
    })
    // Its files must be the same after a close in another second: the only thing a close may change is a time stamp.
    const recorded = sumFiles(directory, (path) => library.volatileBytes(path))
    const second = Math.floor(Date.now() / 1000)
    while (Math.floor(Date.now() / 1000) === second) await new Promise((resolve) => setTimeout(resolve, 20))
    segment.close()
    assert.equal(differingFile(directory, recorded), null)
  }
})

test('a check with the wrong truth fails: count, a vector, a missing row', { skip }, async () => {
  if (!library) return
  const vectors = vectorsOf(ROWS, DIM, random(3))
  const directory = join(root, 'honest')
  const builder = library.create(directory, spec)
  builder.insert(rids, vectors, [])
  await builder.finish()
  const segment = library.open(directory, spec)
  const truth = sampleOf(vectors, every5th)
  const [first, ...rest] = truth.vectors
  assert.ok(first)
  const flipped = first.map((value, i) => (i === 3 ? Math.fround(value * (1 + 2 ** -22)) : value))
  assert.match(String(await verifySegment(segment, 'L2', ROWS + 1, truth)), /holds 1000 rows, not 1001/)
  assert.match(
    String(await verifySegment(segment, 'L2', ROWS, { ...truth, vectors: [flipped, ...rest] })),
    /row 10 holds another vector/,
  )
  assert.match(
    String(await verifySegment(segment, 'L2', ROWS, { rids: [ROWS + 5], vectors: [first] })),
    /row 1005 is missing/,
  )
  segment.close()
})

/**
 * alibaba/zvec #724, on the version pinned here. The day this fails, zvec has mended it: then the rule in
 * `zvec.ts` (never optimise after a delete) may be looked at again.
 */
test('the zvec fault: optimised after one delete, a collection holds other vectors, and the check sees it', {
  skip,
}, async () => {
  if (!library) return
  const zvec: typeof Zvec = createRequire(import.meta.url)('@zvec/zvec')
  const vectors = vectorsOf(ROWS, DIM, random(4))
  const directory = join(root, 'faulty')
  const collection = zvec.ZVecCreateAndOpen(
    directory,
    new zvec.ZVecCollectionSchema({
      name: 'segment',
      vectors: {
        ...{ name: 'v', dataType: zvec.ZVecDataType.VECTOR_FP32, dimension: DIM },
        indexParams: { indexType: zvec.ZVecIndexType.HNSW, metricType: zvec.ZVecMetricType.L2, m: 16 },
      },
      fields: {
        ...{ name: 'rid', dataType: zvec.ZVecDataType.INT64 },
        indexParams: { indexType: zvec.ZVecIndexType.INVERT },
      },
    }),
  )
  const docs = Array.from(rids, (rid) => ({
    ...{ id: String(rid), fields: { rid } },
    vectors: { v: vectors.subarray((rid - 1) * DIM, rid * DIM) },
  }))
  collection.insertSync(docs)
  collection.deleteSync('5')
  collection.optimizeSync()
  collection.closeSync()

  const segment = library.open(directory, spec)
  assert.equal(segment.count, ROWS - 1, 'the count looks right')
  const stored = segment.fetch([...rids])
  const wrong = [...stored].filter(([rid, vector]) => vector.some((value, i) => value !== vectors[(rid - 1) * DIM + i]))
  assert.ok(wrong.length > 900, `${wrong.length} of ${stored.size} rows hold another vector`)
  const verdict = await verifySegment(segment, 'L2', ROWS - 1, sampleOf(vectors, every5th))
  assert.match(String(verdict), /holds another vector|is missing/)
  segment.close()
})
