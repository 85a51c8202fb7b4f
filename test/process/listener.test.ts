/** One port, every protocol; limits that really close sockets; a drain that loses nothing. */
import assert from 'node:assert/strict'
import { connect as connectHttp2 } from 'node:http2'
import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { connect } from 'node:tls'
import { StartError } from '../../src/errors/start-error.ts'
import { mayLast } from '../../src/listener/handlers.ts'
import { listenManagement } from '../../src/listener/management.ts'
import { type Made, make } from '../support/certificates.ts'
import { http1Call, http2Call, rawExchange, received } from '../support/tls-client.ts'
import { folder, openPort, until } from '../support/tls-port.ts'

const GRPC = 'application/grpc'
let ca: Made
let files: Awaited<ReturnType<typeof folder>>
const oneWay = () => ({
  kind: 'oneWay' as const,
  serverPem: files.path('server.pem'),
  serverKey: files.path('server.key'),
})

before(async () => {
  ca = await make({ cn: 'root', ca: true })
  const server = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'] })
  files = await folder({ 'server.pem': server.pem, 'server.key': server.key })
})
after(() => files[Symbol.asyncDispose]())

describe('a plaintext port', () => {
  test('serves gRPC, REST over HTTP/2 and HTTP/1.1', async () => {
    await using port = await openPort(null)
    assert.deepEqual(await http2Call(port.port, null, GRPC), { status: 200, grpcStatus: '0', body: 'ping' })
    assert.equal((await http2Call(port.port, null, 'application/json')).status, 200)
    assert.match(await http1Call(port.port, null), /^HTTP\/1\.1 200 /)
    assert.equal(port.handlers.seen.at(-1)?.tls, null)
    assert.match(port.handlers.seen.at(-1)?.peer ?? '', /^127\.0\.0\.1:\d+$/)
  })

  test('is not confused by bytes that come one at a time, nor by methods that look like the preface', async () => {
    await using port = await openPort(null)
    for (const method of ['PROPFIND', 'PUT', 'POST']) {
      const socket = connectTcp({ port: port.port, host: '127.0.0.1', noDelay: true })
      const text = received(socket)
      for (const byte of `${method} / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`) {
        socket.write(byte)
        await new Promise((resolve) => setImmediate(resolve))
      }
      assert.match(await text, /^HTTP\/1\.1 200 /)
    }
  })

  test('closes a TLS handshake with a reason in the log', async () => {
    await using port = await openPort(null)
    const socket = connect({ host: '127.0.0.1', port: port.port })
    await assert.rejects(received(socket))
    assert.equal(port.refusals()[0]?.['reason'], 'tlsOnPlaintextPort')
    assert.equal(await rawExchange(port.port, Buffer.from([0, 1, 2, 3])), '')
    assert.equal(port.refusals()[1]?.['reason'], 'notTls')
  })
})

describe('a TLS port', () => {
  test("answers plain HTTP in Go's words and serves nothing", async () => {
    await using port = await openPort(oneWay())
    const answer = await rawExchange(port.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    assert.equal(answer, 'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n')
    assert.equal(port.refusals()[0]?.['reason'], 'plaintextHttp')
    assert.equal(port.handlers.calls, 0)
  })

  test('tells a plaintext HTTP/2 client by GOAWAY', async () => {
    await using port = await openPort(oneWay())
    const session = connectHttp2(`http://127.0.0.1:${port.port}`)
    session.on('error', () => {})
    const goaway = await new Promise<{ code: number; text: string }>((resolve) =>
      session.on('goaway', (code, _last, data) => resolve({ code, text: String(data) })),
    )
    assert.deepEqual(goaway, { code: 0xc, text: 'this port needs TLS' })
    await assert.rejects(http2Call(port.port, null, GRPC))
    assert.equal(port.refusals()[0]?.['reason'], 'plaintextHttp2')
    assert.equal(port.handlers.calls, 0)
    session.destroy()
  })
})

describe('a REST port', () => {
  test('answers gRPC with 415 and UNIMPLEMENTED, REST as ever', async () => {
    await using port = await openPort(oneWay(), { serve: 'rest', name: 'rest' })
    const answer = await http2Call(port.port, { ca: ca.pem }, GRPC)
    assert.equal(answer.status, 415)
    assert.equal(answer.grpcStatus, '12')
    assert.equal(port.handlers.calls, 0)
    assert.equal((await http2Call(port.port, { ca: ca.pem }, 'application/json')).status, 200)
    assert.match(await http1Call(port.port, { ca: ca.pem }), /^HTTP\/1\.1 200 /)
    assert.match(await http1Call(port.port, { ca: ca.pem }, 'Content-Type: application/grpc\r\n'), /^HTTP\/1\.1 415 /)
  })
})

describe('limits', () => {
  const silent = (port: number): Promise<Socket> =>
    new Promise((resolve) => {
      const socket = connectTcp(port, '127.0.0.1', () => resolve(socket))
      socket.on('error', () => {})
      socket.resume()
    })
  const closed = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve))

  test('a silent client is closed, before and during the handshake, while a good one is served', async () => {
    await using port = await openPort(oneWay(), { limits: { peekTimeoutMs: 150, handshakeTimeoutMs: 150 } })
    const sockets = await Promise.all(Array.from({ length: 40 }, () => silent(port.port)))
    const all = Promise.all(sockets.map(closed))
    for (const socket of sockets.slice(20)) socket.write(Buffer.from([0x16, 3, 1, 2, 0, 1]))
    assert.equal((await http2Call(port.port, { ca: ca.pem }, GRPC)).grpcStatus, '0')
    await all
    assert.equal(await port.handshakes({ reason: 'peekTimeout' }), 20)
    assert.equal(await port.handshakes({ reason: 'handshakeTimeout' }), 20)
    assert.equal(port.refusals().length, 2, 'one line a cause')
    await until('no connection is left', () => port.listener.connectionCount === 0)
  })

  test('slow headers over HTTP/1.1 end the connection, over plaintext and TLS', async () => {
    await using plain = await openPort(null, { limits: { headersTimeoutMs: 200 } })
    const answer = await rawExchange(plain.port, 'POST / HTTP/1.1\r\nHost: x\r\nX-Slow: ')
    assert.match(answer, /^HTTP\/1\.1 408 /)
    await using port = await openPort(oneWay(), { limits: { headersTimeoutMs: 200 } })
    const socket = connect({
      host: '127.0.0.1',
      port: port.port,
      ca: ca.pem,
      servername: 'localhost',
      ALPNProtocols: ['http/1.1'],
    })
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nX-Slow: ')
    assert.match(await received(socket), /^HTTP\/1\.1 408 /)
  })

  test('an HTTP/2 client that never sends its settings is closed', async () => {
    await using port = await openPort(oneWay(), { limits: { headersTimeoutMs: 150 } })
    const socket = connect({
      host: '127.0.0.1',
      port: port.port,
      ca: ca.pem,
      servername: 'localhost',
      ALPNProtocols: ['h2'],
    })
    socket.on('error', () => {})
    socket.resume()
    await closed(socket)
  })

  test('a body that never ends is cut over HTTP/2, but that of a stream which may last', async () => {
    await using port = await openPort(null, { limits: { requestTimeoutMs: 150 } })
    const { grpc } = port.handlers
    port.handlers.grpc = (stream, headers, connection) => {
      if (headers[':path'] === '/a/lasting') mayLast(stream)
      grpc(stream, headers, connection)
    }
    const session = connectHttp2(`http://127.0.0.1:${port.port}`)
    const ask = (path: string) => {
      const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': GRPC })
      return stream.resume().on('error', () => {})
    }
    const [lasting, stream] = [ask('/a/lasting'), ask('/a/b')]
    const ended = new Promise((resolve) => lasting.once('close', resolve))
    const timer = setInterval(() => stream.write('x'), 20)
    await new Promise((resolve) => stream.once('close', resolve))
    clearInterval(timer)
    assert.equal(stream.rstCode, 8)
    assert.ok(!session.closed, 'the connection stays')
    lasting.end('x')
    await ended
    assert.equal(lasting.rstCode, 0)
    session.destroy()
  })

  test('headers above the limit are refused, gRPC with RESOURCE_EXHAUSTED', async () => {
    await using port = await openPort(null, { limits: { headerBytesMax: 4_096 } })
    const session = connectHttp2(`http://127.0.0.1:${port.port}`)
    const ask = (type: string) =>
      new Promise<unknown>((resolve, reject) => {
        const stream = session.request({
          ':method': 'POST',
          ':path': '/a/b',
          'content-type': type,
          'x-big': 'x'.repeat(5_000),
        })
        stream.on('response', (headers) => resolve([headers[':status'], headers['grpc-status']]))
        stream.on('error', reject)
        stream.end()
      })
    assert.deepEqual(await ask(GRPC), [200, '8'])
    assert.deepEqual(await ask('application/json'), [431, undefined])
    session.destroy()
    assert.match(await http1Call(port.port, null, `X-Big: ${'x'.repeat(5_000)}\r\n`), /^HTTP\/1\.1 431 /)
    assert.equal(port.handlers.calls, 0)
  })

  test('connections are limited in all and per address', async () => {
    await using port = await openPort(null, { limits: { connectionsPerPeerMax: 2 } })
    const first = await Promise.all([silent(port.port), silent(port.port)])
    await until('both are counted', () => port.listener.connectionCount === 2)
    await closed(await silent(port.port))
    assert.equal(await port.handshakes({ reason: 'peerLimit' }), 1)
    first[0]?.destroy()
    await until('one is gone', () => port.listener.connectionCount === 1)
    assert.match(await http1Call(port.port, null), /^HTTP\/1\.1 200 /)
    first[1]?.destroy()
  })

  test('windows of 1 MB on stream and session, 256 streams', async () => {
    await using port = await openPort(null)
    const session = connectHttp2(`http://127.0.0.1:${port.port}`)
    const settings = await new Promise<{ initialWindowSize?: number; maxConcurrentStreams?: number }>((resolve) =>
      session.once('remoteSettings', resolve),
    )
    assert.equal(settings.initialWindowSize, 1 << 20)
    assert.equal(settings.maxConcurrentStreams, 256)
    await until('the session window grew', () => (session.state.remoteWindowSize ?? 0) === 1 << 20)
    session.destroy()
  })

  test('pings: the client may send as many as it likes, the server asks a silent peer and drops a dead one', async () => {
    await using port = await openPort(null, { limits: { pingAfterMs: 100, pingTimeoutMs: 100 } })
    const session = connectHttp2(`http://127.0.0.1:${port.port}`)
    let pinged = 0
    session.on('ping', () => {
      pinged += 1
    })
    session.on('goaway', (code) => assert.equal(code, 0))
    for (let count = 0; count < 50; count += 1) await new Promise((resolve) => session.ping(resolve))
    await until('the server pinged twice', () => pinged >= 2)
    assert.ok(!session.destroyed, 'an answering peer stays')
    session.destroy()
    // A dead peer: it sends the preface and empty settings, then never reads nor answers.
    const dead = await silent(port.port)
    dead.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    dead.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]))
    await closed(dead)
  })
})

test('clients that vanish the moment they are connected leave nothing behind', async () => {
  await using port = await openPort(oneWay(), { limits: { pingTimeoutMs: 300 } })
  const visit = async (round: number) => {
    const raw = connectTcp(port.port, '127.0.0.1')
    const socket = connect({ socket: raw, ca: ca.pem, servername: 'localhost', ALPNProtocols: ['h2'] })
    socket.on('error', () => {})
    await new Promise((resolve) => socket.once('secureConnect', resolve))
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]))
    for (let turn = 0; turn < round % 4; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    raw.resetAndDestroy()
  }
  for (let round = 0; round < 15; round += 1) await Promise.all([1, 2, 3, 4].map((step) => visit(round + step)))
  await until('no connection is left', () => port.listener.connectionCount === 0, 4_000)
  await Promise.all([1, 2, 3, 4].map(visit))
  const began = Date.now()
  await port.listener.drain(10_000)
  assert.ok(Date.now() - began < 2_000, 'nor do they hold up a drain')
})

describe('drain', () => {
  test('finishes calls in progress on every protocol, takes no new ones, then ends', async () => {
    await using port = await openPort(oneWay())
    const session = connectHttp2(`https://127.0.0.1:${port.port}`, { ca: ca.pem, servername: 'localhost' })
    const idle = connectHttp2(`https://127.0.0.1:${port.port}`, { ca: ca.pem, servername: 'localhost' })
    await new Promise((resolve) => idle.once('remoteSettings', resolve))
    const stream = session.request({ ':method': 'POST', ':path': '/a/b', 'content-type': GRPC })
    stream.write('begun ')
    const rest = connect({
      host: '127.0.0.1',
      port: port.port,
      ca: ca.pem,
      servername: 'localhost',
      ALPNProtocols: ['http/1.1'],
    })
    rest.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab')
    await until('both calls are in', () => port.handlers.calls === 2)

    const goaway = new Promise((resolve) => session.once('goaway', resolve))
    const drained = port.listener.drain(5_000)
    await goaway
    await new Promise((resolve) => idle.once('close', resolve))
    await assert.rejects(http2Call(port.port, { ca: ca.pem }, GRPC), /ECONNREFUSED/)

    let body = ''
    stream.setEncoding('utf8')
    stream.on('data', (chunk) => {
      body += chunk
    })
    const ended = new Promise((resolve) => stream.once('end', resolve))
    stream.end('and ended')
    await ended
    assert.equal(body, 'begun and ended')
    const answer = received(rest)
    rest.write('cd')
    assert.match(await answer, /^HTTP\/1\.1 200 /)
    const began = Date.now()
    await drained
    assert.ok(Date.now() - began < 3_000, 'it ends when the last call did')
    assert.equal(port.listener.connectionCount, 0)
  })

  test('a client that ignores GOAWAY does not hold it up, nor does one that said GOAWAY and stayed', async () => {
    await using port = await openPort(oneWay())
    const speak = async (goaway: boolean) => {
      const options = { ca: ca.pem, servername: 'localhost', ALPNProtocols: ['h2'], allowHalfOpen: true }
      const socket = connect({ host: '127.0.0.1', port: port.port, ...options })
      socket.on('error', () => {})
      socket.resume()
      socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
      socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]))
      if (goaway) socket.write(Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]))
      await new Promise((resolve) => socket.once('secureConnect', resolve))
      return socket
    }
    const left = await speak(true)
    await until('it is closed without a drain', () => port.listener.connectionCount === 0)
    const stays = await speak(false)
    await until('it is open', () => port.listener.connectionCount === 1)
    const began = Date.now()
    await port.listener.drain(10_000)
    assert.ok(Date.now() - began < 3_000)
    left.destroy()
    stays.destroy()
  })

  test('what does not finish in time is cut', async () => {
    await using port = await openPort(null)
    const session = connectHttp2(`http://127.0.0.1:${port.port}`)
    session.on('error', () => {})
    const stream = session.request({ ':method': 'POST', ':path': '/a/b', 'content-type': GRPC })
    stream.on('error', () => {})
    stream.write('never ends')
    await until('the call is in', () => port.handlers.calls === 1)
    await port.listener.drain(50)
    assert.equal(port.listener.connectionCount, 0)
    session.destroy()
  })
})

test('a taken port ends the start with exit 75, naming port and setting', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  const address = taken.address()
  const port = typeof address === 'object' && address ? address.port : 0
  await assert.rejects(listenManagement({ host: '127.0.0.1', port, handler: () => {} }), (error) => {
    assert.ok(error instanceof StartError)
    assert.equal(error.exitCode, 75)
    assert.match(error.message, new RegExp(`listener management: port ${port} on 127\\.0\\.0\\.1 is in use`))
    assert.match(error.hint ?? '', /--metrics-port/)
    return true
  })
  taken.close()
})

test('the management port answers HTTP/1.1', async () => {
  await using management = await listenManagement({
    host: '127.0.0.1',
    port: 0,
    handler: (_request, response) => void response.end('OK'),
  })
  assert.match(await http1Call(management.port, null), /^HTTP\/1\.1 200 [\s\S]*OK$/)
})
