/**
 * Property 9: no way around. In mode 2, whoever has no client certificate, or no login, tries every door and every trick
 * that has opened one elsewhere; nothing but a refusal comes back, and no handler hears of it.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import type { OutgoingHttpHeaders } from 'node:http2'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect } from 'node:tls'
import { ops } from '../../src/ops/registry.ts'
import { type Made, make } from '../support/certificates.ts'
import { PEER } from '../support/client-kinds.ts'
import { MILVUS_SERVICE, rawGrpc, rawRequest, rawRest } from '../support/raw-http2.ts'
import { type Served, startRedkite, temporary } from '../support/server.ts'
import { type ClientTls, rawExchange, received } from '../support/tls-client.ts'
import { settings } from '../support/upstream.ts'
import { report } from './support/budget.ts'

const place = temporary()
const at = (name: string) => join(place.path, name)
let ca: Made
let served: Served
let stranger: Made
let client: Made
let peer: Made

const files = () => ({
  'tls.serverPemPath': at('server.pem'),
  'tls.serverKeyPath': at('server.key'),
  'tls.caPemPath': at('ca.pem'),
})

before(async () => {
  ca = await make({ cn: 'root', ca: true })
  const server = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'] })
  writeFileSync(at('ca.pem'), ca.pem)
  writeFileSync(at('server.pem'), server.pem)
  writeFileSync(at('server.key'), server.key, { mode: 0o600 })
  // its own authority has the names of ours, and its subject is that of the first user
  stranger = await make({ cn: 'root', by: await make({ cn: 'root', ca: true }), usages: ['clientAuth'], names: [PEER] })
  client = await make({ cn: 'client', by: ca, usages: ['clientAuth'] })
  peer = await make({ cn: 'peer', by: ca, usages: ['clientAuth'], names: [PEER] })
  served = await startRedkite({
    args: settings({
      ...files(),
      'common.security.tlsMode': '2',
      'common.security.authorizationEnabled': 'true',
      'common.security.internaltlsEnabled': 'true',
      'internaltls.serverPemPath': at('server.pem'),
      'internaltls.serverKeyPath': at('server.key'),
      'internaltls.caPemPath': at('ca.pem'),
      'redkite.internaltls.allowedPeers': PEER,
      'redkite.identity.rules': 'cn=(root) -> $1',
      'redkite.audit.path': at('audit.log'),
      'redkite.audit.level': 'all',
      'proxy.http.port': '0',
      'proxy.internalPort': '0',
    }),
  })
})
after(async () => {
  await served?.[Symbol.asyncDispose]()
  place[Symbol.dispose]()
})

const pairOf = (made: Made): ClientTls => ({ ca: ca.pem, cert: made.pem, key: made.key })
const portOf = (uri: string | null) => Number(new URL(uri ?? '').port)
const ports = () => ({ grpc: served.port, rest: served.restPort, internal: portOf(served.ready.internal) })
const management = () => portOf(served.ready.metrics)

/** Calls that any handler has counted. */
async function calls(one = served): Promise<number> {
  const text = await (await fetch(`${one.ready.metrics}/metrics`)).text()
  return [...text.matchAll(/^milvus_proxy_req_count\{.*\} (\d+)$/gm)].reduce((sum, match) => sum + Number(match[1]), 0)
}

const LIST = '/v2/vectordb/collections/list'
const LOGIN = `Authorization: Bearer root:Milvus\r\n`
const H2_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const EMPTY_SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
/** What is said as the first bytes of a connection. */
const FIRST_WORDS: Readonly<Record<string, string | Buffer>> = {
  'HTTP/1.1': `GET ${LIST} HTTP/1.1\r\nHost: localhost\r\n${LOGIN}\r\n`,
  'HTTP/1.0': `GET /metrics HTTP/1.0\r\n\r\n`,
  'an upgrade to h2c': `GET ${LIST} HTTP/1.1\r\nHost: localhost\r\n${LOGIN}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`,
  'an upgrade to TLS': `OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: TLS/1.3\r\n\r\n`,
  'an upgrade to a WebSocket': `GET ${LIST} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  CONNECT: `CONNECT localhost:19530 HTTP/1.1\r\nHost: localhost\r\n${LOGIN}\r\n`,
  'an absolute-form URI': `GET http://localhost${LIST} HTTP/1.1\r\nHost: localhost\r\n${LOGIN}\r\n`,
  'the PROXY protocol before HTTP': `PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\nGET ${LIST} HTTP/1.1\r\nHost: localhost\r\n${LOGIN}\r\n`,
  'the PROXY protocol, binary': Buffer.from('0d0a0d0a000d0a515549540a21110000', 'hex'),
  'HTTP/2 by prior knowledge': Buffer.concat([Buffer.from(H2_PREFACE), EMPTY_SETTINGS]),
  'two requests in one': `POST ${LIST} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n`,
}
/** Frames of HTTP/2 may come back, but no HEADERS (type 1) among them: nobody was answered. */
function isRefused(answer: string): boolean {
  if (answer === '') return true
  if (/^HTTP\/1\.0 400 Bad Request\r\n/.test(answer)) return answer.match(/HTTP\/1\.[01] /g)?.length === 1
  const bytes = Buffer.from(answer, 'latin1')
  for (let offset = 0; offset + 9 <= bytes.length; offset += 9 + bytes.readUIntBE(offset, 3)) {
    if (bytes[offset + 3] === 1) return false
  }
  return /TLS/.test(answer)
}

/** Headers by which a proxy in front says who the caller is; and metadata of Milvus' own parts. */
const FORGED: OutgoingHttpHeaders = {
  'x-forwarded-client-cert': 'Hash=00;Subject="CN=root";URI=spiffe://a/b;DNS=proxy.internal',
  'x-forwarded-for': '127.0.0.1',
  'x-forwarded-proto': 'https',
  'x-forwarded-user': 'root',
  'x-remote-user': 'root',
  'x-ssl-client-verify': 'SUCCESS',
  'x-ssl-client-s-dn': 'CN=root',
  'ssl-client-cert': 'CN=root',
  forwarded: 'for=127.0.0.1;proto=https',
  sourceid: '@@milvus-member@@',
  source_id: '@@milvus-member@@',
  username: 'root',
  identity: 'root',
}
const AUTHORITIES = ['localhost:19530', '127.0.0.1:9091', 'root@localhost', 'proxy.internal', 'unix:///tmp/x']

describe('a client without certificate', () => {
  it('gets no answer by plaintext, whatever its first words are, on any TLS port', async (t) => {
    let tried = 0
    for (const [name, port] of Object.entries(ports())) {
      for (const [what, bytes] of Object.entries(FIRST_WORDS)) {
        const answer = await rawExchange(port, bytes)
        assert.ok(isRefused(answer), `${what} on ${name}: ${JSON.stringify(answer)}`)
        tried += 1
      }
      await assert.rejects(rawGrpc(port, null, `${MILVUS_SERVICE}GetVersion`))
      await assert.rejects(rawRest(port, null, LIST))
    }
    assert.equal(await calls(), 0)
    report(t, { openings: tried })
  })

  it('gets no answer by TLS: no certificate, a stranger’s of the same names; any words, headers, authority', async (t) => {
    let tried = 0
    for (const [name, port] of Object.entries(ports())) {
      for (const tls of [{ ca: ca.pem }, pairOf(stranger)]) {
        for (const [what, bytes] of Object.entries(FIRST_WORDS)) {
          const socket = connect({
            host: '127.0.0.1',
            port,
            servername: 'localhost',
            ALPNProtocols: ['http/1.1'],
            ...tls,
          })
          socket.write(bytes)
          await assert.rejects(received(socket), `${what} on ${name}`)
        }
        for (const path of [
          '/grpc.health.v1.Health/Check',
          '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
          `${MILVUS_SERVICE}Connect`,
        ]) {
          await assert.rejects(rawGrpc(port, tls, path, FORGED), path)
        }
        for (const path of [LIST, '/redkite/v1/tls/status', '/metrics', '/healthz']) {
          await assert.rejects(rawRest(port, tls, path, FORGED), path)
        }
        for (const authority of AUTHORITIES) {
          await assert.rejects(
            rawGrpc(port, tls, `${MILVUS_SERVICE}GetVersion`, { ':authority': authority, ...FORGED }),
          )
        }
        tried += Object.keys(FIRST_WORDS).length + 7 + AUTHORITIES.length
      }
    }
    assert.equal(await calls(), 0)
    report(t, { attempts: tried })
  })

  it('finds probes and metrics on the management port, and no way from there', async () => {
    for (const path of [
      LIST,
      '/redkite/v1/tls/status',
      '/config',
      '/log/level',
      '/debug/pprof/',
      '/../healthz/../v2',
      '//metrics',
      '/%6detrics',
      `http://localhost${LIST}`,
    ]) {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
        const answer = await rawExchange(
          management(),
          `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${LOGIN}Connection: close\r\n\r\n`,
        )
        assert.match(answer, /^HTTP\/1\.1 (400|404|405) /, `${method} ${path}`)
      }
    }
    for (const what of ['CONNECT', 'HTTP/2 by prior knowledge', 'the PROXY protocol before HTTP']) {
      const answer = await rawExchange(management(), FIRST_WORDS[what] ?? '')
      assert.doesNotMatch(answer, /HTTP\/1\.1 (101|2\d\d) /, what)
    }
    assert.equal(await calls(), 0)
  })
})

describe('a client with a certificate and no login', () => {
  it('is refused by every RPC, whatever its headers say', async (t) => {
    const tls = pairOf(client)
    const open: string[] = []
    for (const rpc of Object.keys(ops)) {
      for (const metadata of [
        {},
        FORGED,
        { ...FORGED, authorization: '' },
        { ...FORGED, ':authority': 'proxy.internal' },
      ]) {
        const { all } = await rawGrpc(served.port, tls, `${MILVUS_SERVICE}${rpc}`, metadata)
        if (all['grpc-status'] !== '16') open.push(rpc)
      }
    }
    assert.deepEqual(open, [])
    report(t, { rpcs: Object.keys(ops).length })
  })

  it('is refused by every REST route, and learns nothing of the administration', async (t) => {
    const routes = Object.values(ops).flatMap((op) => op.rest)
    for (const port of [served.port, served.restPort]) {
      for (const { method, path } of routes) {
        const { body } = await rawRequest(
          port,
          pairOf(client),
          { ':method': method, ':path': path, 'content-type': 'application/json', ...FORGED },
          '{}',
        )
        assert.equal(JSON.parse(body.toString()).code, 1800, path)
      }
      for (const path of ADMINISTRATION) {
        for (const headers of [{}, FORGED, { authorization: 'Bearer root:wrong' }]) {
          const answer = await rawRest(port, pairOf(client), path, headers)
          assert.equal(Number(answer.headers[':status']), 401, path)
        }
      }
    }
    report(t, { routes: routes.length })
  })

  it('is not let into the internal port, which serves no REST even to a peer', async () => {
    const { internal } = ports()
    await assert.rejects(rawGrpc(internal, pairOf(client), `${MILVUS_SERVICE}GetVersion`, FORGED))
    await served.logged(/\[listener=internal\].*\[reason=peerNotAllowed\]/)
    for (const path of [LIST, ...ADMINISTRATION]) {
      const { headers } = await rawRest(internal, pairOf(peer), path, { authorization: 'Bearer root:Milvus' })
      assert.equal(Number(headers[':status']), 404, path)
    }
    const { all } = await rawGrpc(internal, pairOf(peer), `${MILVUS_SERVICE}ListCredUsers`, FORGED)
    assert.equal(all['grpc-status'], '16', 'a peer needs a login too')
  })

  it('left no call in the audit log, but refusals', () => {
    const lines = readFileSync(at('audit.log'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.ok(lines.length > 50)
    assert.deepEqual(
      lines.filter(({ outcome }) => outcome === 'ok'),
      [],
    )
  })
})

const ADMINISTRATION = ['status', 'connections', 'certificates', 'reload', 'rollback'].map(
  (verb) => `/redkite/v1/tls/${verb}`,
)

describe('the administration with authentication off', () => {
  for (const [what, mode] of [
    ['plaintext', '0'],
    ['one-way TLS', '1'],
    ['mutual TLS', '2'],
  ] as const) {
    it(`asks for root’s password over ${what}`, async () => {
      await using open = await startRedkite({ args: settings({ ...files(), 'common.security.tlsMode': mode }) })
      const tls = mode === '0' ? null : pairOf(client)
      for (const path of ADMINISTRATION) {
        for (const headers of [{}, FORGED, { authorization: 'Bearer root:wrong' }]) {
          const answer = await rawRequest(open.port, tls, { ':method': 'GET', ':path': path, ...headers })
          assert.equal(Number(answer.headers[':status']), 401, path)
        }
      }
      const known = await rawRequest(open.port, tls, {
        ':method': 'GET',
        ':path': ADMINISTRATION[0],
        authorization: 'Bearer root:Milvus',
      })
      assert.equal(Number(known.headers[':status']), 200, 'the check can fail')
    })
  }
})
