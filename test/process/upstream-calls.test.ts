/** What a proxy passes on, in both directions, seen from a bare client and a bare upstream. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { connect } from 'node:http2'
import { after, before, beforeEach, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import grpc from '@grpc/grpc-js'
import { eventually } from '../support/eventually.ts'
import { grpcClient, type TestClient } from '../support/grpc-client.ts'
import { PREFIX } from '../support/protocol-server.ts'
import type { Served } from '../support/server.ts'
import {
  answerEcho,
  type FakeUpstream,
  fakeUpstream,
  healthOf,
  metricOf,
  reply,
  startProxy,
} from '../support/upstream.ts'

let upstream: FakeUpstream
let proxy: Served
let client: TestClient
before(async () => {
  upstream = await fakeUpstream(20)
  proxy = await startProxy(upstream.uri, ['--set', 'redkite.upstream.connections=1'])
  client = grpcClient(`127.0.0.1:${proxy.port}`)
})
after(async () => {
  client[Symbol.dispose]()
  await proxy[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
})
beforeEach(() => {
  upstream.seen.length = 0
  upstream.serve = answerEcho
})
const inFlight = async () => Number(await metricOf(proxy, 'redkite_request_bytes_in_flight'))

describe('a call through the proxy', () => {
  it('arrives with its metadata, path and bytes, and nothing of the hop', async () => {
    const message = randomBytes(3_000)
    const metadata = { dbname: 'd', identifier: '7', 'client-request-id': 'r', traceparent: '00-1-2-3', 'a-bin': 'b' }
    const { 'a-bin': binary, ...plain } = metadata
    const { message: back } = await client.call('Search', message, { metadata: { ...plain, authorization: 'eDp5' } })
    assert.deepEqual(back, message)
    const [seen] = upstream.seen
    assert.equal(seen?.[':path'], `${PREFIX}Search`)
    assert.equal(seen[':authority'], `127.0.0.1:${upstream.port}`)
    assert.equal(seen['te'], 'trailers')
    assert.partialDeepStrictEqual({ ...seen }, { ...plain, authorization: 'eDp5' })
    assert.equal(seen['grpc-timeout'], undefined)
    assert.equal(binary, 'b')
  })

  it('may be any of the declared methods, known here or not; others are not passed on', async () => {
    for (const method of ['HybridSearch', 'SelectRole', 'GetReplicas', 'RunAnalyzer', 'Connect', 'UpdateCredential']) {
      assert.equal((await client.call(method, 'x')).code, 0, method)
    }
    assert.equal(upstream.seen.length, 6)
    assert.equal((await client.call('Nonsense', 'x')).code, grpc.status.UNIMPLEMENTED)
    assert.equal((await client.call('/grpc.health.v1.Health/Check', '')).code, 0)
    assert.equal(upstream.seen.length, 6)
  })

  it('carries what is left of its deadline, and ends with it on both sides', async () => {
    const aborted = new Promise<number>((resolve) => {
      upstream.serve = (stream) => stream.on('close', () => resolve(stream.rstCode))
    })
    const { code } = await client.call('Query', 'x', { deadlineMs: 300 })
    assert.equal(code, grpc.status.DEADLINE_EXCEEDED)
    assert.equal(await aborted, 8)
    const sent = Number(/^(\d+)u$/.exec(String(upstream.seen[0]?.['grpc-timeout']))?.[1])
    assert.ok(sent > 1_000 && sent <= 300_000, `${sent} us`)
  })

  it('that the client cancels is reset upstream', async () => {
    const reached = Promise.withResolvers<void>()
    const aborted = new Promise<number>((resolve) => {
      upstream.serve = (stream) => {
        stream.on('close', () => resolve(stream.rstCode))
        reached.resolve()
      }
    })
    const outcome = client.call('Query', 'x', { onStart: (cancel) => void reached.promise.then(cancel) })
    assert.equal((await outcome).code, grpc.status.CANCELLED)
    assert.equal(await aborted, 8)
    await eventually(async () => (await inFlight()) === 0)
  })

  it('returns status, text, trailers and headers as they come', async () => {
    upstream.serve = (stream) => {
      stream.resume()
      stream.respond(
        {
          ':status': 200,
          'content-type': 'application/grpc',
          'grpc-status': '9',
          'grpc-message': '50%25 %C3%BC',
          x: 'y',
        },
        { endStream: true },
      )
    }
    const only = await client.call('Insert', 'x')
    assert.deepEqual([only.code, only.details, only.metadata['x']], [9, '50% ü', 'y'])
    upstream.serve = (stream) => {
      stream.resume()
      reply(stream, Buffer.alloc(5), { 'grpc-status': '13', 'grpc-message': 'late', x: 'z' })
    }
    const late = await client.call('Insert', 'x')
    assert.deepEqual([late.code, late.details, late.metadata['x']], [13, 'late', 'z'])
  })

  it('keeps gzip as it is, both ways', async () => {
    const plain = Buffer.from('m'.repeat(5_000))
    const zipped = gzipSync(plain)
    const body: Buffer[] = []
    upstream.serve = (stream) => {
      stream.on('data', (chunk: Buffer) => body.push(chunk))
      stream.on('end', () => {
        const head = Buffer.from([1, 0, 0, 0, 0])
        head.writeUInt32BE(zipped.length, 1)
        stream.respond(
          { ':status': 200, 'content-type': 'application/grpc', 'grpc-encoding': 'gzip' },
          { waitForTrailers: true },
        )
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
        stream.end(Buffer.concat([head, zipped]))
      })
    }
    using zipping = grpcClient(`127.0.0.1:${proxy.port}`, { 'grpc.default_compression_algorithm': 2 })
    const { message } = await zipping.call('Search', plain)
    assert.deepEqual(message, plain)
    assert.equal(upstream.seen[0]?.['grpc-encoding'], 'gzip')
    assert.equal(Buffer.concat(body)[0], 1)
  })

  it('of 20 MB and its reply of 20 MB flow through', async () => {
    const large = randomBytes(20 << 20)
    const { message } = await client.call('Insert', large)
    assert.ok(message?.equals(large))
    assert.equal(await inFlight(), 0)
  })

  it('is held back where the upstream does not read, within the bytes that both windows hold', async () => {
    const go = Promise.withResolvers<void>()
    upstream.serve = (stream) => void go.promise.then(() => answerEcho(stream))
    const session = connect(`http://127.0.0.1:${proxy.port}`)
    const stream = session.request({
      ':method': 'POST',
      ':path': `${PREFIX}Insert`,
      'content-type': 'application/grpc',
    })
    const message = randomBytes(24 << 20)
    const head = Buffer.alloc(5)
    head.writeUInt32BE(message.length, 1)
    stream.write(head)
    stream.end(message)
    await eventually(() => upstream.seen.length === 1)
    let [sent, since] = [0, performance.now()]
    await eventually(() => {
      const now = session.socket.bytesWritten
      if (now !== sent) [sent, since] = [now, performance.now()]
      return performance.now() - since > 300
    })
    assert.ok(sent < 4 << 20, `${sent} bytes were taken`)
    go.resolve()
    let bytes = 0
    for await (const chunk of stream) bytes += (chunk as Buffer).length
    assert.equal(bytes, message.length + 5)
    session.close()
  })

  it('answered before all of it was sent ends at once, and leaves nothing behind', async () => {
    upstream.serve = (stream) => {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '8', 'grpc-message': 'full' },
        { endStream: true },
      )
      stream.close(0)
    }
    const refused = await client.call('Insert', randomBytes(24 << 20))
    assert.deepEqual([refused.code, refused.details], [8, 'full'])
    upstream.serve = (stream) => {
      stream.once('readable', () => stream.session?.destroy())
    }
    const lost = await client.call('Insert', randomBytes(24 << 20))
    assert.equal(lost.code, grpc.status.UNAVAILABLE)
    await eventually(async () => (await inFlight()) === 0)
    upstream.serve = answerEcho
    assert.equal((await client.call('Insert', 'x')).code, 0)
  })

  it('larger than proxy.grpc.serverMaxRecvSize is refused by its length', async () => {
    await using small = await startProxy(upstream.uri, ['--set', 'proxy.grpc.serverMaxRecvSize=1048576'])
    using own = grpcClient(`127.0.0.1:${small.port}`)
    const { code, details } = await own.call('Insert', Buffer.alloc(1 << 21))
    assert.equal(code, grpc.status.RESOURCE_EXHAUSTED)
    assert.match(details, /received message larger than max \(2097152 vs\. 1048576\)/)
    assert.equal(upstream.seen.length, 0)
  })

  it('streams both ways, message by message', async () => {
    upstream.serve = (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', last: 'yes' }))
      stream.on('data', (chunk: Buffer) => stream.write(chunk))
      stream.on('end', () => stream.end())
    }
    const same = (bytes: Buffer) => bytes
    const call = client.raw.makeBidiStreamRequest(`${PREFIX}CreateReplicateStream`, same, same)
    const got: string[] = []
    call.on('data', (message: Buffer) => {
      got.push(message.toString())
      if (got.length === 3) call.end()
      else call.write(Buffer.from(`m${got.length}`))
    })
    const ended = new Promise<grpc.StatusObject>((resolve) => call.on('status', resolve))
    call.write(Buffer.from('m0'))
    const status = await ended
    assert.deepEqual(got, ['m0', 'm1', 'm2'])
    assert.deepEqual([status.code, status.metadata.get('last')], [0, ['yes']])
  })

  it('waits where the upstream allows no more calls at once', async () => {
    const streams: number[] = []
    let open = 0
    upstream.serve = (stream) => {
      open += 1
      streams.push(open)
      stream.on('close', () => {
        open -= 1
      })
      setImmediate(() => answerEcho(stream))
    }
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => client.call('Query', 'x')))
    assert.ok(outcomes.every(({ code }) => code === 0))
    assert.ok(Math.max(...streams) <= 20, `${Math.max(...streams)} at once`)
  })

  it('is tried again where the upstream says that it was not processed, and only there', async () => {
    let calls = 0
    upstream.serve = (stream) => {
      calls += 1
      if (calls <= 2) stream.close(7)
      else answerEcho(stream)
    }
    assert.equal((await client.call('Insert', 'x')).code, 0)
    assert.equal(calls, 3)
    for (const [reset, code] of [
      [2, grpc.status.INTERNAL],
      [8, grpc.status.CANCELLED],
      [11, grpc.status.RESOURCE_EXHAUSTED],
    ]) {
      calls = 0
      upstream.serve = (stream) => {
        calls += 1
        stream.close(reset)
      }
      assert.equal((await client.call('Insert', 'x')).code, code)
      assert.equal(calls, 1)
    }
  })

  it('moves to another connection at GOAWAY, while those under way finish', async () => {
    const go = Promise.withResolvers<void>()
    upstream.serve = (stream) => void go.promise.then(() => answerEcho(stream))
    const early = client.call('Query', 'early')
    await eventually(() => upstream.seen.length === 1)
    const [old] = upstream.sessions
    old?.goaway(0)
    upstream.serve = answerEcho
    await eventually(() => upstream.sessions.size === 2)
    assert.equal((await client.call('Query', 'late')).code, 0)
    go.resolve()
    assert.equal((await early).message?.toString(), 'early')
    await eventually(() => upstream.sessions.size === 1)
  })

  it('whose connection breaks is UNAVAILABLE, names the upstream, and says whether it may have been done', async () => {
    upstream.serve = (stream) => stream.session?.destroy()
    const { code, details } = await client.call('Insert', 'x')
    assert.equal(code, grpc.status.UNAVAILABLE)
    assert.match(details, new RegExp(`^upstream ${upstream.uri} went away during the call: .*; try again, it may have`))
    upstream.serve = answerEcho
    assert.equal((await client.call('Insert', 'x')).code, 0)
  })

  it('answered by HTTP and not by gRPC says so', async () => {
    upstream.serve = (stream) => {
      stream.resume()
      stream.respond({ ':status': 503, 'content-type': 'text/html' })
      stream.end('<h1>no</h1>')
    }
    const { code, details } = await client.call('Insert', 'x')
    assert.equal(code, grpc.status.UNAVAILABLE)
    assert.match(details, /answered HTTP 503 instead of gRPC/)
  })
})

describe('a proxy', () => {
  it('starts before its upstream does, unhealthy, and takes calls once that is there', async () => {
    const away = await fakeUpstream()
    await away[Symbol.asyncDispose]()
    await using early = await startProxy(away.uri)
    await early.logged(/upstream is unavailable"\] \[uri=http.*\] \[cause="connection refused"\]/)
    assert.match(await healthOf(early), /^500 Not all components are healthy, 0\/1/)
    using own = grpcClient(`127.0.0.1:${early.port}`)
    const began = performance.now()
    const { code, details } = await own.call('Query', 'x')
    assert.equal(code, grpc.status.UNAVAILABLE)
    assert.match(details, /^upstream http.* is unavailable: connection refused; nothing was done, try again later$/)
    assert.ok(performance.now() - began < 1_000, 'at once')
    await using back = await fakeUpstream(100, away.port)
    await eventually(async () => (await healthOf(early)).startsWith('200'))
    assert.equal((await own.call('Query', 'x')).code, 0)
    assert.equal(back.seen.length, 1)
  })

  it('that is stopped lets calls under way finish', async () => {
    await using own = await startProxy(upstream.uri)
    using caller = grpcClient(`127.0.0.1:${own.port}`)
    const go = Promise.withResolvers<void>()
    upstream.seen.length = 0
    upstream.serve = (stream) => void go.promise.then(() => answerEcho(stream))
    const late = caller.call('Query', 'late')
    await eventually(() => upstream.seen.length === 1)
    const stopped = own.stop()
    await own.logged(/stopping/)
    go.resolve()
    assert.equal((await late).message?.toString(), 'late')
    assert.equal(await stopped, 0)
  })
})
