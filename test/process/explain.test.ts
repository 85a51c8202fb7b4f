/** `redkite.tls.explain` on a port of its own: told why, and nothing else. The whole server: explain-server.test.ts. */
import assert from 'node:assert/strict'
import { connect as connectHttp2 } from 'node:http2'
import { after, before, describe, test } from 'node:test'
import { connect } from 'node:tls'
import { refusedAnswers } from '../../src/protocol/explain.ts'
import { type Made, make } from '../support/certificates.ts'
import { type ClientTls, http1Call, http2Call, received } from '../support/tls-client.ts'
import { folder, openPort, type Port, until } from '../support/tls-port.ts'

let ca: Made
let otherCa: Made
let files: Awaited<ReturnType<typeof folder>>
let port: Port

before(async () => {
  ca = await make({ cn: 'root', ca: true })
  otherCa = await make({ cn: 'other root', ca: true })
  const server = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'] })
  files = await folder({ 'server.pem': server.pem + ca.pem, 'server.key': server.key, 'ca.pem': ca.pem })
  const mutual = {
    kind: 'mutual' as const,
    serverPem: files.path('server.pem'),
    serverKey: files.path('server.key'),
    caPem: files.path('ca.pem'),
  }
  port = await openPort(mutual, { settings: { explain: true }, refused: refusedAnswers })
})
after(async () => {
  await port[Symbol.asyncDispose]()
  await files[Symbol.asyncDispose]()
})

async function pair(wish: Parameters<typeof make>[0]): Promise<{ cert: string; key: string }> {
  const made = await make(wish)
  return { cert: made.pem, key: made.key }
}

const refused: Record<
  string,
  { reason: string; says: RegExp; client: () => Promise<{ cert?: string; key?: string }> }
> = {
  'no certificate': {
    reason: 'noClientCertificate',
    says: /didn't provide a certificate.*client_pem_path/,
    client: async () => ({}),
  },
  expired: {
    reason: 'expired',
    says: /has expired: current time .* is after .*certs renew/,
    client: () => pair({ cn: 'old', by: ca, usages: ['clientAuth'], fromDays: -9, toDays: -2 }),
  },
  'not yet valid': {
    reason: 'notYetValid',
    says: /not yet valid.*clocks/,
    client: () => pair({ cn: 'new', by: ca, usages: ['clientAuth'], fromDays: 1 }),
  },
  'another CA': {
    reason: 'unknownAuthority',
    says: /issuer CN=other root; the CA file trusts CN=root/,
    client: () => pair({ cn: 'client', by: otherCa, usages: ['clientAuth'] }),
  },
  'serverAuth only': {
    reason: 'invalidPurpose',
    says: /serverAuth only, clientAuth is needed.*gen\.sh/,
    client: () => pair({ cn: 'page', by: ca, usages: ['serverAuth'] }),
  },
  'another CA, serverAuth only, with its chain': {
    reason: 'unknownAuthority',
    says: /unknown authority/,
    client: async () => {
      const made = await pair({ cn: 'client', by: otherCa, usages: ['serverAuth'] })
      return { ...made, cert: made.cert + otherCa.pem }
    },
  },
  'RSA 1024': {
    reason: 'weakKey',
    says: /1024 bits/,
    client: () => pair({ cn: 'weak', by: ca, usages: ['clientAuth'], keyKind: 'rsa1024' }),
  },
}

describe('explain mode', () => {
  for (const [name, { reason, says, client }] of Object.entries(refused)) {
    test(`tells a client with ${name} the reason, by gRPC and by HTTP`, async () => {
      const weak = reason === 'weakKey' ? { ciphers: 'DEFAULT:@SECLEVEL=0' } : {}
      const tls: ClientTls = { ca: ca.pem, ...(await client()), ...weak }
      const counted = await port.handshakes({ reason })
      const calls = port.handlers.calls
      const grpc = await http2Call(port.port, tls, 'application/grpc')
      assert.deepEqual([grpc.status, grpc.grpcStatus, grpc.body], [200, '16', ''])
      const rest = await http2Call(port.port, tls, 'application/json')
      assert.equal(rest.status, 401)
      const { code, message } = JSON.parse(rest.body) as { code: number; message: string }
      assert.equal(code, 1800)
      assert.match(message, says)
      assert.ok(message.startsWith(`client certificate refused (${reason}): `))
      const http1 = await http1Call(port.port, tls)
      assert.match(http1, /^HTTP\/1\.1 401 Unauthorized\r\n/)
      assert.ok(http1.endsWith(rest.body.slice(-40)))
      assert.equal(port.handlers.calls, calls, 'no byte reached a handler')
      await until('three refusals counted', async () => (await port.handshakes({ reason })) === counted + 3)
      assert.ok(port.refusals().some((line) => line['reason'] === reason))
    })
  }

  test('admits as ever whom OpenSSL verified', async () => {
    const client = await pair({ cn: 'client', by: ca, usages: ['clientAuth'] })
    assert.deepEqual(await http2Call(port.port, { ca: ca.pem, ...client }, 'application/grpc'), {
      status: 200,
      grpcStatus: '0',
      body: 'ping',
    })
    assert.match(await http1Call(port.port, { ca: ca.pem, ...client }), /^HTTP\/1\.1 200 /)
  })

  test('does not lower the protocol: TLS 1.2 and a foreign ALPN are refused by TLS', async () => {
    await assert.rejects(
      http1Call(port.port, { ca: ca.pem, maxVersion: 'TLSv1.2' }),
      /ALERT_PROTOCOL_VERSION|EPROTO|alert/i,
    )
    await assert.rejects(http1Call(port.port, { ca: ca.pem, ALPNProtocols: ['spdy/3'] }))
  })

  test('answers requests that were sent together, then says GOAWAY', async () => {
    const session = connectHttp2(`https://127.0.0.1:${port.port}`, { ca: ca.pem, servername: 'localhost' })
    const goaway = new Promise((resolve) => session.once('goaway', resolve))
    const answers = await Promise.all(
      ['a', 'b', 'c'].map(
        (path) =>
          new Promise((resolve, reject) => {
            const stream = session.request({
              ':method': 'POST',
              ':path': `/${path}`,
              'content-type': 'application/grpc',
            })
            stream.on('response', (headers) => resolve(headers['grpc-status']))
            stream.on('error', reject)
            stream.write('a body that never ends')
          }),
      ),
    )
    assert.deepEqual(answers, ['16', '16', '16'])
    await goaway
    session.destroy()
  })

  test('ends a connection that says nothing, and one that never stops', async () => {
    const started = Date.now()
    const silent = connect({
      host: '127.0.0.1',
      port: port.port,
      servername: 'localhost',
      ca: ca.pem,
      ALPNProtocols: ['http/1.1'],
    })
    const babbler = connect({
      host: '127.0.0.1',
      port: port.port,
      servername: 'localhost',
      ca: ca.pem,
      ALPNProtocols: ['http/1.1'],
      allowHalfOpen: true,
    } as never)
    const timer = setInterval(() => babbler.write('x'.repeat(1000)), 20)
    babbler.on('error', () => {})
    silent.on('error', () => {})
    const closed = (socket: typeof silent) => new Promise((resolve) => socket.once('close', resolve))
    await Promise.all([closed(silent), closed(babbler)])
    clearInterval(timer)
    assert.ok(Date.now() - started < 4_500, `${Date.now() - started} ms`)
    await until('both are gone', () => port.listener.connectionCount === 0)
  })

  test('answers an absurd first line as anything else, and parses none of it', async () => {
    const socket = connect({
      host: '127.0.0.1',
      port: port.port,
      servername: 'localhost',
      ca: ca.pem,
      ALPNProtocols: [],
    })
    socket.write('\x00\x01 not http at all\r\n')
    assert.match(await received(socket), /^HTTP\/1\.1 401 /)
  })
})
