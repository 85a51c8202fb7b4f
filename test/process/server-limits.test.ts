/** Milvus' limits hold as the configuration says, with Milvus' texts; what is counted shows in the metrics. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { DataType, type FieldType, type ResStatus } from '@zilliz/milvus2-sdk-node'
import { nodeClient } from '../support/clients.ts'
import { type Served, startRedkite, temporary } from '../support/server.ts'
import { createSet } from '../support/sets.ts'
import { curl, run } from '../support/tools.ts'

const PLAIN = { kind: 'plain' } as const
const LIMITS = {
  'proxy.grpc.serverMaxSendSize': 100_000,
  'quotaAndLimits.limits.maxQueryResultWindow': 100,
  'quotaAndLimits.limits.maxOutputSize': 400_000,
  'quotaAndLimits.limits.maxInsertSize': 500_000,
  'quotaAndLimits.limits.maxCollectionNumPerDB': 2,
  'proxy.maxNameLength': 20,
  'proxy.maxShardNum': 2,
  'proxy.maxVarCharLength': 40_000,
  'common.JSONMaxLength': 1_000,
  'proxy.http.acceptTypeAllowInt64': false,
}
const args = Object.entries(LIMITS).flatMap(([key, value]) => ['--set', `${key}=${value}`])

let served: Served
let client: ReturnType<typeof nodeClient>
before(async () => {
  served = await startRedkite({ args })
  client = nodeClient(served.port, PLAIN)
  await made('limited', {})
  await client.createIndex({ collection_name: 'limited', field_name: 'vector', index_type: 'HNSW', metric_type: 'L2' })
  await client.loadCollection({ collection_name: 'limited' })
})
after(async () => {
  await client.closeConnection()
  await served[Symbol.asyncDispose]()
})

interface Shape {
  readonly maxLength?: number
  readonly shards?: number
  readonly field?: string
  readonly db?: string
}

/** Makes a collection; the reason why not, or ''. */
async function made(name: string, { maxLength = 40_000, shards = 1, field = 'text', db = 'default' }: Shape) {
  const fields: FieldType[] = [
    { name: 'id', data_type: DataType.Int64, is_primary_key: true },
    { name: field, data_type: DataType.VarChar, max_length: maxLength },
    { name: 'note', data_type: DataType.JSON },
    { name: 'vector', data_type: DataType.FloatVector, dim: 4 },
  ]
  const status = await client
    .createCollection({ collection_name: name, fields, shards_num: shards, db_name: db })
    .catch((thrown: unknown) => thrown as ResStatus)
  return status.error_code === 'Success' ? '' : status.reason
}

const row = (id: number, text = 'x', note: object = {}) => ({ id, text, note, vector: [id, 0, 0, 0] })

async function inserted(rows: ReturnType<typeof row>[]): Promise<ResStatus> {
  return (await client.insert({ collection_name: 'limited', data: rows })).status
}

describe('limits of a schema', () => {
  it('names, shards and VarChar', async () => {
    assert.match(
      await made('n'.repeat(21), {}),
      /the length of collection name must be not greater than limit, limit: 20/,
    )
    assert.match(await made('wide', { field: 'f'.repeat(21) }), /the length of field name must be .* limit: 20/)
    assert.match(await made('sharded', { shards: 3 }), /maximum shards's number should be limited to 2/)
    assert.match(await made('texts', { maxLength: 40_001 }), /should be in \(0, 40000\], but got 40001 instead/)
    const alias = await client.createAlias({ collection_name: 'limited', alias: 'a'.repeat(21) })
    assert.match(alias.reason, /limit: 20/)
    const partition = await client.createPartition({ collection_name: 'limited', partition_name: 'p'.repeat(21) })
    assert.match(partition.reason, /must be less than 20 characters/)
  })

  it('collections of a database', async () => {
    assert.equal(await made('second', {}), '')
    assert.match(await made('third', {}), /exceeded the limit number of collections\[dbName=default\]\[limit=2\]/)
    await client.createDatabase({ db_name: 'other' })
    assert.equal(await made('third', { db: 'other' }), '')
  })
})

describe('limits of rows', () => {
  it('a JSON value', async () => {
    assert.match(
      (await inserted([row(1, 'x', { a: 'x'.repeat(1_000) })])).reason,
      /length of JSON field note exceeds max length, row number: 0, length: 1008, max length: 1000/,
    )
  })

  it('an insert', async () => {
    const status = await inserted(Array.from({ length: 20 }, (_, id) => row(id, 'x'.repeat(30_000))))
    assert.equal(status.code, 1102)
    assert.match(
      status.reason,
      /insert request size exceeds maxInsertSize: parameter too large\[size=\d+\]\[limit=500000\]/,
    )
  })
})

describe('limits of an answer', () => {
  before(async () => {
    for (let batch = 0; batch < 2; batch++) {
      const rows = Array.from({ length: 10 }, (_, i) => row(1_000 + batch * 10 + i, 'x'.repeat(30_000)))
      assert.equal((await inserted(rows)).error_code, 'Success')
    }
  })
  const query = (limit: number, offset = 0, output_fields = ['id']) =>
    client.query({ collection_name: 'limited', filter: 'id >= 1000', output_fields, limit, offset })

  it('the window of a query and of a search', async () => {
    assert.equal((await query(90, 10)).status.error_code, 'Success')
    assert.match((await query(90, 11)).status.reason, /\(offset\+limit\) should be in range \[1, 100\], but got 101/)
    const search = { collection_name: 'limited', data: [1, 0, 0, 0], limit: 101 }
    assert.match((await client.search(search)).status.reason, /should be in range \[1, 100\], but got 101/)
  })

  it('the bytes of a result', async () => {
    const text = /results exceed the maxOutputSize Limit 400000/
    const many = await query(20, 0, ['text'])
    assert.equal(many.status.code, 1102)
    assert.match(many.status.reason, text)
    const search = { collection_name: 'limited', data: [1, 0, 0, 0], limit: 20, output_fields: ['text'] }
    assert.match((await client.search(search)).status.reason, text)
  })

  it('a reply larger than gRPC may send is RESOURCE_EXHAUSTED', async () => {
    await assert.rejects(query(10, 0, ['text']), (error: { code?: number; details?: string }) => {
      assert.equal(error.code, 8)
      assert.match(error.details ?? '', /trying to send message larger than max \(3\d{5} vs\. 100000\)/)
      return true
    })
    assert.equal((await query(3, 0, ['text'])).data.length, 3)
  })

  it('int64 leave REST as strings, unless the request says otherwise', async () => {
    const ask = async (headers: Record<string, string>) => {
      const body = JSON.stringify({ collectionName: 'limited', filter: 'id == 1000', outputFields: ['id'] })
      const answer = await fetch(`${served.ready.rest}/v2/vectordb/entities/query`, { method: 'POST', body, headers })
      return await answer.text()
    }
    assert.match(await ask({}), /"id":"1000"/)
    assert.match(await ask({ 'accept-type-allow-int64': 'true' }), /"id":1000/)
  })

  it('rows and segments are counted at a scrape', async () => {
    const text = await (await fetch(`${served.ready.metrics}/metrics`)).text()
    assert.match(text, /^redkite_rows\{db="default",collection="limited",state="growing"\} 20$/m)
    assert.match(text, /^redkite_segments\{db="default",collection="limited",field="vector"\} 0$/m)
    assert.match(text, /^redkite_request_bytes_in_flight 0$/m)
  })
})

it('Strict-Transport-Security goes out over TLS as configured', { skip: curl.skip }, async () => {
  using place = temporary()
  const set = await createSet(join(place.path, 'tls'))
  const keys = ['enableHSTS=true', 'hstsMaxAge=600', 'hstsIncludeSubDomains=true']
  const hsts = keys.flatMap((key) => ['--set', `proxy.http.${key}`])
  await using over = await startRedkite({ args: [...hsts, '--tls', 'one-way', '--tls-dir', set.dir] })
  const path = '/v2/vectordb/collections/list'
  const answer = await run(curl.path, ['-sS', '-i', '--cacert', set.ca, '-d', '{}', `${over.ready.rest}${path}`])
  assert.match(answer.stdout, /^strict-transport-security: max-age=600; includeSubDomains\r?$/im)
  await using plain = await startRedkite({ args: hsts })
  const session = connectHttp2(plain.ready.rest)
  const [headers] = await once(session.request({ ':method': 'POST', ':path': path }).end('{}'), 'response')
  assert.equal(headers['strict-transport-security'], undefined)
  session.destroy()
})
