/** Clients that write without pause until the server is gone, and what they do to a collection of `known-rows.ts`. */
import assert from 'node:assert/strict'
import { DataType, type MilvusClient } from '@zilliz/milvus2-sdk-node'
import { DIM, type KnownRows, rowOf, type StoredRow, type Versions, type WriteChange } from './known-rows.ts'

const VERSION_MAX = 1_000_000
const BATCH_MAX = 40
const QUERY_ROWS_MAX = 16_384

export async function createRowsCollection(client: MilvusClient, name: string): Promise<void> {
  const made = await client.createCollection({
    collection_name: name,
    fields: [
      { name: 'id', data_type: DataType.Int64, is_primary_key: true },
      { name: 'version', data_type: DataType.Int64 },
      { name: 'name', data_type: DataType.VarChar, max_length: 100 },
      { name: 'note', data_type: DataType.JSON },
      { name: 'vector', data_type: DataType.FloatVector, dim: DIM },
    ],
    consistency_level: 'Strong',
  })
  assert.equal(made.error_code, 'Success', made.reason)
  const index = await client.createIndex({
    collection_name: name,
    field_name: 'vector',
    index_type: 'HNSW',
    metric_type: 'L2',
    params: { M: 16, efConstruction: 100 },
  })
  assert.equal(index.error_code, 'Success', index.reason)
  assert.equal((await client.loadCollection({ collection_name: name })).error_code, 'Success')
}

function pick<T>(from: readonly T[]): T {
  const found = from[Math.floor(Math.random() * from.length)]
  assert.ok(found !== undefined)
  return found
}

function nextChange(known: KnownRows): WriteChange {
  const present = [...known.acknowledged.keys()]
  const count = 1 + Math.floor(Math.random() * BATCH_MAX)
  const roll = Math.random()
  const some = () => [...new Set(Array.from({ length: count }, () => pick(present)))]
  if (present.length > 0 && roll < 0.2)
    return { kind: 'delete', keys: some(), by: Math.random() < 0.5 ? 'ids' : 'filter' }
  const version = Math.floor(Math.random() * VERSION_MAX)
  if (present.length > 0 && roll < 0.5) return { kind: 'upsert', keys: some(), version }
  const keys: number[] = []
  const from = Math.floor(Math.random() * known.keys)
  for (let i = 0; keys.length < count && i < known.keys; i++) {
    const key = known.first + ((from + i) % known.keys)
    if (!known.acknowledged.has(key)) keys.push(key)
  }
  if (keys.length === 0) return { kind: 'delete', keys: present, by: 'ids' }
  return { kind: Math.random() < 0.7 ? 'insert' : 'upsert', keys, version }
}

/** Sends a change; the answer's error text, or null. Rejects when there was no answer. */
async function send(client: MilvusClient, collection: string, change: WriteChange): Promise<string | null> {
  const target = { collection_name: collection }
  if (change.kind === 'delete') {
    const { keys, by } = change
    const done =
      by === 'ids'
        ? await client.delete({ ...target, ids: [...keys] })
        : await client.delete({ ...target, filter: `id in [${keys.join(',')}] and version >= 0` })
    return done.status.error_code === 'Success' ? null : done.status.reason
  }
  const data = change.keys.map((key) => ({
    ...rowOf(key, change.version),
    vector: [...rowOf(key, change.version).vector],
  }))
  const done =
    change.kind === 'insert' ? await client.insert({ ...target, data }) : await client.upsert({ ...target, data })
  return done.status.error_code === 'Success' ? null : done.status.reason
}

export interface WritingResult {
  /** Changes that were acknowledged. */
  readonly acknowledged: number
  /** Texts of changes that the server refused. */
  readonly refusals: readonly string[]
}

/**
 * Writes until `isOver`; a call without an answer leaves its change in flight and ends the writing.
 * @param onAcknowledged called after each acknowledgement
 */
export async function writeWithoutPause(
  client: MilvusClient,
  collection: string,
  known: KnownRows,
  isOver: () => boolean,
  onAcknowledged: () => void = () => {},
): Promise<WritingResult> {
  let acknowledged = 0
  const refusals: string[] = []
  while (!isOver()) {
    const change = nextChange(known)
    known.sending(change)
    let refusal: string | null
    try {
      refusal = await send(client, collection, change)
    } catch {
      break
    }
    if (refusal === null) {
      known.answered()
      acknowledged += 1
      onAcknowledged()
    } else {
      known.refused()
      refusals.push(refusal)
    }
  }
  return { acknowledged, refusals }
}

/** What is stored of the keys of one client. */
export async function storedRows(client: MilvusClient, collection: string, known: KnownRows): Promise<StoredRow[]> {
  const found = await client.query({
    collection_name: collection,
    filter: `id >= ${known.first} and id < ${known.first + known.keys}`,
    output_fields: ['id', 'version', 'name', 'note', 'vector'],
    limit: QUERY_ROWS_MAX,
  })
  assert.equal(found.status.error_code, 'Success', found.status.reason)
  return found.data.map((row) => ({
    id: Number(row['id']),
    version: Number(row['version']),
    name: String(row['name']),
    note: row['note'] as StoredRow['note'],
    vector: row['vector'] as number[],
  }))
}

export async function countRows(client: MilvusClient, collection: string): Promise<number> {
  const counted = await client.query({ collection_name: collection, output_fields: ['count(*)'] })
  assert.equal(counted.status.error_code, 'Success', counted.status.reason)
  return Number(counted.data[0]?.['count(*)'])
}

/**
 * Searches for stored rows and for points between them: each hit is a row that is stored, at its true distance, best
 * first, and at least `recallMin` of the true neighbours are found.
 */
export async function searchAgrees(
  client: MilvusClient,
  collection: string,
  rows: Versions,
  queries: number,
  recallMin: number,
): Promise<void> {
  if (rows.size === 0) return
  const limit = Math.min(10, rows.size)
  const all = [...rows].map(([id, version]) => rowOf(id, version))
  let [wanted, hit] = [0, 0]
  for (let i = 0; i < queries; i++) {
    const near = pick(all)
    const point = i % 2 === 0 ? near.vector : near.vector.map((value) => Math.fround(value + Math.random() * 10))
    const distances = new Map(all.map((row) => [row.id, squared(row.vector, point)]))
    const found = await client.search({
      collection_name: collection,
      data: [...point],
      limit,
      params: { ef: 200 },
      output_fields: ['id', 'version'],
    })
    assert.equal(found.status.error_code, 'Success', found.status.reason)
    assert.equal(found.results.length, limit)
    let last = Number.NEGATIVE_INFINITY
    for (const { id, score, version } of found.results as { id: string; score: number; version: string }[]) {
      const distance = distances.get(Number(id))
      assert.ok(distance !== undefined, `hit ${id} is stored`)
      assert.equal(Number(version), rows.get(Number(id)))
      assert.ok(Math.abs(distance - score) <= 1e-3 * Math.max(1, distance), `${id}: ${score}, not ${distance}`)
      assert.ok(score >= last, 'best first')
      last = score
    }
    const bound = [...distances.values()].sort((a, b) => a - b)[limit - 1] ?? 0
    wanted += limit
    hit += found.results.filter(({ score }) => score <= bound * (1 + 1e-4) + 1e-3).length
    if (i % 2 === 0) assert.equal(Number(found.results[0]?.['id']), near.id, 'a row finds itself')
  }
  assert.ok(hit >= recallMin * wanted, `${hit} of ${wanted} neighbours found`)
}

function squared(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + (value - (b[i] ?? 0)) ** 2, 0)
}
