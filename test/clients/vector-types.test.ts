/**
 * Collections of every vector type by the Node SDK and REST: written, sealed, filtered, restarted over the same data,
 * and read back; and the refusals, with Milvus' texts.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { DataType, type MilvusClient, type RowData } from '@zilliz/milvus2-sdk-node'
import { nodeClient } from '../support/clients.ts'
import { type Served, startRedkite, temporary } from '../support/server.ts'

const COUNT = 1500
const DIM = 16
const place = temporary()
let served: Served
let client: MilvusClient

/** Row ids of this bound are sealed into segments of the graph's native index. */
const SEAL_ROWS = ['--set', 'redkite.engine.sealRows=500']

async function start(): Promise<void> {
  const args = ['--tls', 'off', '--host', '127.0.0.1', ...SEAL_ROWS]
  served = await startRedkite({ data: join(place.path, 'data'), args })
  client = nodeClient(served.port, { kind: 'plain' })
  await client.connectPromise
}
async function stop(): Promise<void> {
  await client.closeConnection()
  assert.equal(await served.stop(), 0)
}
before(start)
after(async () => {
  await stop()
  place[Symbol.dispose]()
})

/** A reproducible number in [0, 256) for row `i`, value `d`. */
const byteOf = (i: number, d: number) => Math.imul(i * 31 + d * 17 + 7, 2654435761) >>> 24

interface Typed {
  readonly field: string
  readonly type: DataType
  readonly dim: number
  readonly index: string
  readonly metric: string
  readonly value: (i: number) => number[]
  /** Score of two rows, as Milvus defines it. */
  readonly score: (a: number[], b: number[]) => number
  readonly smaller: boolean
}

const l2 = (a: number[], b: number[]) => a.reduce((sum, value, d) => sum + (value - (b[d] ?? 0)) ** 2, 0)
const bitsOf = (bytes: number[]) => bytes.flatMap((byte) => Array.from({ length: 8 }, (_, bit) => (byte >> bit) & 1))
const small = (i: number) => Array.from({ length: DIM }, (_, d) => byteOf(i, d) - 128)

const types: readonly Typed[] = [
  {
    field: 'f16',
    type: DataType.Float16Vector,
    dim: DIM,
    index: 'HNSW',
    metric: 'L2',
    value: small,
    score: l2,
    smaller: true,
  },
  {
    field: 'bf16',
    type: DataType.BFloat16Vector,
    dim: DIM,
    index: 'AUTOINDEX',
    metric: 'L2',
    value: small,
    score: l2,
    smaller: true,
  },
  {
    field: 'i8',
    type: DataType.Int8Vector,
    dim: DIM,
    index: 'HNSW',
    metric: 'L2',
    value: small,
    score: l2,
    smaller: true,
  },
  {
    ...{ field: 'bits', type: DataType.BinaryVector, dim: DIM * 8, index: 'BIN_IVF_FLAT', metric: 'HAMMING' },
    value: (i) => Array.from({ length: DIM }, (_, d) => byteOf(i, d)),
    score: (a, b) => bitsOf(a).filter((bit, d) => bit !== bitsOf(b)[d]).length,
    smaller: true,
  },
]
const fields = [
  { name: 'id', data_type: DataType.Int64, is_primary_key: true },
  { name: 'n', data_type: DataType.Int64 },
  ...types.map(({ field, type, dim }) => ({ name: field, data_type: type, dim })),
]
const rowOf = (i: number): RowData => ({
  id: i,
  n: i % 10,
  ...Object.fromEntries(types.map(({ field, value }) => [field, value(i)])),
})

async function ok<T extends object>(call: Promise<T>): Promise<T> {
  const reply = await call
  const status = 'status' in reply ? reply.status : reply
  assert.partialDeepStrictEqual(status, { error_code: 'Success', code: 0 })
  return reply
}

/** The nearest rows by plain arithmetic over what was written. */
function nearest({ value, score, smaller }: Typed, query: number, k: number, accept: (i: number) => boolean): number[] {
  return Array.from({ length: COUNT }, (_, i) => i)
    .filter((i) => accept(i) && i !== 13)
    .map((i) => score(value(query), value(i)))
    .sort((a, b) => (smaller ? a - b : b - a))
    .slice(0, k)
}

async function searches(): Promise<void> {
  for (const typed of types) {
    for (const query of [0, 77, 1499]) {
      for (const filter of ['', 'n in [3, 7]']) {
        const accept = (i: number) => filter === '' || [3, 7].includes(i % 10)
        const found = await ok(
          client.search({
            ...{ collection_name: 'types', anns_field: typed.field, data: typed.value(query), limit: 10, filter },
            params: { ef: 512 },
          }),
        )
        const want = nearest(typed, query, 10, accept)
        assert.deepEqual(
          found.results.map(({ score }) => score),
          want,
          `${typed.field} ${query} ${filter}`,
        )
        assert.ok(found.results.every(({ id }) => accept(Number(id)) && id !== '13'))
      }
    }
  }
}

async function readBack(): Promise<void> {
  const { data } = await ok(client.query({ collection_name: 'types', filter: 'id in [5, 1400]', output_fields: ['*'] }))
  for (const row of data) {
    for (const { field, value } of types) assert.deepEqual([...row[field]], value(Number(row['id'])), field)
  }
}

const post = async (path: string, body: object) => {
  const url = `http://127.0.0.1:${served.restPort}/v2/vectordb/${path}`
  const reply = await fetch(url, { method: 'POST', body: JSON.stringify({ collectionName: 'types', ...body }) })
  return (await reply.json()) as { code: number; message?: string; data: Record<string, unknown>[] }
}

describe('the vector types', () => {
  it('are written, found and read back, several a collection', async () => {
    await ok(client.createCollection({ collection_name: 'types', fields }))
    for (const { field, index, metric } of types) {
      await ok(
        client.createIndex({ collection_name: 'types', field_name: field, index_type: index, metric_type: metric }),
      )
    }
    await ok(client.loadCollectionSync({ collection_name: 'types' }))
    const data = Array.from({ length: COUNT }, (_, i) => rowOf(i))
    for (let i = 0; i < COUNT; i += 500)
      await ok(client.insert({ collection_name: 'types', data: data.slice(i, i + 500) }))
    await ok(client.delete({ collection_name: 'types', filter: 'id in [13]' }))
    await searches()
    await readBack()
  })

  it('are the same from sealed segments, and after a restart', async () => {
    // three graphs of the four types, of all rows
    await served.logged(/(segment built[\s\S]*){3}/)
    await searches()
    await stop()
    await start()
    await searches()
    await readBack()
    const { index_descriptions } = await ok(client.describeIndex({ collection_name: 'types' }))
    const asked = index_descriptions.map(({ params }) => params.find(({ key }) => key === 'index_type')?.value)
    assert.deepEqual(
      asked,
      types.map(({ index }) => index),
    )
  })

  it('are replaced by an upsert', async () => {
    const moved = { ...rowOf(1), ...Object.fromEntries(types.map(({ field, value }) => [field, value(9999)])) }
    await ok(client.upsert({ collection_name: 'types', data: [moved] }))
    const asked = { collection_name: 'types', limit: 1, output_fields: ['id'] }
    for (const { field, value } of types) {
      const { results } = await ok(client.search({ ...asked, anns_field: field, data: value(9999) }))
      assert.deepEqual(results, [{ id: '1', score: 0 }], field)
    }
    await ok(client.upsert({ collection_name: 'types', data: [rowOf(1)] }))
  })

  it('over REST: numbers and base64 in, base64 out', async () => {
    const { id: _, ...rest } = rowOf(2000)
    const inserted = await post('entities/insert', { data: [{ id: 5000, ...rest }] })
    assert.equal(inserted.code, 0, inserted.message)
    const { data } = await post('entities/query', { filter: 'id == 5000', outputFields: ['*'] })
    const stored = data[0] ?? {}
    const base64 = await post('entities/upsert', { data: [{ ...stored, i8: rest['i8'] }] })
    assert.equal(base64.code, 0, base64.message)
    for (const { field, value } of types) {
      for (const query of [value(2000), ...(field === 'i8' ? [] : [stored[field]])]) {
        const found = await post('entities/search', {
          annsField: field,
          data: [query],
          limit: 1,
          outputFields: [field],
        })
        assert.equal(found.code, 0, found.message)
        assert.deepEqual(found.data, [{ distance: 0, id: 5000, [field]: stored[field] }], field)
      }
    }
    const short = await post('entities/insert', { data: [{ ...stored, i8: rest['i8'], bits: [1] }] })
    assert.match(short.message ?? '', /the dim \(8\) of field data\(bits\) is not equal to schema dim \(128\)/)
    const { code } = await post('entities/delete', { filter: 'id in [5000]' })
    assert.equal(code, 0)
  })

  it('are refused with the texts of Milvus', async () => {
    const bad = async (call: Promise<{ status: { reason: string } } | { reason: string }>) => {
      const reply = await call
      return 'status' in reply ? reply.status.reason : reply.reason
    }
    const create = (type: DataType, dim: number) =>
      client.createCollection({
        collection_name: 'bad',
        fields: [
          { name: 'id', data_type: DataType.Int64, is_primary_key: true },
          { name: 'v', data_type: type, dim },
        ],
      })
    const odd = { fieldName: 'v', dataType: 'BinaryVector', elementTypeParams: { dim: 12 } }
    const key = { fieldName: 'id', dataType: 'Int64', isPrimary: true }
    const { message } = await post('collections/create', { collectionName: 'bad', schema: { fields: [key, odd] } })
    assert.match(message ?? '', /binary vector dimension should be multiple of 8/)
    // the SDK rejects with the status itself
    await assert.rejects(create(DataType.Int8Vector, 1), { reason: /invalid dimension: 1/ })
    const search = (anns_field: string, data: number[]) =>
      client.search({ collection_name: 'types', anns_field, data, limit: 1 })
    assert.match(await bad(search('i8', [1, 2])), /expected vector size\(byte\) 16, actual 2\./)
    assert.match(await bad(search('bits', [1, 2])), /expected vector size\(byte\) 16, actual 2\./)
    const index = (field_name: string, index_type: string, metric_type: string) =>
      client.createIndex({ collection_name: 'types', field_name, index_name: field_name, index_type, metric_type })
    assert.match(await bad(index('bits', 'BIN_FLAT', 'L2')), /binary vector index does not support metric type: L2/)
    assert.match(await bad(index('i8', 'HNSW', 'JACCARD')), /int8 vector index does not support metric type: JACCARD/)
    assert.match(
      await bad(index('f16', 'BIN_FLAT', 'HAMMING')),
      /index BIN_FLAT do not support data type: Float16Vector/,
    )
    const nan = { ...rowOf(3), bf16: Array.from({ length: DIM }, () => Number.NaN) }
    await assert.rejects(async () => {
      const reason = await bad(client.insert({ collection_name: 'types', data: [nan] }))
      throw new Error(reason)
    }, /is not a number or infinity|NaN/)
  })
})
