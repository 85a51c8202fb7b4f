/** What the tests of schemas share: a server with one Node SDK client and REST calls on the same port. */
import assert from 'node:assert/strict'
import { DataType, MilvusClient } from '@zilliz/milvus2-sdk-node'
import { type Served, startRedkite, temporary } from '../support/server.ts'

export { DataType }

export interface SchemaServer extends AsyncDisposable {
  readonly client: MilvusClient
  /** Starts again on the same data. */
  restart(): Promise<void>
  /** The whole reply of `POST /v2/vectordb/<path>`. */
  post(path: string, body: object): Promise<{ code: number; message?: string; data: unknown }>
}

export async function schemaServer(): Promise<SchemaServer> {
  const scratch = temporary()
  let server: Served
  let client: MilvusClient
  const start = async () => {
    server = await startRedkite({ data: scratch.path })
    client = new MilvusClient({ address: `localhost:${server.port}`, ssl: false })
    await client.connectPromise
  }
  const stop = async () => {
    await client.closeConnection()
    await server.stop()
  }
  await start()
  return {
    get client() {
      return client
    },
    restart: async () => {
      await stop()
      await start()
    },
    post: async (path, body) => {
      const url = `http://localhost:${server.restPort}/v2/vectordb/${path}`
      const reply = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
      return (await reply.json()) as { code: number; message?: string; data: unknown }
    },
    [Symbol.asyncDispose]: async () => {
      await stop()
      scratch[Symbol.dispose]()
    },
  }
}

/** @throws AssertionError with Milvus' reason where the call failed */
export function succeeded(reply: {
  error_code?: string | number
  reason?: string
  status?: { error_code: string | number; reason: string }
}) {
  const { error_code, reason } = reply.status ?? reply
  assert.equal(error_code, 'Success', reason)
}

export function failed(
  reply: { error_code?: string | number; reason?: string; status?: { error_code: string | number; reason: string } },
  expected: RegExp,
): void {
  const { error_code, reason } = reply.status ?? reply
  assert.notEqual(error_code, 'Success')
  assert.match(String(reason), expected)
}

export const keyField = { name: 'id', data_type: DataType.Int64, is_primary_key: true }
export const vectorField = { name: 'v', data_type: DataType.FloatVector, dim: 2 }

/** A loaded collection with an index on `v`. */
export async function loadedCollection(client: MilvusClient, name: string, fields: object[], more: object = {}) {
  const request = {
    collection_name: name,
    fields: [keyField, ...fields, vectorField],
    consistency_level: 'Strong',
    ...more,
  }
  succeeded(await client.createCollection(request as never))
  succeeded(await client.createIndex({ collection_name: name, field_name: 'v', index_type: 'FLAT', metric_type: 'L2' }))
  succeeded(await client.loadCollectionSync({ collection_name: name }))
}

/** The keys that a filter selects, ascending. */
export async function keysOf(client: MilvusClient, name: string, filter: string, more: object = {}): Promise<number[]> {
  const reply = await client.query({ collection_name: name, filter, output_fields: ['id'], ...more })
  succeeded(reply)
  return reply.data.map((row) => Number(row['id'])).sort((a, b) => a - b)
}
