/** Clients that are slow, silent or greedy do not keep others from being served. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { nodeClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { rowOf } from '../support/known-rows.ts'
import { type Served, startRedkite } from '../support/server.ts'
import { createRowsCollection } from '../support/writing-clients.ts'

const PLAIN = { kind: 'plain' } as const
const ROWS = 4_000
const IDLE = 1_000
/** A call beside the others has this long; it takes a few milliseconds on a quiet machine. */
const ANSWER_MS_MAX = 2_000

let served: Served
let client: ReturnType<typeof nodeClient>
before(async () => {
  served = await startRedkite()
  client = nodeClient(served.port, PLAIN)
  await createRowsCollection(client, 'patient')
  const data = Array.from({ length: ROWS }, (_, id) => {
    const row = rowOf(id, 1)
    return { ...row, vector: [...row.vector] }
  })
  assert.equal((await client.insert({ collection_name: 'patient', data })).status.error_code, 'Success')
})
after(async () => {
  await client.closeConnection()
  assert.equal(await served.stop(), 0)
})

async function answersSoon(): Promise<void> {
  const began = performance.now()
  const found = await client.search({
    collection_name: 'patient',
    data: [...rowOf(7, 1).vector],
    limit: 1,
    output_fields: ['id'],
  })
  assert.equal(Number(found.results[0]?.['id']), 7, found.status.reason)
  const took = performance.now() - began
  assert.ok(took < ANSWER_MS_MAX, `${Math.round(took)} ms`)
}

async function residentBytes(): Promise<number> {
  const text = await (await fetch(`${served.ready.metrics}/metrics`)).text()
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1])
}

describe('others are served beside', () => {
  it('a client that never reads its replies', async () => {
    const session: ClientHttp2Session = connectHttp2(`http://127.0.0.1:${served.port}`)
    const before = await residentBytes()
    const body = JSON.stringify({ collectionName: 'patient', filter: 'id >= 0', limit: ROWS, outputFields: ['*'] })
    const streams = Array.from({ length: 60 }, () => {
      const stream = session.request({ ':method': 'POST', ':path': '/v2/vectordb/entities/query' })
      stream.on('error', () => {})
      // without a reader the stream's window fills and stays full
      stream.pause()
      stream.end(body)
      return stream
    })
    await Promise.all(streams.slice(0, 1).map((stream) => once(stream, 'response')))
    for (let i = 0; i < 10; i++) await answersSoon()
    const grown = (await residentBytes()) - before
    assert.ok(grown < 600 << 20, `${grown >> 20} MB for replies that nobody reads`)
    session.destroy()
    await answersSoon()
  })

  it(`${IDLE} connections that say nothing`, async () => {
    const sockets: Socket[] = []
    for (let i = 0; i < IDLE; i++) {
      const socket = connect(served.port, '127.0.0.1')
      socket.on('error', () => {})
      sockets.push(socket)
    }
    await Promise.all(sockets.map((socket) => (socket.connecting ? once(socket, 'connect') : null)))
    await answersSoon()
    for (const socket of sockets) socket.destroy()
    await eventually(async () => {
      const text = await (await fetch(`${served.ready.metrics}/metrics`)).text()
      return [...text.matchAll(/^redkite_connections\{.*\} (\d+)$/gm)].reduce((sum, [, n]) => sum + Number(n), 0) < 10
    })
  })

  it('bodies that arrive byte by byte', async () => {
    const session = connectHttp2(`http://127.0.0.1:${served.port}`)
    const streams = Array.from({ length: 100 }, (_, i) => {
      const grpc = i % 2 === 0
      const path = grpc ? '/milvus.proto.milvus.MilvusService/Insert' : '/v2/vectordb/entities/insert'
      const type = grpc ? { 'content-type': 'application/grpc', te: 'trailers' } : {}
      const stream = session.request({ ':method': 'POST', ':path': path, ...type })
      stream.on('error', () => {})
      stream.resume()
      // a length prefix that promises 64 MB, and then next to nothing
      stream.write(grpc ? Buffer.from([0, 4, 0, 0, 0]) : Buffer.from('{"data": ['))
      return stream
    })
    for (let i = 0; i < 20; i++) {
      for (const stream of streams) stream.write(Buffer.from(' '))
      await answersSoon()
    }
    session.destroy()
  })
})
