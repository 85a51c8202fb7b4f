/** A denied client is gone within a second, on every port, whether it is connected, comes again or resumes. */
import assert from 'node:assert/strict'
import { appendFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Made, make } from '../support/certificates.ts'
import { eventually } from '../support/eventually.ts'
import { refusedStart, type Served, startRedkite, temporary } from '../support/server.ts'
import { type ClientTls, http1Call, http2Call } from '../support/tls-client.ts'

let ca: Made
let server: Made
const folder = temporary()
const at = (name: string) => join(folder.path, name)

before(async () => {
  ca = await make({ cn: 'root', ca: true })
  server = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'] })
  writeFileSync(at('server.pem'), server.pem)
  writeFileSync(at('server.key'), server.key, { mode: 0o600 })
  writeFileSync(at('ca.pem'), ca.pem)
})
after(() => folder[Symbol.dispose]())

const newClient = (cn: string) => make({ cn, by: ca, usages: ['clientAuth'] })
const serialOf = (made: Made) => made.certificate.serialNumber.replace(/^0+/, '').toUpperCase()
const trust = (client: Made): ClientTls => ({ ca: ca.pem, cert: client.pem, key: client.key, servername: 'localhost' })

/** Mutual TLS with a REST port of its own and a deny list; `list` is its first content. */
function serve(list: string, env: Readonly<Record<string, string>> = {}): Promise<Served> {
  writeFileSync(at('deny.txt'), list)
  return startRedkite({
    env: {
      COMMON_SECURITY_TLSMODE: '2',
      TLS_SERVERPEMPATH: at('server.pem'),
      TLS_SERVERKEYPATH: at('server.key'),
      TLS_CAPEMPATH: at('ca.pem'),
      PROXY_HTTP_PORT: '0',
      REDKITE_TLS_DENYLISTPATH: at('deny.txt'),
      ...env,
    },
  })
}

/** A live session, and when and how it ended. */
function session(port: number, client: Made) {
  const live = connectHttp2(`https://127.0.0.1:${port}`, trust(client))
  let goaway = false
  let closedAt = 0
  live.on('error', () => {})
  live.on('goaway', () => (goaway = true))
  live.on('close', () => (closedAt = Date.now()))
  const ready = new Promise<void>((resolve, reject) => {
    live.once('remoteSettings', () => resolve())
    live.once('close', () => reject(new Error('closed')))
  })
  return { live, ready, goaway: () => goaway, closedAt: () => closedAt }
}

const isAdmitted = (port: number, client: Made) =>
  http1Call(port, trust(client)).then(
    () => true,
    () => false,
  )

describe('a deny list', () => {
  let served: Served
  before(async () => {
    served = await serve('# nobody yet\n')
  })
  after(() => served[Symbol.asyncDispose]())

  test('a line added to it ends live sessions on both ports with GOAWAY and refuses new ones; others stay', async () => {
    const [bad, good] = [await newClient('leaver'), await newClient('stayer')]
    const ports = [served.port, served.restPort]
    assert.notEqual(served.port, served.restPort)
    const doomed = ports.map((port) => session(port, bad))
    const spared = ports.map((port) => session(port, good))
    await Promise.all([...doomed, ...spared].map(({ ready }) => ready))
    const writtenAt = Date.now()
    appendFileSync(at('deny.txt'), `serial:${serialOf(bad)} # left the company\n`)
    await eventually(() => doomed.every((one) => one.closedAt() > 0), 10_000)
    const took = Math.max(...doomed.map((one) => one.closedAt())) - writtenAt
    console.log(`live sessions on ${ports.length} ports were closed ${took} ms after the list was written`)
    assert.ok(doomed.every((one) => one.goaway()))
    for (const port of ports) {
      await assert.rejects(http2Call(port, trust(bad), 'application/json'))
      await assert.rejects(http1Call(port, trust(bad)))
      assert.equal(await isAdmitted(port, good), true)
    }
    assert.match(served.log(), /connection refused.*revoked.*on the deny list: left the company/)
    assert.ok(spared.every((one) => one.closedAt() === 0))
    for (const { live } of spared) live.destroy()
  })
})
