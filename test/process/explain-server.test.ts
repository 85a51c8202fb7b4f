/**
 * `redkite.tls.explain` on the whole server: a client without a good certificate asks for everything there is, and gets
 * the one refusal each time; nothing is counted as a call, nobody logs in, nothing is recorded.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect } from 'node:tls'
import { declaredMethods } from '../../src/ops/builtin/methods.ts'
import { ops } from '../../src/ops/registry.ts'
import { type Made, make } from '../support/certificates.ts'
import { nodeConnects } from '../support/clients.ts'
import { MILVUS_SERVICE, openSession, rawGrpc, requestOn } from '../support/raw-http2.ts'
import { redkite, type Served, startRedkite, temporary } from '../support/server.ts'
import type { CertSet } from '../support/sets.ts'
import { type ClientTls, received } from '../support/tls-client.ts'

const SAYS =
  /^client certificate refused \(noClientCertificate\): tls: client didn't provide a certificate; tlsMode 2 needs one/
const ROOT = { authorization: Buffer.from('root:Milvus').toString('base64') }
const BEARER = { authorization: 'Bearer root:Milvus' }

const place = temporary()
let ca: Made
let served: Served
let stranger: ClientTls
let bad: Made

before(async () => {
  ca = await make({ cn: 'root', ca: true })
  const server = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'] })
  writeFileSync(join(place.path, 'ca.pem'), ca.pem)
  writeFileSync(join(place.path, 'server.pem'), server.pem + ca.pem)
  writeFileSync(join(place.path, 'server.key'), server.key, { mode: 0o600 })
  bad = await make({ cn: 'gone', by: ca, usages: ['clientAuth'] })
  const serial = bad.certificate.serialNumber.replace(/^0+/, '').toUpperCase()
  writeFileSync(join(place.path, 'deny.txt'), `serial:${serial} # left\n`)
  const set = [
    `redkite.tls.denyListPath=${place.path}/deny.txt`,
    `redkite.audit.path=${place.path}/audit.log`,
    'redkite.audit.level=all',
    'redkite.tls.explain=true',
  ]
  const args = [
    '--tls',
    'mutual',
    '--tls-dir',
    place.path,
    '--http-port',
    '0',
    ...set.flatMap((value) => ['--set', value]),
  ]
  served = await startRedkite({ args })
  stranger = { ca: ca.pem }
})
after(async () => {
  await served?.[Symbol.asyncDispose]()
  place[Symbol.dispose]()
})

/** Asks for each in turn, with a new connection as often as the server ends one. */
async function askAll(port: number, asked: readonly { readonly [header: string]: string }[], body: Buffer | string) {
  const answers = []
  let session = openSession(port, stranger)
  for (const headers of asked) {
    if (session.closed || session.destroyed) session = openSession(port, stranger)
    const answer = await requestOn(session, headers, body).catch(() => {
      session.destroy()
      session = openSession(port, stranger)
      return requestOn(session, headers, body)
    })
    answers.push({ headers, answer })
  }
  session.destroy()
  return answers
}

async function calls(): Promise<number> {
  const text = await (await fetch(`${served.ready.metrics}/metrics`)).text()
  return [...text.matchAll(/^milvus_proxy_req_count\{.*\} (\d+)$/gm)].reduce((sum, match) => sum + Number(match[1]), 0)
}

describe('a stranger under explain', () => {
  it('gets UNAUTHENTICATED for every RPC of every service, root’s password or not', async () => {
    const paths = [
      ...declaredMethods.map(({ service, method }) => `/${service}/${method}`),
      ...Object.keys(ops).map((rpc) => `${MILVUS_SERVICE}${rpc}`),
      '/grpc.health.v1.Health/Check',
      '/grpc.health.v1.Health/Watch',
      '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
      '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
      '/nowhere',
    ]
    assert.ok(paths.length > 50)
    for (const port of [served.port, served.restPort]) {
      const asked = paths.map((path) => ({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        ...ROOT,
      }))
      for (const { headers, answer } of await askAll(port, asked, Buffer.alloc(5))) {
        assert.equal(answer.headers['grpc-status'], '16', headers[':path'])
        assert.match(decodeURIComponent(String(answer.headers['grpc-message'])), SAYS)
        assert.equal(answer.body.length, 0)
      }
    }
  })

  it('gets 401 for every REST route, the administration, and whatever else, by every method', async () => {
    const routes = Object.values(ops).flatMap((op) => op.rest)
    assert.ok(routes.length > 30)
    const asked = [
      ...routes.map(({ method, path }) => ({ ':method': method, ':path': path })),
      ...['status', 'connections', 'certificates', 'reload', 'rollback'].map((verb) => ({
        ':method': 'POST',
        ':path': `/redkite/v1/tls/${verb}`,
      })),
      ...['GET', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE'].map((method) => ({
        ':method': method,
        ':path': '/v2/vectordb/collections/list',
      })),
      { ':method': 'GET', ':path': '/healthz' },
      { ':method': 'GET', ':path': '/metrics' },
      {
        ':method': 'POST',
        ':path': '/v2/vectordb/collections/list',
        'x-forwarded-client-cert': 'Subject="CN=root"',
        sourceid: 'x',
      },
    ].map((headers) => ({ 'content-type': 'application/json', ...BEARER, ...headers }))
    for (const port of [served.port, served.restPort]) {
      for (const { headers, answer } of await askAll(port, asked, '{}')) {
        assert.equal(answer.headers[':status'], 401, headers[':path'])
        const { code, message } = JSON.parse(answer.body.toString()) as { code: number; message: string }
        assert.equal(code, 1800)
        assert.match(message, SAYS)
      }
    }
  })

  it('gets 401 over HTTP/1.1, pipelined, upgraded and tunnelled too', async () => {
    for (const text of [
      'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n',
      'GET https://localhost/v2/vectordb/collections/list HTTP/1.1\r\nHost: x\r\n\r\n',
      'CONNECT localhost:19530 HTTP/1.1\r\nHost: x\r\n\r\n',
      'POST /v2/vectordb/collections/list HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    ]) {
      const socket = connect({
        host: '127.0.0.1',
        port: served.port,
        servername: 'localhost',
        ALPNProtocols: ['http/1.1'],
        ...stranger,
      })
      socket.write(text)
      const answer = await received(socket)
      assert.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1)
      assert.match(answer, /^HTTP\/1\.1 401 Unauthorized\r\n/)
    }
  })

  it('reached nothing: no call is counted, no login recorded, and the refusals are', async () => {
    assert.equal(await calls(), 0)
    const recorded = readFileSync(join(place.path, 'audit.log'), 'utf8').trim().split('\n')
    for (const line of recorded) assert.equal(JSON.parse(line).event, 'connection')
    const text = await (await fetch(`${served.ready.metrics}/metrics`)).text()
    assert.match(
      text,
      /redkite_tls_handshakes_total\{listener="proxy",result="refused",reason="noClientCertificate",protocol="TLSv1.3"\} \d+/,
    )
    assert.doesNotMatch(text, /result="accepted"/)
    await served.logged(/connection refused.*noClientCertificate/)
  })

  it('is told that its certificate is revoked', async () => {
    const tls = { ca: ca.pem, cert: bad.pem, key: bad.key }
    const { all } = await rawGrpc(served.port, tls, `${MILVUS_SERVICE}GetVersion`, ROOT)
    assert.equal(all['grpc-status'], '16')
    assert.match(decodeURIComponent(String(all['grpc-message'])), /^client certificate refused \(revoked\): .*left/)
  })

  it('is told by real clients: the Node SDK prints the reason', async () => {
    const show = { kind: 'oneWay', set: { ca: join(place.path, 'ca.pem') } as CertSet } as const
    assert.match(
      await nodeConnects(served.port, show),
      /UNAUTHENTICATED: client certificate refused \(noClientCertificate\)/,
    )
  })

  it('while a good client is served', async () => {
    const made = await make({ cn: 'client', by: ca, usages: ['clientAuth'] })
    const good = { ca: ca.pem, cert: made.pem, key: made.key }
    assert.equal((await rawGrpc(served.port, good, `${MILVUS_SERVICE}GetVersion`)).all['grpc-status'], '0')
    assert.ok((await calls()) > 0)
  })
})

it('explain is off unless asked for', async () => {
  await using plain = await startRedkite({ args: ['--tls', 'mutual', '--tls-dir', place.path] })
  await assert.rejects(rawGrpc(plain.port, stranger, `${MILVUS_SERVICE}GetVersion`))
  assert.equal((await redkite(['config', 'show', '--changed', '-o', 'json'])).stdout.includes('explain'), false)
})
