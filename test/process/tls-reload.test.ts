/** Certificates change under load: no call fails, no handshake is lost, and bad files never take the place of good ones. */
import assert from 'node:assert/strict'
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { type Made, make } from '../support/certificates.ts'
import { http2Call, visit } from '../support/tls-client.ts'
import { folder, openPort, type Port, until } from '../support/tls-port.ts'

const GRPC = 'application/grpc'
let ca: Made
let otherCa: Made
let pairs: Made[]
let client: Made

before(async () => {
  ca = await make({ cn: 'root', ca: true })
  otherCa = await make({ cn: 'other root', ca: true })
  client = await make({ cn: 'client', by: ca, usages: ['clientAuth'] })
  pairs = await Promise.all(
    (['ec', 'rsa', 'ec', 'ed25519'] as const).map((keyKind) =>
      make({ cn: 'localhost', by: ca, usages: ['serverAuth'], keyKind }),
    ),
  )
})

function pair(index: number): Made {
  const found = pairs[index % pairs.length]
  assert.ok(found)
  return found
}

async function servedSerial(port: number): Promise<string> {
  const socket: TLSSocket = connect({
    host: '127.0.0.1',
    port,
    ca: ca.pem,
    servername: 'localhost',
    cert: client.pem,
    key: client.key,
  })
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('secureConnect', resolve))
  const serial = socket.getPeerX509Certificate()?.serialNumber ?? ''
  socket.destroy()
  return serial.toLowerCase()
}

const serialOf = (made: Made) => made.certificate.serialNumber.replace(/^00/, '').toLowerCase()

describe('reload under load, mutual TLS', () => {
  let files: Awaited<ReturnType<typeof folder>>
  let port: Port
  before(async () => {
    files = await folder({ 'server.pem': pair(0).pem, 'server.key': pair(0).key, 'ca.pem': ca.pem })
    const set = {
      kind: 'mutual',
      serverPem: files.path('server.pem'),
      serverKey: files.path('server.key'),
      caPem: files.path('ca.pem'),
    } as const
    port = await openPort(set, { settings: { watchIntervalMs: 20 } })
  })
  after(async () => {
    await port[Symbol.asyncDispose]()
    await files[Symbol.asyncDispose]()
  })

  test('good, mismatched, half-written and missing files alternate: 0 failed calls', async () => {
    assert.ok(port.material)
    const trust = { ca: ca.pem, cert: client.pem, key: client.key, servername: 'localhost' }
    let busy = true
    let fresh = 0
    let open = 0
    const freshLoop = async () => {
      for (; busy; fresh += 1) assert.equal((await http2Call(port.port, trust, GRPC)).grpcStatus, '0')
    }
    const session = connectHttp2(`https://127.0.0.1:${port.port}`, trust)
    const openLoop = async () => {
      for (; busy; open += 1) assert.equal(await echo(session, 'hello'), 'hello')
    }
    const loops = Promise.all([freshLoop(), freshLoop(), freshLoop(), openLoop(), openLoop(), openLoop()])
    // A loop that fails early is reported at once, not after the last round.
    let failure: unknown = null
    loops.catch((error: unknown) => {
      failure = error
    })

    const bad: (() => Promise<void>)[] = [
      () => writeFile(files.path('server.key'), pair(3).key),
      () => writeFile(files.path('server.pem'), pair(2).pem.slice(0, 300)),
      () => writeFile(files.path('server.key'), ''),
      () => rm(files.path('server.pem')),
      () => writeFile(files.path('ca.pem'), ca.pem + otherCa.pem.slice(0, 200)),
    ]
    let generation = 1
    for (let round = 1; round <= bad.length * 2; round += 1) {
      // Bad input: one refusal, the generation stays.
      const refusals = refused(port)
      await bad[round % bad.length]?.()
      await until('a refusal is logged', () => refused(port) > refusals)
      assert.equal(port.material.current.number, generation)
      assert.equal(refused(port), refusals + 1)
      // Good input again, torn as an editor does it: certificate first, then key.
      const next = pair(round)
      await writeFile(files.path('ca.pem'), ca.pem)
      await writeFile(files.path('server.pem'), next.pem)
      await writeFile(files.path('server.key'), next.key)
      await until('the new pair serves', async () => (await servedSerial(port.port)) === serialOf(next))
      assert.ok(port.material.current.number > generation)
      generation = port.material.current.number
      assert.equal(failure, null)
    }
    busy = false
    await loops
    session.destroy()
    assert.ok(fresh > 20 && open > 20, `${fresh} fresh connections, ${open} calls on an open one`)
    assert.equal(await port.handshakes({ result: 'refused' }), await port.handshakes({ reason: 'closedEarly' }))
    assert.equal((await port.metrics.generation.get()).values[0]?.value, generation)
  })

  test('the same bad content is reported once, by watcher and SIGHUP alike', async () => {
    const refusals = refused(port)
    await writeFile(files.path('server.key'), pair(3).key.slice(0, 50))
    await until('it is reported', () => refused(port) === refusals + 1)
    const outcome = await port.material?.reload('SIGHUP')
    assert.equal(outcome?.kind, 'refused')
    await port.material?.reload('SIGHUP')
    assert.equal(refused(port), refusals + 1)
  })
})

test('SIGHUP loads at once; the same content is no reload; a changed CA holds for the next handshake', async () => {
  await using files = await folder({ 'server.pem': pair(0).pem, 'server.key': pair(0).key, 'ca.pem': ca.pem })
  const set = {
    kind: 'mutual',
    serverPem: files.path('server.pem'),
    serverKey: files.path('server.key'),
    caPem: files.path('ca.pem'),
  } as const
  await using port = await openPort(set)
  assert.deepEqual(await port.material?.reload('SIGHUP'), { kind: 'unchanged', generation: 1 })
  const trust = { ca: ca.pem, cert: client.pem, key: client.key, servername: 'localhost' }
  const session = connectHttp2(`https://127.0.0.1:${port.port}`, trust)
  assert.equal(await echo(session, 'before'), 'before')
  await writeFile(files.path('ca.pem'), otherCa.pem)
  assert.deepEqual(await port.material?.reload('SIGHUP'), { kind: 'swapped', generation: 2 })
  await assert.rejects(http2Call(port.port, trust, GRPC))
  await closed(session)
})

test('live connections stay where their authority does; those of a removed one are sent away within a second', async () => {
  await using files = await folder({
    'server.pem': pair(0).pem,
    'server.key': pair(0).key,
    'ca.pem': ca.pem + otherCa.pem,
  })
  const set = {
    kind: 'mutual',
    serverPem: files.path('server.pem'),
    serverKey: files.path('server.key'),
    caPem: files.path('ca.pem'),
  } as const
  await using port = await openPort(set)
  const second = await make({ cn: 'second', by: ca })
  const stranger = await make({ cn: 'stranger', by: otherCa, usages: ['clientAuth'] })
  const open = (cert: string, key: string) =>
    connectHttp2(`https://127.0.0.1:${port.port}`, { ca: ca.pem, cert, key, servername: 'localhost' })
  const stays = [open(client.pem, client.key), open(second.pem, second.key)]
  const goes = open(stranger.pem, stranger.key)
  const slow = goes.request({ ':method': 'POST', ':path': '/p.S/M', 'content-type': GRPC })
  slow.on('error', () => {})
  slow.write('never ends')
  for (const session of [...stays, goes]) assert.equal(await echo(session, 'before'), 'before')
  await writeFile(files.path('ca.pem'), ca.pem)
  const began = Date.now()
  await port.material?.reload('SIGHUP')
  await closed(goes)
  assert.ok(Date.now() - began < 3_000)
  for (const session of stays) assert.equal(await echo(session, 'after'), 'after')
  assert.equal(
    port.listener.closeWhere((facts) => facts.tls?.client?.subject === 'CN=second'),
    1,
  )
  await until('it closed', () => stays[1]?.closed === true)
  assert.equal(await echo(stays[0] ?? goes, 'still'), 'still')
  stays[0]?.destroy()
})

test('a connection ends when its client certificate does', async () => {
  await using files = await folder({ 'server.pem': pair(0).pem, 'server.key': pair(0).key, 'ca.pem': ca.pem })
  const set = {
    kind: 'mutual',
    serverPem: files.path('server.pem'),
    serverKey: files.path('server.key'),
    caPem: files.path('ca.pem'),
  } as const
  await using port = await openPort(set, { limits: { pingAfterMs: 200 } })
  const brief = await make({ cn: 'brief', by: ca, usages: ['clientAuth'], toDays: 2.5 / 86_400 })
  const session = connectHttp2(`https://127.0.0.1:${port.port}`, {
    ca: ca.pem,
    cert: brief.pem,
    key: brief.key,
    servername: 'localhost',
  })
  assert.equal(await echo(session, 'hello'), 'hello')
  await closed(session)
  assert.ok(Date.now() >= brief.certificate.notAfter.getTime())
  await assert.rejects(http2Call(port.port, { ca: ca.pem, cert: brief.pem, key: brief.key }, GRPC))
  assert.equal(await port.handshakes({ reason: 'expired' }), 1)
})

test('a ticket of an older generation is not taken, in one-way mode a fresh one is', async () => {
  await using files = await folder({ 'server.pem': pair(0).pem, 'server.key': pair(0).key })
  const set = { kind: 'oneWay', serverPem: files.path('server.pem'), serverKey: files.path('server.key') } as const
  await using port = await openPort(set)
  const trust = { ca: ca.pem }
  const session = (await visit(port.port, trust)).tickets[0]
  assert.ok(session)
  assert.equal((await visit(port.port, { ...trust, session })).reused, true)
  await writeFile(files.path('server.pem'), pair(1).pem)
  await writeFile(files.path('server.key'), pair(1).key)
  await port.material?.reload('SIGHUP')
  assert.equal((await visit(port.port, { ...trust, session })).reused, false)
})

test("the watcher sees Kubernetes' swap of the data link", async () => {
  await using files = await folder({})
  const root = dirname(files.path('x'))
  const version = async (name: string, made: Made) => {
    await mkdir(join(root, name))
    await writeFile(join(root, name, 'tls.crt'), made.pem)
    await writeFile(join(root, name, 'tls.key'), made.key)
  }
  await version('v1', pair(0))
  await version('v2', pair(1))
  await symlink('v1', join(root, '..data'))
  await symlink('..data/tls.crt', join(root, 'tls.crt'))
  await symlink('..data/tls.key', join(root, 'tls.key'))
  const set = { kind: 'oneWay', serverPem: join(root, 'tls.crt'), serverKey: join(root, 'tls.key') } as const
  await using port = await openPort(set, { settings: { watchIntervalMs: 20 } })
  await symlink('v2', join(root, '..data_tmp'))
  await rename(join(root, '..data_tmp'), join(root, '..data'))
  await until('the new pair serves', async () => (await servedSerial(port.port)) === serialOf(pair(1)))
})

function refused(port: Port): number {
  return port.lines.filter((line) => line.message.startsWith('tls material not reloaded')).length
}

async function closed(session: ClientHttp2Session): Promise<void> {
  if (!session.destroyed) await new Promise((resolve) => session.once('close', resolve))
}

async function echo(session: ClientHttp2Session, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': '/p.S/M', 'content-type': GRPC, te: 'trailers' })
    let body = ''
    stream.setEncoding('utf8')
    stream.on('data', (chunk) => {
      body += chunk
    })
    stream.on('error', reject)
    stream.on('end', () => resolve(body))
    stream.end(text)
  })
}
