/** Versions, ciphers and groups on the wire, by OpenSSL's own client and Node's, and what the server tells of them. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { defaultPolicy, type PolicySettings, protocolPolicy } from '../../src/tls/policy.ts'
import type { TlsFiles } from '../../src/tls/settings.ts'
import { type Made, make } from '../support/certificates.ts'
import { type ClientTls, http1Call, visit } from '../support/tls-client.ts'
import { folder, openPort, type Port } from '../support/tls-port.ts'
import { openssl, run } from '../support/tools.ts'

const NOTHING: PolicySettings = {
  profile: 'intermediate',
  minVersion: 'profile',
  maxVersion: 'profile',
  ciphers: [],
  groups: [],
  pq: 'prefer',
}

let ca: Made
let client: Made
let files: Awaited<ReturnType<typeof folder>>
const pair = () => ({ serverPem: files.path('server.pem'), serverKey: files.path('server.key') })
const oneWay = (): TlsFiles => ({ kind: 'oneWay', ...pair() })
const mutual = (): TlsFiles => ({ kind: 'mutual', ...pair(), caPem: files.path('ca.pem') })
const withPolicy = (kind: TlsFiles, given: Partial<PolicySettings>) =>
  openPort(kind, { settings: { protocol: protocolPolicy({ ...NOTHING, ...given }, kind.kind) } })

before(async () => {
  ca = await make({ cn: 'root', ca: true })
  client = await make({ cn: 'client', by: ca, usages: ['clientAuth'] })
  const server = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'], keyKind: 'rsa' })
  files = await folder({
    'server.pem': server.pem,
    'server.key': server.key,
    'ca.pem': ca.pem,
    'client.pem': client.pem,
    'client.key': client.key,
  })
})
after(() => files[Symbol.asyncDispose]())

/** What s_client says of a handshake: `Protocol, Cipher`, or the alert it was sent. */
async function sClient(port: number, args: readonly string[], identity = false): Promise<string> {
  const own = identity ? ['-cert', files.path('client.pem'), '-key', files.path('client.key')] : []
  const base = [
    's_client',
    '-connect',
    `127.0.0.1:${port}`,
    '-servername',
    'localhost',
    '-CAfile',
    files.path('ca.pem'),
  ]
  const { stdout, stderr } = await run(openssl.path, [...base, '-alpn', 'http/1.1', ...own, ...args], { input: 'Q\n' })
  const alert = /alert (.+?):.*SSL alert number (\d+)/.exec(stderr)
  if (alert) return `alert ${alert[2]}`
  const agreed = /New, (TLSv[\d.]+|\(NONE\)), Cipher is (\S+)/.exec(stdout)
  return agreed ? `${agreed[1]} ${agreed[2]}` : `no handshake: ${stderr}`
}

const WEAK = ['-cipher', 'ALL:@SECLEVEL=0']
const PROTOCOL_VERSION = 'alert 70'
const HANDSHAKE_FAILURE = 'alert 40'

describe('OpenSSL as a client', { skip: openssl.skip }, () => {
  const kinds = [
    ['one-way', false],
    ['mutual', true],
  ] as const
  for (const [name, identity] of kinds) {
    test(`${name}: TLS 1.0 and 1.1 get the alert protocol_version`, async () => {
      await using port = await openPort(identity ? mutual() : oneWay())
      assert.equal(await sClient(port.port, ['-tls1', ...WEAK], identity), PROTOCOL_VERSION)
      assert.equal(await sClient(port.port, ['-tls1_1', ...WEAK], identity), PROTOCOL_VERSION)
      assert.equal(await port.handshakes({ reason: 'versionTooLow' }), 2)
      assert.match(await sClient(port.port, ['-tls1_3'], identity), /^TLSv1\.3 TLS_/)
    })
  }

  test('a client that fell back although TLS 1.3 was there is told so (RFC 7507)', async () => {
    await using port = await openPort(oneWay())
    assert.equal(await sClient(port.port, ['-tls1_2', '-fallback_scsv']), 'alert 86')
    assert.equal(await port.handshakes({ reason: 'versionTooLow' }), 1)
  })

  test('mode 2 refuses TLS 1.2 as Milvus does, and says what it needs', async () => {
    await using port = await openPort(mutual())
    assert.equal(await sClient(port.port, ['-tls1_2'], true), PROTOCOL_VERSION)
    assert.match(String(port.refusals()[0]?.['remedy']), /needs TLS 1\.3/)
  })

  test('the profile modern refuses TLS 1.2 in mode 1 too; an explicit minimum overrides it', async () => {
    await using modern = await withPolicy(oneWay(), { profile: 'modern' })
    assert.equal(await sClient(modern.port, ['-tls1_2']), PROTOCOL_VERSION)
    assert.match(await sClient(modern.port, ['-tls1_3']), /^TLSv1\.3/)
    await using lowered = await withPolicy(oneWay(), { profile: 'modern', minVersion: '1.2' })
    assert.match(await sClient(lowered.port, ['-tls1_2']), /^TLSv1\.2 ECDHE-RSA-/)
    await using capped = await withPolicy(oneWay(), { maxVersion: '1.2' })
    assert.equal(await sClient(capped.port, ['-tls1_3']), PROTOCOL_VERSION)
    assert.match(await sClient(capped.port, []), /^TLSv1\.2 ECDHE-RSA-/)
  })

  test('CBC, RSA key exchange, finite fields, CCM_8 and anonymous suites are refused', async () => {
    await using port = await openPort(oneWay())
    const suites = [
      'ECDHE-RSA-AES128-SHA',
      'ECDHE-RSA-AES256-SHA384',
      'AES128-GCM-SHA256',
      'AES256-SHA',
      'DHE-RSA-AES128-GCM-SHA256',
      'ADH-AES128-SHA',
      'AECDH-AES128-SHA',
    ]
    for (const suite of suites) {
      assert.equal(await sClient(port.port, ['-tls1_2', '-cipher', `${suite}:@SECLEVEL=0`]), HANDSHAKE_FAILURE, suite)
    }
    assert.equal(await sClient(port.port, ['-tls1_3', '-ciphersuites', 'TLS_AES_128_CCM_8_SHA256']), HANDSHAKE_FAILURE)
    assert.equal(await port.handshakes({ reason: 'noSharedCipher' }), suites.length + 1)
    for (const suite of defaultPolicy('oneWay').ciphers.filter((one) => /^ECDHE-RSA/.test(one))) {
      assert.equal(await sClient(port.port, ['-tls1_2', '-cipher', suite]), `TLSv1.2 ${suite}`)
    }
  })

  test('explicit ciphers are the only ones, in our order', async () => {
    const ciphers = ['TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_256_GCM_SHA384', 'ECDHE-RSA-CHACHA20-POLY1305']
    await using port = await withPolicy(oneWay(), { ciphers })
    assert.equal(await sClient(port.port, ['-tls1_3']), 'TLSv1.3 TLS_CHACHA20_POLY1305_SHA256')
    assert.equal(await sClient(port.port, ['-tls1_3', '-ciphersuites', 'TLS_AES_128_GCM_SHA256']), HANDSHAKE_FAILURE)
    assert.equal(await sClient(port.port, ['-tls1_2']), 'TLSv1.2 ECDHE-RSA-CHACHA20-POLY1305')
    assert.equal(await sClient(port.port, ['-tls1_2', '-cipher', 'ECDHE-RSA-AES128-GCM-SHA256']), HANDSHAKE_FAILURE)
  })
})

/** Client groups, most preferred first: a key share is sent for the first alone, and for each with a star. */
const CLIENT_GROUPS = [
  'X25519MLKEM768:X25519',
  'X25519:X25519MLKEM768',
  'P-256:X25519:X25519MLKEM768',
  '*P-256:*X25519',
  'P-384:P-256',
  'P-521:P-384',
  'X448:P-521:P-256:X25519',
]

describe('key-exchange groups', () => {
  async function groupOf(port: Port, tls: ClientTls): Promise<readonly [seen: string, told: string | undefined]> {
    const { group } = await visit(port.port, { ca: ca.pem, cert: client.pem, key: client.key, ...tls })
    return [ALIASES.get(group) ?? group, port.handlers.seen.at(-1)?.tls?.group]
  }
  const ALIASES = new Map([
    ['prime256v1', 'P-256'],
    ['secp384r1', 'P-384'],
    ['secp521r1', 'P-521'],
  ])

  test('the hybrid comes first, even for a client that guessed X25519', async () => {
    await using port = await openPort(oneWay())
    for (const ecdhCurve of CLIENT_GROUPS.filter((one) => one.includes('MLKEM'))) {
      assert.deepEqual(await groupOf(port, { ecdhCurve }), ['X25519MLKEM768', 'X25519MLKEM768'], ecdhCurve)
    }
  })

  const lists: readonly Partial<PolicySettings>[] = [
    {},
    { pq: 'off' },
    { groups: ['P-256', 'X25519'] },
    { groups: ['SecP256r1MLKEM768', 'X25519MLKEM768', 'X448', 'P-521', 'P-384'] },
  ]
  for (const given of lists) {
    test(`what the server tells is what the client saw: ${JSON.stringify(given)}`, async () => {
      let handshakes = 0
      for (const files of [oneWay(), mutual()]) {
        await using port = await withPolicy(files, given)
        for (const maxVersion of files.kind === 'mutual' ? (['TLSv1.3'] as const) : (['TLSv1.2', 'TLSv1.3'] as const)) {
          for (const ecdhCurve of CLIENT_GROUPS) {
            const pairs = await groupOf(port, { ecdhCurve, maxVersion }).catch(() => null)
            // Nothing in common: no handshake, nothing to tell.
            if (pairs === null) continue
            assert.equal(pairs[1], pairs[0], `${ecdhCurve} ${maxVersion} ${files.kind}`)
            handshakes += 1
          }
        }
      }
      assert.ok(handshakes >= 12, `${handshakes} handshakes`)
    })
  }

  test('pq require: a classical client is refused by its own reason, a hybrid one is served', async () => {
    await using port = await withPolicy(oneWay(), { pq: 'require' })
    const hybrid = { ca: ca.pem, ecdhCurve: 'X25519:X25519MLKEM768' }
    assert.match(await http1Call(port.port, hybrid), /^HTTP\/1\.1 200 /)
    await assert.rejects(http1Call(port.port, { ca: ca.pem, ecdhCurve: 'X25519:P-256' }))
    assert.equal(await port.handshakes({ reason: 'classicalGroup' }), 1)
    const [refusal] = port.refusals()
    assert.match(String(refusal?.['cause']), /classical key-exchange groups only/)
    assert.match(String(refusal?.['remedy']), /X25519MLKEM768/)
    assert.equal(refusal?.['sni'], 'localhost')
    await assert.rejects(http1Call(port.port, { ca: ca.pem, maxVersion: 'TLSv1.2' }))
    assert.equal(await port.handshakes({ reason: 'versionTooLow' }), 1)
  })

  test('admitted handshakes are counted by group', async () => {
    await using port = await openPort(oneWay())
    await http1Call(port.port, { ca: ca.pem, ecdhCurve: 'X25519MLKEM768' })
    await http1Call(port.port, { ca: ca.pem, ecdhCurve: 'P-384' })
    const { values } = await port.metrics.groups.get()
    assert.deepEqual(
      values.map(({ labels, value }) => [labels.group, value]),
      [
        ['X25519MLKEM768', 1],
        ['P-384', 1],
      ],
    )
  })
})

test('mutual mode lowered to TLS 1.2 resumes nothing: neither tickets nor session ids', async () => {
  await using port = await withPolicy(mutual(), { minVersion: '1.2' })
  const tls = { ca: ca.pem, cert: client.pem, key: client.key, maxVersion: 'TLSv1.2' } as const
  const first = await visit(port.port, tls)
  assert.equal(first.reused, false)
  for (const session of first.tickets) assert.equal((await visit(port.port, { ...tls, session })).reused, false)
  if (openssl.skip) return
  // s_client -reconnect: five connections with the session of the first, ticket or id.
  const identity = ['-cert', files.path('client.pem'), '-key', files.path('client.key')]
  const connect = ['s_client', '-connect', `127.0.0.1:${port.port}`, '-servername', 'localhost', '-alpn', 'http/1.1']
  for (const more of [[], ['-no_ticket']]) {
    const args = [...connect, '-tls1_2', '-reconnect', ...identity, ...more]
    const { stdout } = await run(openssl.path, args, { input: 'Q\n' })
    assert.equal(stdout.match(/^New, TLSv1\.2/gm)?.length, 6, stdout)
    assert.doesNotMatch(stdout, /^Reused/m)
  }
  // The same client does resume where resumption is allowed: the check can fail.
  await using open = await openPort(oneWay())
  const args = ['s_client', '-connect', `127.0.0.1:${open.port}`, '-servername', 'localhost', '-tls1_2', '-reconnect']
  assert.match((await run(openssl.path, args, { input: 'Q\n' })).stdout, /^Reused, TLSv1\.2/m)
})
