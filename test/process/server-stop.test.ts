/** SIGTERM while a call runs: the call is finished; a second signal does not wait for it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConsistencyLevelEnum, DataType } from '@zilliz/milvus2-sdk-node'
import { nodeClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { type Served, startRedkite } from '../support/server.ts'

const PLAIN = { kind: 'plain' } as const
const DIM = 128
const ROWS = 8_000
const QUERIES = 2_000

const vectors = (count: number) =>
  Array.from({ length: count }, (_, i) => Array.from({ length: DIM }, (_, j) => Math.fround(Math.sin(i * DIM + j))))

/** A collection whose exact search over many queries takes a good second. */
async function fill(served: Served): Promise<ReturnType<typeof nodeClient>> {
  const client = nodeClient(served.port, PLAIN)
  await client.createCollection({
    collection_name: 'slow',
    fields: [
      { name: 'id', data_type: DataType.Int64, is_primary_key: true },
      { name: 'vector', data_type: DataType.FloatVector, dim: DIM },
    ],
  })
  const inserted = await client.insert({
    collection_name: 'slow',
    data: vectors(ROWS).map((vector, id) => ({ id, vector })),
  })
  assert.equal(inserted.status.error_code, 'Success', inserted.status.reason)
  await client.createIndex({ collection_name: 'slow', field_name: 'vector', index_type: 'FLAT', metric_type: 'L2' })
  await client.loadCollection({ collection_name: 'slow' })
  return client
}

function slowSearch(client: ReturnType<typeof nodeClient>) {
  return client.search({
    collection_name: 'slow',
    data: vectors(QUERIES),
    limit: 3,
    consistency_level: ConsistencyLevelEnum.Strong,
  })
}

/** Request bytes are held until the answer is computed. */
async function isRunning(served: Served): Promise<boolean> {
  const text = await (await fetch(`${served.ready.metrics}/metrics`)).text()
  return Number(/^redkite_request_bytes_in_flight (\d+)$/m.exec(text)?.[1]) >= QUERIES * DIM * 4
}

describe('SIGTERM while a call runs', () => {
  it('finishes the call, then ends with 0', async () => {
    await using served = await startRedkite()
    const client = await fill(served)
    let isAnswered = false
    const answer = slowSearch(client).finally(() => {
      isAnswered = true
    })
    await eventually(() => isRunning(served))
    assert.equal(isAnswered, false)
    const code = await served.stop()
    const found = await answer
    assert.equal(found.status.error_code, 'Success', found.status.reason)
    assert.equal(found.results.length, QUERIES)
    assert.equal(code, 0)
    await client.closeConnection()
  })

  it('a second signal ends at once, with 75', async () => {
    await using served = await startRedkite()
    const client = await fill(served)
    const answer = slowSearch(client).then(
      () => 'answered',
      () => 'cut',
    )
    await eventually(() => isRunning(served))
    served.process.kill('SIGTERM')
    await served.logged(/stopping: running calls may finish/)
    await served.kill('SIGTERM')
    assert.equal(served.process.exitCode, 75)
    assert.equal(await answer, 'cut')
    assert.match(served.log(), /stopping at once/)
    await client.closeConnection()
  })
})
