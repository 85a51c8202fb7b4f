/** Who opens connections and does not speak takes nothing from those who do; what is refused is counted by reason. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { connect } from 'node:tls'
import type { ListenerLimits } from '../../src/listener/limits.ts'
import { type Made, make } from '../support/certificates.ts'
import { slowSockets } from '../support/slow-sockets.ts'
import { received } from '../support/tls-client.ts'
import { folder, openPort, type Port, until } from '../support/tls-port.ts'

let ca: Made
let files: Awaited<ReturnType<typeof folder>>
before(async () => {
  ca = await make({ cn: 'root', ca: true })
  const server = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'] })
  files = await folder({ 'server.pem': server.pem, 'server.key': server.key })
})
after(() => files[Symbol.asyncDispose]())

const open = (limits: Partial<ListenerLimits>) =>
  openPort({ kind: 'oneWay', serverPem: files.path('server.pem'), serverKey: files.path('server.key') }, { limits })

const REQUEST = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'

/** One good request from an address; the milliseconds it took. */
async function good(port: number, localAddress = '127.0.0.1'): Promise<number> {
  const begin = performance.now()
  const raw = connectTcp({ host: '127.0.0.1', port, localAddress })
  const socket = connect({ socket: raw, servername: 'localhost', ca: ca.pem, ALPNProtocols: ['http/1.1'] })
  raw.on('error', (error) => socket.destroy(error))
  socket.write(REQUEST)
  assert.match(await received(socket), /^HTTP\/1\.1 200 /)
  return performance.now() - begin
}

async function pending({ metrics }: Port): Promise<number> {
  return (await metrics.handshakesPending.get()).values[0]?.value ?? 0
}

/** Connections of an address that stay silent; those the server closed are marked destroyed. */
async function silent(port: number, count: number, localAddress: string): Promise<readonly Socket[]> {
  const sockets = Array.from({ length: count }, () => connectTcp({ host: '127.0.0.1', port, localAddress }).resume())
  for (const socket of sockets) socket.on('error', () => {})
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  return sockets
}

/** The ClientHello of a real client. */
async function clientHello(): Promise<Buffer> {
  const [near, far] = duplexPair()
  const client = connect({ socket: near, servername: 'localhost', ca: ca.pem })
  client.on('error', () => {})
  const [hello] = (await once(far, 'data')) as [Buffer]
  client.destroy()
  return hello
}

describe('slow clients', () => {
  test('2,000 silent and 2,000 partial sockets: good handshakes go on, then nothing is pending', async (t) => {
    await using port = await open({ connectionsPerPeerMax: 5_000, peekTimeoutMs: 8_000, handshakeTimeoutMs: 5_000 })
    const from = Array.from({ length: 8 }, (_, index) => `127.0.0.${index + 2}`)
    const begin = performance.now()
    await using slow = await slowSockets({ port: port.port, silent: 2_000, partial: 2_000, from })
    await until('4,000 pending', async () => (await pending(port)) === 4_000, 7_500)
    const times: number[] = []
    for (let round = 0; round < 50; round += 1) times.push(await good(port.port))
    const worst = Math.max(...times)
    t.diagnostic(`50 handshakes meanwhile, the slowest ${Math.round(worst)} ms`)
    assert.ok(worst < 1_000, `${worst} ms`)
    // The silent ones are closed after the peek timeout; the others have the handshake timeout for a hello and once more.
    const left = 8_000 + 5_000 + 1_000 - (performance.now() - begin)
    await until('no pending handshake', async () => (await pending(port)) === 0, Math.max(1_000, left))
    await until('all sockets closed', async () => (await slow.closed()) === 4_000)
    assert.equal(await port.handshakes({ reason: 'peekTimeout' }), 2_000)
    assert.equal(await port.handshakes({ reason: 'handshakeTimeout' }), 2_000)
    assert.equal(await port.handshakes({ result: 'accepted' }), 50)
  })

  test('a ClientHello that takes longer than the peek goes to OpenSSL all the same', async () => {
    await using port = await open({ peekTimeoutMs: 100 })
    const raw = connectTcp(port.port, '127.0.0.1')
    const socket = connect({
      socket: throttled(raw, 300),
      servername: 'localhost',
      ca: ca.pem,
      ALPNProtocols: ['h2', 'http/1.1'],
    })
    await once(socket, 'secureConnect')
    assert.equal(socket.alpnProtocol, 'h2')
    socket.destroy()
    await until('counted', async () => (await port.handshakes({ result: 'accepted' })) === 1)
    const { values } = await port.metrics.groups.get()
    assert.deepEqual(
      values.map(({ labels }) => labels.group),
      ['unknown'],
    )
  })
})

describe('limits', () => {
  test('in all: the longest silent one gives way to a good handshake', async () => {
    await using port = await open({ handshakesPendingMax: 40 })
    const sockets = await silent(port.port, 40, '127.0.0.2')
    await until('40 pending', async () => (await pending(port)) === 40)
    await wait(300)
    await good(port.port, '127.0.0.3')
    await until('one was dropped', () => sockets[0]?.destroyed === true)
    assert.equal(sockets.filter((socket) => socket.destroyed).length, 1)
    assert.equal(await port.handshakes({ reason: 'handshakeLimit' }), 1)
    assert.match(String(port.refusals()[0]?.['cause']), /40 handshakes in progress.*handshakesPendingMax/)
    assert.match(String(port.refusals()[0]?.['peer']), /^127\.0\.0\.2:/)
    for (const socket of sockets) socket.destroy()
    await until('none pending', async () => (await pending(port)) === 0)
  })

  test('by address: a flood drops its own, other addresses notice nothing', async () => {
    await using port = await open({ handshakesPendingPerPeerMax: 10 })
    const sockets = await silent(port.port, 10, '127.0.0.2')
    await until('10 pending', async () => (await pending(port)) === 10)
    // Within the first moment nobody has kept us waiting: the new one is refused.
    const more = await silent(port.port, 5, '127.0.0.2')
    await until('five refused', async () => (await port.handshakes({ reason: 'handshakePeerLimit' })) === 5)
    await until('they are closed', () => more.every((socket) => socket.destroyed))
    await good(port.port, '127.0.0.3')
    await wait(300)
    await good(port.port, '127.0.0.2')
    await until('one was dropped', () => sockets[0]?.destroyed === true)
    assert.equal(await port.handshakes({ reason: 'handshakePeerLimit' }), 6)
    for (const socket of sockets) socket.destroy()
  })

  test('who has said hello is not dropped for others', async () => {
    await using port = await open({ handshakesPendingPerPeerMax: 3 })
    const hello = await clientHello()
    const sockets = await silent(port.port, 3, '127.0.0.2')
    for (const socket of sockets) socket.write(hello)
    await wait(400)
    await assert.rejects(good(port.port, '127.0.0.2'))
    assert.ok(sockets.every((socket) => !socket.destroyed))
    assert.equal(await port.handshakes({ reason: 'handshakePeerLimit' }), 1)
    for (const socket of sockets) socket.destroy()
    await until('none pending', async () => (await pending(port)) === 0)
    await good(port.port, '127.0.0.2')
  })

  test('by rate: a burst of two seconds, then no more than the rate, for that address alone', async () => {
    await using port = await open({ handshakesPerSecondPerPeer: 4 })
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => good(port.port, '127.0.0.2')))
    const served = outcomes.filter(({ status }) => status === 'fulfilled').length
    assert.ok(served >= 8 && served <= 12, `${served} served`)
    assert.equal(await port.handshakes({ reason: 'handshakeRate' }), 20 - served)
    await good(port.port, '127.0.0.3')
    await until('the bucket has filled a little', () =>
      good(port.port, '127.0.0.2').then(
        () => true,
        () => false,
      ),
    )
  })

  test('mutated ClientHellos and torn records end as refusals, and nothing stays pending', async () => {
    await using port = await open({ peekTimeoutMs: 200, handshakeTimeoutMs: 200 })
    const hello = await clientHello()
    let state = 1
    const random = (below: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
      return state % below
    }
    for (let round = 0; round < 20; round += 1) {
      const [...sockets] = await silent(port.port, 50, '127.0.0.2')
      for (const socket of sockets) {
        const bytes = Buffer.from(hello)
        for (let change = random(6); change >= 0; change -= 1) bytes[1 + random(bytes.length - 1)] = random(256)
        const cut = random(4) === 0 ? random(bytes.length) : bytes.length
        socket.write(bytes.subarray(0, cut))
        socket.end(bytes.subarray(cut))
      }
    }
    await good(port.port)
    await until('none pending', async () => (await pending(port)) === 0)
    const settled = await port.handshakes({ result: 'refused' })
    assert.ok(settled >= 900, `${settled} refused`)
  })

  test('a client that leaves in the middle of its hello is counted, and no longer pending', async () => {
    await using port = await open({})
    const [socket] = await silent(port.port, 1, '127.0.0.2')
    socket?.write(Buffer.from([22, 3, 1, 2, 0, 1]))
    await until('pending', async () => (await pending(port)) === 1)
    await wait(20)
    socket?.destroy()
    await until('counted', async () => (await port.handshakes({ reason: 'closedEarly' })) === 1)
    assert.equal(await pending(port), 0)
  })
})

/** A socket whose first bytes are sent in two halves, `ms` apart. */
function throttled(raw: Socket, ms: number) {
  const [near, far] = duplexPair()
  let isFirst = true
  far.on('data', (chunk: Buffer) => {
    if (!isFirst) return void raw.write(chunk)
    isFirst = false
    raw.write(chunk.subarray(0, 100))
    setTimeout(() => raw.write(chunk.subarray(100)), ms)
  })
  raw.on('data', (chunk: Buffer) => far.write(chunk))
  raw.on('error', () => {})
  raw.on('close', () => far.destroy())
  near.on('close', () => raw.destroy())
  return near
}
