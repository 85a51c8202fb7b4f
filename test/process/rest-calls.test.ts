/** The REST layer by fetch (HTTP/1.1) and by HTTP/2. */
import assert from 'node:assert/strict'
import http from 'node:http'
import http2 from 'node:http2'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { type ProtocolServer, startProtocolServer } from '../support/protocol-server.ts'

interface Reply {
  readonly status: number
  readonly headers: Record<string, string>
  readonly text: string
}
type Send = (
  server: ProtocolServer,
  method: string,
  path: string,
  body?: string | null,
  headers?: Record<string, string>,
) => Promise<Reply>

const byFetch: Send = async (server, method, path, body = null, headers = {}) => {
  const response = await fetch(`http://${server.address1}${path}`, { method, body, headers })
  return { status: response.status, headers: Object.fromEntries(response.headers), text: await response.text() }
}

const byHttp2: Send = (server, method, path, body = null, headers = {}) =>
  new Promise((resolve, reject) => {
    const session = http2.connect(`http://${server.address}`)
    session.on('error', reject)
    const stream = session.request({ ':method': method, ':path': path, ...headers }, { endStream: body === null })
    const reply = { status: 0, headers: {}, text: '' }
    stream.setEncoding('utf8')
    stream.on('response', (h) => Object.assign(reply, { status: h[':status'], headers: h }))
    stream.on('data', (chunk: string) => {
      reply.text += chunk
    })
    stream.on('close', () => {
      session.destroy()
      resolve(reply)
    })
    if (body !== null) stream.end(body)
  })

const QUERY = '/v2/vectordb/entities/query'
const ECHO = '/v2/vectordb/entities/echo'
const LIST = '/v2/vectordb/collections/list'

for (const [name, send] of [
  ['HTTP/1.1', byFetch],
  ['HTTP/2', byHttp2],
] as const) {
  test(`${name}: envelope, headers, any content type`, async () => {
    await using server = await startProtocolServer()
    const reply = await send(server, 'POST', ECHO, '{"a":1}', { 'content-type': 'application/x-www-form-urlencoded' })
    assert.equal(reply.status, 200)
    assert.equal(reply.text, '{"code":0,"data":{"a":1},"cost":6}')
    assert.equal(reply.headers['content-type'], 'application/json; charset=utf-8')
    assert.equal(reply.headers['x-content-type-options'], 'nosniff')
    assert.equal(reply.headers['access-control-allow-origin'], '*')
    assert.match(reply.headers['x-milvus-trace-id'] ?? '', /^[0-9a-f]{32}$/)
  })

  test(`${name}: int64 keeps its 64 bits both ways, and leaves as text on request`, async () => {
    await using server = await startProtocolServer()
    const body =
      '{"id":9223372036854775807,"low":-9223372036854775808,"n":42,"f":0.12345678901234567,"s":"9223372036854775807"}'
    assert.ok(
      (await send(server, 'POST', ECHO, body)).text.includes(
        '"id":9223372036854775807,"low":-9223372036854775808,"n":42',
      ),
    )
    const text = await send(server, 'POST', ECHO, body, { 'accept-type-allow-int64': 'false' })
    assert.ok(text.text.includes('"id":"9223372036854775807","low":"-9223372036854775808","n":42'), text.text)
    const query = await send(server, 'POST', QUERY, '{"filter":"ab"}')
    assert.equal(query.text, '{"code":0,"data":{"rows":9007199254740995,"as":true}}')
  })

  test(`${name}: bodies that are no JSON object are 1801`, async () => {
    await using server = await startProtocolServer()
    for (const body of ['', '[]', '3', 'null', '{"a":', '"x"']) {
      const reply = await send(server, 'POST', QUERY, body)
      const { code, message } = JSON.parse(reply.text) as { code: number; message: string }
      assert.equal(reply.status, 200)
      assert.equal(code, 1801, body)
      assert.match(message, /^can only accept json format request, error: /)
    }
  })

  test(`${name}: errors carry code and text; a fault of ours tells nothing`, async () => {
    await using server = await startProtocolServer()
    const missing = await send(server, 'POST', QUERY, '{"filter":"missing"}')
    assert.deepEqual([missing.status, missing.text], [200, '{"code":100,"message":"can\'t find collection"}'])
    const broken = await send(server, 'POST', QUERY, '{"filter":"broken"}')
    assert.equal(broken.text, '{"code":65535,"message":"unexpected error: see the server log"}')
    assert.match(JSON.stringify(server.seen.errors), /a secret detail/)
  })

  test(`${name}: the collection list works by GET and without a body, v1 answers code 200`, async () => {
    await using server = await startProtocolServer()
    assert.equal((await send(server, 'GET', LIST)).text, '{"code":0,"data":["default"]}')
    assert.equal((await send(server, 'POST', LIST, '')).text, '{"code":0,"data":["default"]}')
    assert.equal(
      (await send(server, 'POST', LIST, '{"dbName":"a"}', { 'db-name': 'b' })).text,
      '{"code":0,"data":["a"]}',
    )
    assert.equal((await send(server, 'POST', LIST, '{}', { 'db-name': 'b' })).text, '{"code":0,"data":["b"]}')
    assert.equal(
      (await send(server, 'GET', '/v1/vector/collections?a=%C3%BC&dbName=q')).text,
      '{"code":200,"data":["q","ü"]}',
    )
    const head = await send(server, 'HEAD', LIST)
    assert.deepEqual([head.status, head.text], [200, ''])
  })

  test(`${name}: unknown paths and methods are 404, OPTIONS is 204`, async () => {
    await using server = await startProtocolServer()
    for (const [method, path] of [
      ['POST', '/nope'],
      ['GET', QUERY],
      ['DELETE', LIST],
    ] as const) {
      const reply = await send(server, method, path)
      assert.deepEqual(
        [reply.status, reply.text, reply.headers['content-type']],
        [404, '404 page not found', 'text/plain'],
      )
    }
    const options = await send(server, 'OPTIONS', QUERY)
    assert.equal(options.status, 204)
    assert.match(options.headers['access-control-allow-headers'] ?? '', /Authorization/)
  })

  test(`${name}: without credentials everything is 401 first`, async () => {
    await using server = await startProtocolServer({ authorisation: true })
    for (const [path, authorization] of [
      [QUERY, ''],
      ['/nope', ''],
      [QUERY, 'Bearer root:wrong'],
    ] as const) {
      const reply = await send(server, 'POST', path, '{}', authorization ? { authorization } : {})
      assert.deepEqual([reply.status, reply.text], [401, '{"code":1800,"message":"user hasn\'t authenticated"}'])
      assert.equal(reply.headers['www-authenticate'], undefined)
    }
    const basic = await send(server, 'POST', QUERY, '{}', { authorization: 'Basic eDp5' })
    assert.equal(basic.headers['www-authenticate'], 'Basic realm="restricted", charset="UTF-8"')
    assert.equal((await send(server, 'POST', ECHO, '{}', { authorization: 'Bearer root:Milvus' })).status, 200)
    assert.equal((await send(server, 'OPTIONS', QUERY)).status, 204)
  })

  test(`${name}: Request-Timeout ends the call with 408`, async () => {
    await using server = await startProtocolServer({ limits: { restTimeoutMs: 50 } })
    const late = await send(server, 'POST', QUERY, '{"filter":"hang"}')
    assert.deepEqual([late.status, late.text], [408, '{"code":10001,"message":"request timeout"}'])
    assert.equal(server.seen.aborted.length, 1)
    const header = await send(server, 'POST', QUERY, '{"filter":"hang"}', { 'request-timeout': '0' })
    assert.equal(header.status, 408)
    const wrong = await send(server, 'POST', QUERY, '{}', { 'request-timeout': 'soon' })
    assert.match(wrong.text, /"code":1100.*Request-Timeout parse failed/)
  })

  test(`${name}: a body above the limit is 413`, async () => {
    await using server = await startProtocolServer({ limits: { messageBytesMax: 1000 } })
    const reply = await send(server, 'POST', QUERY, `{"filter":"${'x'.repeat(2000)}"}`)
    assert.equal(reply.status, 413)
    assert.match(reply.text, /larger than max \(\d+ vs\. 1000\)/)
    assert.equal(server.budget.used, 0)
  })
}

test('a body without a declared length is counted, and the connection does not serve on', async () => {
  await using server = await startProtocolServer({ limits: { messageBytesMax: 100_000 } })
  const reply = await new Promise<{ status: number | undefined; connection: string | undefined }>((resolve, reject) => {
    const [host, port] = server.address1.split(':')
    const request = http.request({ host, port, path: QUERY, method: 'POST' }, (response) => {
      response.resume()
      resolve({ status: response.statusCode, connection: response.headers.connection })
    })
    request.on('error', reject)
    for (let n = 0; n < 4; n++) request.write(Buffer.alloc(50_000, 0x20))
  })
  assert.deepEqual(reply, { status: 413, connection: 'close' })
})

test('a declared length above the limit is refused before the body is sent', async () => {
  await using server = await startProtocolServer({ limits: { messageBytesMax: 1000 } })
  const status = await new Promise((resolve, reject) => {
    const [host, port] = server.address1.split(':')
    const headers = { 'content-length': 1_000_000 }
    const request = http.request({ host, port, path: QUERY, method: 'POST', headers, timeout: 5000 }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    request.on('error', reject)
    request.on('timeout', () => request.destroy(new Error('no answer while the body is awaited')))
    request.write('{')
  })
  assert.equal(status, 413)
})

test('a slow body is ended by the time limit; a client that leaves aborts the call', async () => {
  await using server = await startProtocolServer({ limits: { restTimeoutMs: 2000 } })
  const session = http2.connect(`http://${server.address}`)
  session.on('error', () => {})
  const slow = session.request({ ':method': 'POST', ':path': QUERY, 'request-timeout': '0' }, { endStream: false })
  slow.on('error', () => {})
  slow.write('{')
  const status = await new Promise((resolve) => slow.on('response', (h) => resolve(h[':status'])))
  assert.equal(status, 408)
  const hang = session.request({ ':method': 'POST', ':path': QUERY })
  hang.on('error', () => {})
  hang.end('{"filter":"hang"}')
  await eventually(() => server.seen.passes.length === 1)
  session.destroy()
  await eventually(() => server.seen.aborted.length === 1)
  const text = await server.metrics.registry.metrics()
  assert.ok(text.includes(`req_count{function_name="${QUERY}",status="cancel",protocol="rest"} 1`), text)
})
