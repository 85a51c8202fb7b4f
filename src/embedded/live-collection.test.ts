import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Worker } from 'node:worker_threads'
import type { CollectionEntry } from '../catalog/entries.ts'
import { createVectorEngine } from '../engine/engine.ts'
import { silentLog } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import { LiveCollection } from './live-collection.ts'
import { labels, openPool, sampleFields, sampleRows, temporaryDirectory, vecField } from './store/test-support.ts'

const ENTRY: CollectionEntry = {
  ...{ id: 1n, db: 'default', dynamicFieldId: 0, shards: 1, consistency: 'Strong', properties: {} },
  ...{ createdAt: 1n, updatedAt: 1n, loaded: true, partitions: [], partitionsMade: 0, indexes: [] },
  schema: { name: 'c', description: '', autoId: false, enableDynamicField: false, fields: sampleFields },
}

it('finds by search what a dying writer thread stored without an acknowledgement', async () => {
  using directory = temporaryDirectory()
  const metrics = createMetrics()
  const threads: Worker[] = []
  await using pool = openPool({
    startThread: (url) => {
      const worker = new Worker(url)
      if (url.href.includes('writer')) threads.push(worker)
      return worker
    },
  })
  await using engine = createVectorEngine({ log: silentLog, metrics, threads: 1, native: 'off' })
  const store = await pool.open(directory.path, { fields: sampleFields })
  await using live = new LiveCollection(1n, directory.path, store, engine, metrics, 16_384)
  await live.openIndex(ENTRY, vecField, { indexType: 'FLAT', metric: 'L2', kind: 'flat', m: 16, efConstruction: 100 })
  const found = async () => {
    const index = live.index(vecField.name)?.index
    assert.ok(index)
    const query = { queries: new Float32Array(4), nq: 1, k: 16_384, ef: null, filter: null } as const
    return (await index.search({ ...query, radius: null, rangeFilter: null, exact: true })).rids.length
  }
  let unacknowledged = 0
  for (let round = 0; round < 20 && unacknowledged === 0; round++) {
    let [acknowledged, isOver] = [0, false]
    let key = round * 10_000
    const write = async () => {
      const rows = sampleRows([key++])
      await live.apply(key % 3 === 0 ? { kind: 'upsert', replaces: rows.pks, rows } : { kind: 'insert', rows })
      acknowledged += 1
    }
    const before = (await labels(store)).size
    const writers = Array.from({ length: 16 }, async () => {
      while (!isOver) {
        await write()
        if (acknowledged < 40 || isOver) continue
        isOver = true
        await threads.at(-1)?.terminate()
      }
    })
    await Promise.allSettled(writers)
    await live.apply({ kind: 'insert', rows: sampleRows([key++]) })
    const stored = (await labels(store)).size
    unacknowledged = stored - before - acknowledged - 1
    assert.ok(unacknowledged >= 0, 'nothing acknowledged is lost')
    assert.equal(await found(), stored)
  }
  assert.ok(unacknowledged > 0, 'a thread died between a commit and its acknowledgement')
})

it('has no build due where no native library is there, so that clients which wait for the index go on', async () => {
  for (const native of ['off', 'auto'] as const) {
    using directory = temporaryDirectory()
    const metrics = createMetrics()
    await using pool = openPool()
    await using engine = createVectorEngine({ log: silentLog, metrics, threads: 1, native })
    const store = await pool.open(directory.path, { fields: sampleFields })
    await using live = new LiveCollection(1n, directory.path, store, engine, metrics, 10)
    const plan = { indexType: 'HNSW', metric: 'L2', kind: 'graph', m: 16, efConstruction: 100 } as const
    await live.openIndex(ENTRY, vecField, plan)
    await live.apply({ kind: 'insert', rows: sampleRows(Array.from({ length: 50 }, (_, i) => i)) })
    assert.equal(live.isAboveSealBound(vecField.name), engine.nativeAvailable, native)
  }
})
