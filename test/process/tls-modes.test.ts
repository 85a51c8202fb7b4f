/** The mode table of Milvus (tlsMode 0, 1, 2) for gRPC and REST, and every client certificate that must be refused. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Made, make } from '../support/certificates.ts'
import { type ClientTls, http1Call, http2Call, visit } from '../support/tls-client.ts'
import { folder, openPort, type Port, until } from '../support/tls-port.ts'

const GRPC = 'application/grpc'
const REST = 'application/json'

let ca: Made
let otherCa: Made
let intermediate: Made
let server: Made
let bareLeaf: Made
let files: Awaited<ReturnType<typeof folder>>
const mutual = () => ({
  kind: 'mutual' as const,
  serverPem: files.path('server.pem'),
  serverKey: files.path('server.key'),
  caPem: files.path('ca.pem'),
})
const oneWay = () => ({
  kind: 'oneWay' as const,
  serverPem: files.path('server.pem'),
  serverKey: files.path('server.key'),
})

before(async () => {
  ca = await make({ cn: 'root', ca: true })
  otherCa = await make({ cn: 'other root', ca: true })
  const second = await make({ cn: 'second root', ca: true })
  intermediate = await make({ cn: 'intermediate', ca: true, by: second })
  server = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'] })
  bareLeaf = await make({ cn: 'bare leaf', by: otherCa, usages: ['clientAuth'] })
  files = await folder({
    'server.pem': server.pem + ca.pem,
    'server.key': server.key,
    // Three kinds of anchors: a root, a bare intermediate, a client's own leaf.
    'ca.pem': ca.pem + intermediate.pem + bareLeaf.pem,
  })
})
after(() => files[Symbol.asyncDispose]())

/** Each protocol must come to the same verdict. */
async function bothCalls(port: number, client: ClientTls): Promise<void> {
  const grpc = await http2Call(port, client, GRPC)
  assert.deepEqual(grpc, { status: 200, grpcStatus: '0', body: 'ping' })
  const rest2 = await http2Call(port, client, REST)
  assert.equal(rest2.status, 200)
  assert.match(await http1Call(port, client), /^HTTP\/1\.1 200 /)
}

async function bothRefused(port: number, client: ClientTls): Promise<void> {
  await assert.rejects(http2Call(port, client, GRPC))
  await assert.rejects(http2Call(port, client, REST))
  await assert.rejects(http1Call(port, client))
}

describe('one-way TLS', () => {
  let port: Port
  before(async () => {
    port = await openPort(oneWay())
  })
  after(() => port[Symbol.asyncDispose]())

  test('serves gRPC and REST without a client certificate, and with any', async () => {
    await bothCalls(port.port, { ca: ca.pem })
    const stranger = await make({ cn: 'stranger' })
    await bothCalls(port.port, { ca: ca.pem, cert: stranger.pem, key: stranger.key })
    const facts = port.handlers.seen.at(-1)
    assert.equal(facts?.tls?.client, null)
    assert.equal(facts?.tls?.version, 'TLSv1.3')
    assert.equal(facts?.tls?.alpn, 'http/1.1')
  })

  test('takes TLS 1.2 and 1.3, refuses 1.1', async () => {
    await bothCalls(port.port, { ca: ca.pem, maxVersion: 'TLSv1.2' })
    await bothCalls(port.port, { ca: ca.pem, minVersion: 'TLSv1.3' })
    const old = { ca: ca.pem, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const
    await bothRefused(port.port, old)
    assert.ok((await port.handshakes({ reason: 'versionTooLow' })) >= 3)
    assert.equal(port.refusals().filter((refusal) => refusal['reason'] === 'versionTooLow').length, 1, 'once per cause')
    await assert.rejects(
      http1Call(port.port, {
        ca: ca.pem,
        maxVersion: 'TLSv1.2',
        ciphers: 'ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA256',
      }),
      'no CBC',
    )
  })

  test('agrees on the hybrid post-quantum group where the client has it, on a classical one else', async () => {
    assert.equal((await visit(port.port, { ca: ca.pem })).group, 'X25519MLKEM768')
    assert.equal((await visit(port.port, { ca: ca.pem, ecdhCurve: 'P-256' })).group, 'prime256v1')
  })

  test('serves HTTP/1.1 to a client without ALPN, refuses gRPC without it', async () => {
    assert.match(await http1Call(port.port, { ca: ca.pem, ALPNProtocols: [] }), /^HTTP\/1\.1 200 /)
    const { connect } = await import('node:tls')
    const socket = connect({ host: '127.0.0.1', port: port.port, ca: ca.pem, servername: 'localhost' })
    const calls = port.handlers.calls
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    socket.on('error', () => {})
    await new Promise((resolve) => socket.on('close', resolve))
    await until('the refusal is counted', async () => (await port.handshakes({ reason: 'noAlpnForGrpc' })) === 1)
    assert.equal(port.handlers.calls, calls)
    await assert.rejects(http1Call(port.port, { ca: ca.pem, ALPNProtocols: ['spdy/3'] }))
    assert.equal(await port.handshakes({ reason: 'noApplicationProtocol' }), 1)
  })

  test('tells of a client that does not trust the server', async () => {
    await assert.rejects(http1Call(port.port, { ca: otherCa.pem }))
    await until('it is counted', async () => (await port.handshakes({ result: 'refused', reason: 'closedEarly' })) >= 1)
  })
})

describe('mutual TLS', () => {
  let port: Port
  before(async () => {
    port = await openPort(mutual())
  })
  after(() => port[Symbol.asyncDispose]())

  const admitted: Record<string, () => Promise<{ cert: string; key: string }>> = {
    clientAuth: () => leaf({ cn: 'client', by: ca, usages: ['clientAuth'] }),
    'no extended key usage': () => leaf({ cn: 'client', by: ca }),
    'both usages': () => leaf({ cn: 'client', by: ca, usages: ['serverAuth', 'clientAuth'] }),
    'RSA 2048': () => leaf({ cn: 'client', by: ca, usages: ['clientAuth'], keyKind: 'rsa' }),
    Ed25519: () => leaf({ cn: 'client', by: ca, usages: ['clientAuth'], keyKind: 'ed25519' }),
    'an issuer that is an anchor without its root': () =>
      leaf({ cn: 'client', by: intermediate, usages: ['clientAuth'] }),
    'a leaf that is itself an anchor': async () => ({ cert: bareLeaf.pem, key: bareLeaf.key }),
    'a chain through an intermediate of the client': async () => {
      const middle = await make({ cn: 'middle', ca: true, by: ca })
      const made = await leaf({ cn: 'client', by: middle, usages: ['clientAuth'] })
      return { ...made, cert: made.cert + middle.pem }
    },
    'a name that matches nothing': () =>
      leaf({ cn: 'nobody', by: ca, usages: ['clientAuth'], names: ['nowhere.example'] }),
  }
  for (const [name, client] of Object.entries(admitted)) {
    test(`admits ${name}`, async () => {
      const certificate = await client()
      await bothCalls(port.port, { ca: ca.pem, ...certificate })
      const facts = port.handlers.seen.at(-1)
      assert.ok(facts?.tls?.client?.subject.startsWith('CN='))
      assert.equal(facts?.tls?.resumed, false)
    })
  }

  const refused: Record<
    string,
    { reason: string; cause: RegExp; client: () => Promise<{ cert?: string; key?: string }> }
  > = {
    'no certificate': { reason: 'noClientCertificate', cause: /didn't provide/, client: async () => ({}) },
    'serverAuth only (the documented gen.sh)': {
      reason: 'invalidPurpose',
      cause: /incompatible key usage: it allows serverAuth only, clientAuth is needed/,
      client: () => leaf({ cn: 'page', by: ca, usages: ['serverAuth'] }),
    },
    'another CA': {
      reason: 'unknownAuthority',
      cause: /unknown authority \(issuer CN=other root; the CA file trusts CN=root/,
      client: () => leaf({ cn: 'client', by: otherCa, usages: ['clientAuth'] }),
    },
    'another CA with serverAuth only and its chain': {
      reason: 'unknownAuthority',
      cause: /unknown authority/,
      client: async () => {
        const made = await leaf({ cn: 'client', by: otherCa, usages: ['serverAuth'] })
        return { ...made, cert: made.cert + otherCa.pem }
      },
    },
    'a self-signed one': {
      reason: 'unknownAuthority',
      cause: /issuer CN=myself/,
      client: () => leaf({ cn: 'myself', usages: ['clientAuth'] }),
    },
    'a CA of the same name': {
      reason: 'unknownAuthority',
      cause: /unknown authority/,
      client: async () => leaf({ cn: 'client', by: await make({ cn: 'root', ca: true }), usages: ['clientAuth'] }),
    },
    'an expired one': {
      reason: 'expired',
      cause: /is after/,
      client: () => leaf({ cn: 'old', by: ca, usages: ['clientAuth'], fromDays: -9, toDays: -2 }),
    },
    'one of tomorrow': {
      reason: 'notYetValid',
      cause: /is before/,
      client: () => leaf({ cn: 'new', by: ca, usages: ['clientAuth'], fromDays: 1 }),
    },
    'a leaf that signed another leaf': {
      reason: 'unknownAuthority',
      cause: /unknown authority \(issuer CN=not a ca/,
      client: async () => {
        const middle = await make({ cn: 'not a ca', by: ca, usages: ['clientAuth'] })
        const made = await leaf({ cn: 'client', by: middle, usages: ['clientAuth'] })
        return { ...made, cert: made.cert + middle.pem }
      },
    },
    'RSA 1024': {
      reason: 'weakKey',
      cause: /1024 bits/,
      client: () => leaf({ cn: 'weak', by: ca, usages: ['clientAuth'], keyKind: 'rsa1024' }),
    },
  }
  for (const [name, { reason, cause, client }] of Object.entries(refused)) {
    test(`refuses ${name}, and says why`, async () => {
      const certificate = await client()
      const before = port.refusals().length
      const counted = await port.handshakes({ reason })
      const calls = port.handlers.calls
      const weak = reason === 'weakKey' ? { ciphers: 'DEFAULT:@SECLEVEL=0' } : {}
      await bothRefused(port.port, { ca: ca.pem, ...certificate, ...weak })
      await until('three refusals counted', async () => (await port.handshakes({ reason })) === counted + 3)
      assert.equal(port.handlers.calls, calls, 'no byte reached a handler')
      const lines = port.refusals().slice(before)
      assert.equal(lines.length, 1, 'logged once per cause')
      assert.match(String(lines[0]?.['cause']), cause)
      assert.equal(lines[0]?.['sni'], 'localhost')
      assert.match(String(lines[0]?.['peer']), /^127\.0\.0\.1:\d+$/)
      assert.ok(String(lines[0]?.['remedy']).length > 10)
    })
  }

  test('answers a missing certificate with the alert that clients print', async () => {
    await assert.rejects(http1Call(port.port, { ca: ca.pem }), { code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' })
  })

  test('refuses a bad certificate from a client without ALPN too', async () => {
    const stranger = await leaf({ cn: 'client', by: otherCa, usages: ['clientAuth'] })
    const calls = port.handlers.calls
    await assert.rejects(http1Call(port.port, { ca: ca.pem, ...stranger, ALPNProtocols: [] }))
    await until('it is counted', async () => (await port.handshakes({ reason: 'unverified' })) === 1)
    assert.equal(port.handlers.calls, calls)
    const client = await leaf({ cn: 'client', by: ca, usages: ['clientAuth'] })
    assert.match(await http1Call(port.port, { ca: ca.pem, ...client, ALPNProtocols: [] }), /^HTTP\/1\.1 200 /)
  })

  test('resumes nothing: the certificate is checked each time', async () => {
    const client = await leaf({ cn: 'client', by: ca, usages: ['clientAuth'] })
    const { tickets } = await visit(port.port, { ca: ca.pem, ...client })
    for (const session of tickets) {
      assert.equal((await visit(port.port, { ca: ca.pem, ...client, session })).reused, false)
      await assert.rejects(
        http1Call(port.port, { ca: ca.pem, session }),
        'without the certificate a ticket is worth nothing',
      )
    }
  })

  test('takes TLS 1.3 only', async () => {
    const client = await leaf({ cn: 'client', by: ca, usages: ['clientAuth'] })
    await bothRefused(port.port, { ca: ca.pem, ...client, maxVersion: 'TLSv1.2' })
    assert.equal(await port.handshakes({ reason: 'versionTooLow' }), 3)
  })
})

test('acceptServerAuthClients admits only what a configured CA issued directly, with a warning', async () => {
  await using port = await openPort(mutual(), { settings: { acceptServerAuthClients: true } })
  const page = await leaf({ cn: 'page', by: ca, usages: ['serverAuth'] })
  await bothCalls(port.port, { ca: ca.pem, ...page })
  assert.ok(port.lines.some((line) => line.message === 'tls client admitted with a warning'))
  const forged = await leaf({ cn: 'page', by: otherCa, usages: ['serverAuth'] })
  await bothRefused(port.port, { ca: ca.pem, ...forged, cert: forged.cert + otherCa.pem })
  const old = await leaf({ cn: 'page', by: ca, usages: ['serverAuth'], fromDays: -9, toDays: -2 })
  await bothRefused(port.port, { ca: ca.pem, ...old })
})

async function leaf(wish: Parameters<typeof make>[0]): Promise<{ cert: string; key: string }> {
  const made = await make(wish)
  return { cert: made.pem, key: made.key }
}
