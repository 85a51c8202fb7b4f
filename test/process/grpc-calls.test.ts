/** The gRPC layer seen by grpc-js: calls, metadata, errors, deadlines, compression, cancellation. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import grpc from '@grpc/grpc-js'
import { eventually } from '../support/eventually.ts'
import { grpcClient } from '../support/grpc-client.ts'
import { PREFIX, startProtocolServer, TOKEN } from '../support/protocol-server.ts'

test('a unary call carries its message, its metadata and its peer', async () => {
  await using server = await startProtocolServer()
  using client = grpcClient(server.address)
  const version = await client.call('GetVersion', '')
  assert.deepEqual([version.code, String(version.message)], [0, 'v2.6.22'])
  const query = await client.call('Query', 'abc', { metadata: { dbname: 'books', unknown: 'x' } })
  assert.equal(String(query.message), 'xxx')
  assert.deepEqual(
    server.seen.requests.map((r) => (r as { db?: string }).db),
    [undefined, 'books'],
  )
  assert.equal(server.seen.passes[0]?.caller.peer, '127.0.0.1:1')
  assert.equal(server.budget.used, 0)
})

test('a message over many chunks arrives whole, a large reply leaves whole', async () => {
  await using server = await startProtocolServer()
  using client = grpcClient(server.address)
  const long = 'y'.repeat(5_000_000)
  const up = await client.call('Query', long)
  assert.equal(up.message?.length, 5_000_000)
  assert.equal((server.seen.requests[0] as { filter: string }).filter, long)
  const down = await client.call('Query', 'size 7000001')
  assert.equal(down.message?.length, 7_000_001)
  assert.ok(down.message?.every((byte) => byte === 'x'.charCodeAt(0)))
})

test('business errors travel in the message, transport errors as status', async () => {
  await using server = await startProtocolServer()
  using client = grpcClient(server.address)
  const missing = await client.call('Query', 'missing')
  assert.deepEqual([missing.code, String(missing.message)], [0, "failure 100 can't find collection"])
  const undecodable = await client.call('Query', 'undecodable')
  assert.deepEqual([undecodable.code, undecodable.details], [13, 'cannot decode 100 % of Query: ü'])
  const broken = await client.call('Query', 'broken')
  assert.equal(broken.code, 0)
  assert.equal(String(broken.message), 'failure 65535 unexpected error: see the server log')
  assert.match(JSON.stringify(server.seen.errors), /a secret detail.*protocol-server/)
})

test('unknown services and methods, and methods not served yet, are UNIMPLEMENTED by name', async () => {
  await using server = await startProtocolServer()
  using client = grpcClient(server.address)
  const answers = await Promise.all(['Nope', '/a.B/C', 'Search', '/nonsense'].map((method) => client.call(method, '')))
  assert.deepEqual(
    answers.map((a) => [a.code, a.details]),
    [
      [12, 'unknown method Nope for service milvus.proto.milvus.MilvusService'],
      [12, 'unknown service a.B'],
      [12, 'method Search of milvus.proto.milvus.MilvusService not implemented yet'],
      [12, 'malformed method name: "/nonsense"'],
    ],
  )
})

test('credentials are asked for before the body is read', async () => {
  await using server = await startProtocolServer({ authorisation: true })
  using client = grpcClient(server.address)
  const refused = await client.call('GetVersion', '', { metadata: { authorization: 'eDp5' } })
  assert.deepEqual(
    [refused.code, refused.details],
    [16, 'auth check failure, please check username and password are correct'],
  )
  const admitted = await client.call('GetVersion', '', { metadata: { authorization: TOKEN } })
  assert.equal(admitted.code, 0)
  const pushed = await client.call('Query', Buffer.alloc(9_000_000), { metadata: { authorization: 'eDp5' } })
  assert.equal(pushed.code, 16)
  await eventually(() => server.openStreams() === 0)
  assert.equal(server.seen.passes[0]?.principal.kind, 'user')
})

test('a deadline ends the call on the server too', async () => {
  await using server = await startProtocolServer()
  using client = grpcClient(server.address)
  const late = await client.call('Query', 'hang', { deadlineMs: 60 })
  assert.equal(late.code, 4)
  await eventually(() => server.seen.aborted.length === 1)
  assert.equal(server.budget.used, 0)
})

test('cancelling aborts the signal', async () => {
  await using server = await startProtocolServer()
  using client = grpcClient(server.address)
  let cancel = () => {}
  const call = client.call('Query', 'hang', { onStart: (c) => (cancel = c) })
  await eventually(() => server.seen.passes.length === 1)
  cancel()
  assert.equal((await call).code, 1)
  await eventually(() => server.seen.aborted.length === 1)
  assert.match(
    await server.metrics.registry.metrics(),
    /req_count\{function_name="Query",status="cancel",protocol="grpc"\} 1/,
  )
})

test('gzip is read, and written where configured', async () => {
  await using server = await startProtocolServer({ limits: { replyGzipBytesMin: 1000, messageBytesMax: 1_000_000 } })
  using client = grpcClient(server.address, {
    'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip,
  })
  const big = await client.call('Query', 'z'.repeat(200_000))
  assert.equal(big.message?.length, 200_000)
  const bomb = await client.call('Query', Buffer.alloc(50_000_000, 'a'))
  assert.equal(bomb.code, 8)
  assert.match(bomb.details, /after decompression larger than max 1000000/)
})

test('a message above the limit is refused from its length prefix', async () => {
  await using server = await startProtocolServer({ limits: { messageBytesMax: 1_000_000 } })
  using client = grpcClient(server.address)
  const refused = await client.call('Query', Buffer.alloc(60_000_000))
  assert.equal(refused.code, 8)
  assert.match(refused.details, /received message larger than max \(60000000 vs\. 1000000\)/)
  assert.equal((await client.call('GetVersion', '')).code, 0, 'the connection serves on')
  assert.equal(server.budget.used, 0)
})

test('too many header bytes are refused', async () => {
  await using server = await startProtocolServer()
  using client = grpcClient(server.address)
  const refused = await client.call('GetVersion', '', { metadata: { junk: 'j'.repeat(20_000) } })
  assert.equal(refused.code, 8)
  assert.match(refused.details, /headers larger than max\[received=\d+\]\[limit=16384\]/)
})

test('many calls at once on one connection', async () => {
  await using server = await startProtocolServer()
  using client = grpcClient(server.address)
  const lengths = Array.from({ length: 500 }, (_, n) => n)
  const replies = await Promise.all(lengths.map((n) => client.call('Query', `size ${n}`)))
  assert.deepEqual(
    replies.map((r) => r.message?.length),
    lengths,
  )
})

test('bodies wait for the byte budget, and all are served', async () => {
  await using server = await startProtocolServer({ limits: { bytesInFlightMax: 100_000 } })
  using client = grpcClient(server.address)
  const replies = await Promise.all(Array.from({ length: 12 }, () => client.call('Query', 'b'.repeat(900_000))))
  assert.ok(replies.every((r) => r.message?.length === 900_000))
  assert.equal(server.budget.used, 0)
})

test('a call is counted under its RPC', async () => {
  await using server = await startProtocolServer()
  using client = grpcClient(server.address)
  await client.call('Query', 'abcd')
  await client.call('Query', 'missing')
  await client.call(`${PREFIX}Nope`, '')
  const text = await server.metrics.registry.metrics()
  for (const line of [
    'milvus_proxy_req_count{function_name="Query",status="total",protocol="grpc"} 2',
    'milvus_proxy_req_count{function_name="Query",status="success",protocol="grpc"} 1',
    'milvus_proxy_req_count{function_name="Query",status="fail",protocol="grpc"} 1',
    'milvus_proxy_req_count{function_name="unknown",status="fail",protocol="grpc"} 1',
    'milvus_proxy_receive_bytes_count{function_name="Query"} 21',
    'milvus_proxy_req_latency_count{function_name="Query"} 2',
  ])
    assert.ok(text.includes(line), `${line}\n${text}`)
})
