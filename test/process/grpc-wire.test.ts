/** The gRPC layer seen as raw HTTP/2 streams: what goes over the wire, and bodies that do not end. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2, { type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { eventually } from '../support/eventually.ts'
import { PREFIX, startProtocolServer } from '../support/protocol-server.ts'

function connect(address: string): ClientHttp2Session & Disposable {
  const session = http2.connect(`http://${address}`)
  session.on('error', () => {})
  return Object.assign(session, { [Symbol.dispose]: () => session.destroy() })
}

function open(session: ClientHttp2Session, rpc: string, headers: Record<string, string> = {}): ClientHttp2Stream {
  const path = rpc.startsWith('/') ? rpc : `${PREFIX}${rpc}`
  const stream = session.request(
    { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...headers },
    { endStream: false },
  )
  stream.on('error', () => {})
  return stream
}

function frame(message: string | Buffer, flag = 0): Buffer {
  const bytes = Buffer.from(message)
  const head = Buffer.alloc(5)
  head.writeUInt8(flag, 0)
  head.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

interface Answer {
  readonly headers: IncomingHttpHeaders
  readonly trailers: IncomingHttpHeaders
  readonly body: Buffer
  readonly rstCode: number | undefined
  /** HEADERS carried END_STREAM. */
  readonly trailersOnly: boolean
}

async function answer(stream: ClientHttp2Stream): Promise<Answer> {
  let headers: IncomingHttpHeaders = {}
  let trailers: IncomingHttpHeaders = {}
  let trailersOnly = false
  const chunks: Buffer[] = []
  stream.on('response', (h, flags) => {
    headers = h
    trailersOnly = (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0
  })
  stream.on('trailers', (t) => {
    trailers = t
  })
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  if (!stream.closed) await once(stream, 'close', { signal: AbortSignal.timeout(10_000) })
  return { headers, trailers, trailersOnly, body: Buffer.concat(chunks), rstCode: stream.rstCode }
}

test('a reply is headers, one message and trailers', async () => {
  await using server = await startProtocolServer()
  using session = connect(server.address)
  const stream = open(session, 'GetVersion')
  stream.end(frame(''))
  const { headers, body, trailers, trailersOnly } = await answer(stream)
  assert.equal(headers[':status'], 200)
  assert.equal(headers['content-type'], 'application/grpc')
  assert.deepEqual(body, frame('v2.6.22'))
  assert.deepEqual(Object.entries(trailers), [['grpc-status', '0']])
  assert.equal(trailersOnly, false)
})

test('an error is HEADERS with END_STREAM and a percent-encoded text', async () => {
  await using server = await startProtocolServer()
  using session = connect(server.address)
  const stream = open(session, 'Query')
  stream.end(frame('undecodable'))
  const { headers, trailersOnly } = await answer(stream)
  assert.equal(trailersOnly, true)
  assert.equal(headers['grpc-status'], '13')
  assert.equal(headers['grpc-message'], 'cannot decode 100 %25 of Query: %C3%BC')
})

test('a message cut into single bytes is put together', async () => {
  await using server = await startProtocolServer()
  using session = connect(server.address)
  const stream = open(session, 'Query')
  for (const byte of frame('abcdef')) stream.write(Buffer.of(byte))
  stream.end()
  assert.equal((await answer(stream)).body.subarray(5).toString(), 'xxxxxx')
})

test('the deadline counts from the headers and covers the body; the unfinished body is reset', async () => {
  await using server = await startProtocolServer()
  using session = connect(server.address)
  const stream = open(session, 'Query', { 'grpc-timeout': '80m' })
  stream.write(frame('x'.repeat(1000)).subarray(0, 100))
  const { headers, rstCode } = await answer(stream)
  assert.equal(headers['grpc-status'], '4')
  assert.equal(rstCode, http2.constants.NGHTTP2_NO_ERROR)
  assert.equal(server.budget.used, 0)
  assert.equal(server.seen.requests.length, 0)
  await eventually(() => server.openStreams() === 0)
})

test('a body that trickles is cut off without a deadline', async () => {
  await using server = await startProtocolServer({ limits: { bodyTimeoutMs: 100, bodyBytesPerSecondMin: 1000 } })
  using session = connect(server.address)
  const stream = open(session, 'Query')
  const timer = setInterval(() => stream.closed || stream.write(Buffer.of(0)), 20)
  const { headers } = await answer(stream)
  clearInterval(timer)
  assert.equal(headers['grpc-status'], '4')
  assert.match(String(headers['grpc-message']), /request body too slow: \d+ bytes received/)
})

test('a length prefix above the limit is refused at once and reset', async () => {
  await using server = await startProtocolServer({ limits: { messageBytesMax: 1000 } })
  using session = connect(server.address)
  const stream = open(session, 'Query')
  stream.write(Buffer.of(0, 0x7f, 0xff, 0xff, 0xff))
  const { headers, rstCode, trailersOnly } = await answer(stream)
  assert.equal(headers['grpc-status'], '8')
  assert.match(String(headers['grpc-message']), /larger than max \(2147483647 vs\. 1000\)/)
  assert.equal(trailersOnly, true)
  assert.equal(rstCode, http2.constants.NGHTTP2_NO_ERROR)
  await eventually(() => server.openStreams() === 0)
})

test('above the byte budget a second body waits for the first', async () => {
  await using server = await startProtocolServer({ limits: { bytesInFlightMax: 100_000 } })
  using session = connect(server.address)
  const half = frame('a'.repeat(400_000)).subarray(0, 200_000)
  const rest = frame('a'.repeat(400_000)).subarray(200_000)
  const first = open(session, 'Query')
  first.write(half)
  await eventually(() => server.budget.used === 200_000)
  const second = open(session, 'Query')
  second.end(Buffer.concat([half, rest]))
  await eventually(() => server.budget.used > 200_000)
  const used = server.budget.used
  await new Promise((resolve) => session.ping(resolve))
  assert.ok(server.budget.used === used && used < 600_000, `the second body is paused, not buffered (${used})`)
  assert.equal(server.seen.requests.length, 0)
  first.end(rest)
  const [one, two] = await Promise.all([answer(first), answer(second)])
  assert.deepEqual([one.body.length, two.body.length], [400_005, 400_005])
  assert.equal(server.budget.used, 0)
})

test('a body that waits is ended by its deadline, and its stream closes', async () => {
  await using server = await startProtocolServer({ limits: { bytesInFlightMax: 1000 } })
  using session = connect(server.address)
  const first = open(session, 'Query')
  first.write(frame('a'.repeat(4000)).subarray(0, 2000))
  await eventually(() => server.budget.used === 2000)
  const second = open(session, 'Query', { 'grpc-timeout': '100m' })
  second.write(frame('a'.repeat(400_000)).subarray(0, 300_000))
  const { headers } = await answer(second)
  assert.equal(headers['grpc-status'], '4')
  assert.equal(server.budget.used, 2000)
  await eventually(() => server.openStreams() === 1)
})

test('beyond the waiting limit a body is refused', async () => {
  await using server = await startProtocolServer({ limits: { bytesInFlightMax: 1000, waitingMax: 0 } })
  using session = connect(server.address)
  const first = open(session, 'Query')
  first.write(frame('a'.repeat(4000)).subarray(0, 2000))
  await eventually(() => server.budget.used === 2000)
  const second = open(session, 'Query')
  second.write(frame('a'.repeat(4000)).subarray(0, 2000))
  assert.equal((await answer(second)).headers['grpc-status'], '8')
  assert.equal(server.budget.used, 2000)
  first.close()
  await eventually(() => server.budget.used === 0)
})

test('gzip leaves only for a client that accepts it and only above the size', async () => {
  await using server = await startProtocolServer({ limits: { replyGzipBytesMin: 100 } })
  using session = connect(server.address)
  const ask = async (size: number, accept: string) => {
    const stream = open(session, 'Query', { 'grpc-accept-encoding': accept })
    stream.end(frame(`size ${size}`))
    return answer(stream)
  }
  const zipped = await ask(5000, 'identity, gzip')
  assert.equal(zipped.headers['grpc-encoding'], 'gzip')
  assert.equal(zipped.body[0], 1)
  assert.equal(gunzipSync(zipped.body.subarray(5)).length, 5000)
  for (const [size, accept] of [
    [50, 'gzip'],
    [5000, 'identity'],
    [5000, ''],
  ] as const) {
    const plain = await ask(size, accept)
    assert.equal(plain.headers['grpc-encoding'], undefined)
    assert.equal(plain.body.length, size + 5)
  }
})

test('what is malformed is refused with its reason', async () => {
  await using server = await startProtocolServer()
  using session = connect(server.address)
  const cases: [Record<string, string>, Buffer, string, RegExp][] = [
    [{}, Buffer.of(7, 0, 0, 0, 0), '13', /compressed flag 7/],
    [{}, frame('abc').subarray(0, 6), '13', /ended after 6 bytes, within its message/],
    [{}, Buffer.alloc(0), '13', /ended after 0 bytes/],
    [{}, Buffer.concat([frame('a'), frame('b')]), '13', /exactly one message/],
    [{}, frame('abc', 1), '13', /without a grpc-encoding/],
    [{ 'grpc-encoding': 'gzip' }, frame('abc', 1), '13', /not valid gzip/],
    [{ 'grpc-encoding': 'snappy' }, frame('abc', 1), '12', /"snappy" is not served; use identity or gzip/],
    [{ 'grpc-timeout': '1y' }, frame('abc'), '13', /malformed grpc-timeout "1y"/],
  ]
  for (const [headers, body, status, text] of cases) {
    const stream = open(session, 'Query', headers)
    stream.end(body)
    const reply = await answer(stream)
    assert.equal(reply.headers['grpc-status'], status, String(text))
    assert.match(decodeURIComponent(String(reply.headers['grpc-message'])), text)
  }
})

test('what is no gRPC call gets an HTTP status', async () => {
  await using server = await startProtocolServer()
  using session = connect(server.address)
  const web = open(session, 'GetVersion', { 'content-type': 'application/grpc-web+proto' })
  web.end(frame(''))
  assert.equal((await answer(web)).headers[':status'], 415)
  const put = open(session, 'GetVersion', { ':method': 'PUT' })
  put.end()
  assert.equal((await answer(put)).headers[':status'], 405)
})

test('a client that leaves in the middle leaves nothing behind', async () => {
  await using server = await startProtocolServer()
  const session = connect(server.address)
  for (let n = 0; n < 20; n++) open(session, 'Query').write(frame('a'.repeat(4000)).subarray(0, 2000))
  await eventually(() => server.budget.used === 40_000)
  session.destroy()
  await eventually(() => server.budget.used === 0)
  assert.deepEqual(server.seen.errors, [])
})
