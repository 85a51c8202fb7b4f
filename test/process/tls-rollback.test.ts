/** Back to the previous good material, and nothing brings the unwanted one back unasked. */
import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { connect } from 'node:tls'
import type { Generation } from '../../src/tls/generation.ts'
import { proveGeneration } from '../../src/tls/proof.ts'
import { type Made, make } from '../support/certificates.ts'
import { http2Call } from '../support/tls-client.ts'
import { folder, openPort, type Port, until } from '../support/tls-port.ts'

const GRPC = 'application/grpc'
let ca: Made
let pairs: Made[]

before(async () => {
  ca = await make({ cn: 'root', ca: true })
  pairs = await Promise.all(
    [1, 2, 3, 4, 5, 6].map((number) => make({ cn: `pair ${number}`, by: ca, usages: ['serverAuth'] })),
  )
})

function pair(number: number): Made {
  const found = pairs[number - 1]
  assert.ok(found)
  return found
}

describe('a rollback', () => {
  let files: Awaited<ReturnType<typeof folder>>
  let port: Port
  const write = async (made: Made) => {
    await writeFile(files.path('server.pem'), made.pem)
    await writeFile(files.path('server.key'), made.key)
  }
  const material = () => {
    assert.ok(port.material)
    return port.material
  }
  /** Serial of what a client gets. */
  const served = async () => {
    const socket = connect({ host: '127.0.0.1', port: port.port, ca: ca.pem, servername: 'localhost' })
    await once(socket, 'secureConnect')
    const serial = socket.getPeerX509Certificate()?.serialNumber.toLowerCase()
    socket.destroy()
    return serial
  }
  const serves = async (made: Made) =>
    assert.equal(await served(), made.certificate.serialNumber.replace(/^00/, '').toLowerCase())
  const loaded = async (made: Made, number: number) => {
    await write(made)
    await until('it is loaded', () => material().current.number === number)
    await serves(made)
  }
  /** As long as the watcher would need to load a change, several times over. */
  const someLooks = async () => {
    const reads = material().status().files
    for (let look = 0; look < 20; look += 1) await served()
    assert.deepEqual(material().status().files, reads)
  }

  before(async () => {
    files = await folder({ 'server.pem': pair(1).pem, 'server.key': pair(1).key })
    const set = { kind: 'oneWay', serverPem: files.path('server.pem'), serverKey: files.path('server.key') } as const
    port = await openPort(set, { settings: { watchIntervalMs: 5 } })
  })
  after(async () => {
    await port[Symbol.asyncDispose]()
    await files[Symbol.asyncDispose]()
  })

  test('without an earlier generation is refused, and says why', async () => {
    const outcome = await material().rollback('api')
    assert.equal(outcome.kind, 'refused')
    if (outcome.kind === 'refused') {
      assert.match(
        outcome.reason,
        /no earlier generation than 1 is kept in memory \(at most 3 are, none across a restart\)/,
      )
      assert.match(outcome.hint, /put the earlier files back/)
    }
    assert.equal(material().current.number, 1)
  })

  test('serves the previous material under a new number, and holds it against the watcher', async () => {
    await loaded(pair(2), 2)
    assert.deepEqual(await material().rollback('api'), { kind: 'swapped', generation: 3 })
    await serves(pair(1))
    await someLooks()
    assert.equal(material().current.number, 3)
    const { held, history, trigger } = material().status()
    assert.equal(held?.rolledBackTo, 1)
    assert.equal(trigger, 'api')
    assert.deepEqual(
      history.map(({ generation, rolledBackTo, kept }) => [generation, rolledBackTo, kept]),
      [
        [3, 1, false],
        [2, null, false],
        [1, null, false],
      ],
    )
    assert.equal((await port.metrics.rolledBack.get()).values[0]?.value, 1)
    const line = port.lines.find(({ message }) => message.startsWith('tls material rolled back'))
    assert.deepEqual([line?.level, line?.fields['from'], line?.fields['to']], ['warn', 2, 1])
  })

  test('ends when the files change', async () => {
    await loaded(pair(3), 4)
    assert.equal(material().status().held, null)
    assert.equal((await port.metrics.rolledBack.get()).values[0]?.value, 0)
  })

  test('ends at an explicit reload, which loads what the files hold', async () => {
    assert.equal((await material().rollback('api')).kind, 'swapped')
    await serves(pair(1))
    assert.deepEqual(await material().reload('SIGHUP'), { kind: 'swapped', generation: 6 })
    await serves(pair(3))
  })

  test('twice goes back twice, three times at most', async () => {
    await loaded(pair(4), 7)
    await loaded(pair(5), 8)
    await loaded(pair(6), 9)
    for (const number of [5, 4, 3]) {
      assert.equal((await material().rollback('command line')).kind, 'swapped')
      await serves(pair(number))
    }
    assert.equal((await material().rollback('command line')).kind, 'refused')
    await serves(pair(3))
    await someLooks()
  })

  test('ends without a swap when the files come to hold what it brought back', async () => {
    const { number } = material().current
    await write(pair(3))
    await until('the hold ends', async () => {
      if (material().status().held !== null) return false
      return (await port.metrics.rolledBack.get()).values[0]?.value === 0
    })
    assert.equal(material().current.number, number)
  })
})

test('a refusal is told by status until the next good load', async () => {
  await using files = await folder({ 'server.pem': pair(1).pem, 'server.key': pair(1).key })
  const set = { kind: 'oneWay', serverPem: files.path('server.pem'), serverKey: files.path('server.key') } as const
  await using port = await openPort(set)
  await writeFile(files.path('server.key'), pair(2).key)
  assert.equal((await port.material?.reload('api'))?.kind, 'refused')
  const { lastRefusal, generation } = port.material?.status() ?? {}
  assert.match(lastRefusal?.reason ?? '', /private key does not match public key/)
  assert.equal(lastRefusal?.trigger, 'api')
  assert.equal(generation, 1)
  assert.doesNotMatch(JSON.stringify(port.material?.status()), /PRIVATE KEY/)
})

describe('the proof before activation, in mutual mode', () => {
  const opened = async (more: Readonly<Record<string, string>> = {}) => {
    const files = await folder({ 'server.pem': pair(1).pem, 'server.key': pair(1).key, 'ca.pem': ca.pem, ...more })
    const at = files.path
    const set = {
      kind: 'mutual',
      serverPem: at('server.pem'),
      serverKey: at('server.key'),
      caPem: at('ca.pem'),
    } as const
    return { files, set }
  }

  test('asks for a client of the CA where its key is at hand, and takes it; all within 100 ms', async () => {
    const { files, set } = await opened({ 'ca.key': ca.key })
    await using _files = files
    await using port = await openPort(set, { settings: { caKeyPath: files.path('ca.key') } })
    const client = await make({ cn: 'client', by: ca, usages: ['clientAuth'] })
    const trust = { ca: ca.pem, cert: client.pem, key: client.key, servername: 'localhost' }
    assert.equal((await http2Call(port.port, trust, GRPC)).grpcStatus, '0')
    const generation = port.material?.current
    assert.ok(generation)
    const took: number[] = []
    for (let run = 0; run < 5; run += 1) {
      const began = performance.now()
      await proveGeneration(generation, { where: 'tls.serverPemPath: x' })
      took.push(performance.now() - began)
    }
    assert.ok(Math.min(...took) < 100, `${took}`)
  })

  test('refuses anchors under which a stranger or nobody would pass, or a client of the CA would not', async () => {
    const { files, set } = await opened()
    await using _files = files
    await using port = await openPort(set)
    const good = port.material?.current
    const [anchor] = good?.anchors ?? []
    assert.ok(good && anchor)
    const where = 'tls.serverPemPath: x'
    // what no file can bring about, a fault in our own options could
    const oneWay: Generation = { ...good, kind: 'oneWay' }
    assert.deepEqual(await proveGeneration(oneWay, { where }), [])
    const issuer = { certificate: anchor, key: createPrivateKey(ca.key) }
    assert.deepEqual(await proveGeneration(good, { where, issuer }), [])
    const without: Generation = { ...good, anchors: [good.leaf] }
    await assert.rejects(
      proveGeneration(without, { where, issuer }),
      /x: a client certificate that its CA issued was not accepted: /,
    )
    const mismatched: Generation = { ...good, leaf: anchor }
    await assert.rejects(proveGeneration(mismatched, { where }), /x: another certificate was sent/)
  })
})
