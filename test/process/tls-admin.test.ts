/** `/redkite/v1/tls/…` and `redkite tls …` over it: on real servers, in each mode, by whoever may and may not. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { request as requestPlain } from 'node:http'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { request as requestTls } from 'node:https'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type {
  CertificatesReport,
  ChangeReport,
  CloseReport,
  ConnectionsReport,
  StatusReport,
} from '../../src/protocol/admin/administration.ts'
import { redkite, type Served, startRedkite, temporary } from '../support/server.ts'
import { type CertSet, createSet, setIn } from '../support/sets.ts'

const ROOT = 'root:Milvus'

interface Answer<T> {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly code: number
  readonly message: string
  readonly data: T
}

interface Call {
  readonly method?: string
  readonly login?: string | null
  readonly body?: object
  readonly set?: CertSet | null
  readonly withCertificate?: boolean
  readonly host?: string
  readonly origin?: string
}

/** One call over a connection of its own; https where a set is given. */
function call<T = unknown>(port: number, path: string, wish: Call = {}): Promise<Answer<T>> {
  const { method = 'GET', login = ROOT, body, set = null, withCertificate = true, host = '127.0.0.1', origin } = wish
  const pair = set && withCertificate ? { cert: readFileSync(set.client), key: readFileSync(set.clientKey) } : {}
  const tls = set ? { ca: readFileSync(set.ca), servername: 'localhost', ...pair } : {}
  const headers = origin === undefined ? {} : { origin }
  const auth = login === null ? {} : { auth: login }
  const options = { host, port, path: `/redkite/v1/${path}`, method, agent: false, headers, ...auth, ...tls }
  return new Promise((resolve, reject) => {
    const outgoing = (set ? requestTls : requestPlain)(options, async (response) => {
      let text = ''
      for await (const chunk of response.setEncoding('utf8')) text += chunk
      try {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, ...JSON.parse(text) })
      } catch (error) {
        reject(error)
      }
    })
    outgoing.on('error', reject)
    outgoing.end(body === undefined ? '' : JSON.stringify(body))
  })
}

/** An HTTP/2 session that has made one request. */
async function session(port: number, set: CertSet): Promise<ClientHttp2Session> {
  const opened = connectHttp2(`https://localhost:${port}`, {
    ca: readFileSync(set.ca),
    cert: readFileSync(set.client),
    key: readFileSync(set.clientKey),
    ecdhCurve: 'X25519MLKEM768:X25519',
  })
  opened.on('error', () => {})
  const stream = opened.request({ ':path': '/v2/vectordb/collections/list' })
  stream.resume()
  await once(stream, 'close')
  return opened
}

describe('mutual TLS, REST on a port of its own', () => {
  const scratch = temporary()
  const live = setIn(join(scratch.path, 'live'))
  let first: CertSet
  let second: CertSet
  let served: Served
  const use = (set: CertSet) => {
    copyFileSync(set.serverKey, live.serverKey)
    copyFileSync(set.server, live.server)
  }
  before(async () => {
    first = await createSet(live.dir)
    // The same authority, another server pair.
    second = setIn(join(scratch.path, 'second'))
    await createSet(second.dir)
    const names = ['ca.pem', 'ca.key', 'client.pem', 'client.key'] as const
    for (const name of names) copyFileSync(join(live.dir, name), join(second.dir, name))
    assert.equal((await redkite(['certs', 'renew', '--dir', second.dir])).exitCode, 0)
    const args = [
      '--tls',
      'mutual',
      '--tls-dir',
      live.dir,
      '--http-port',
      '0',
      '--set',
      'redkite.tls.reloadIntervalMs=0',
    ]
    served = await startRedkite({ args })
  })
  after(async () => {
    await served[Symbol.asyncDispose]()
    scratch[Symbol.dispose]()
  })

  test('root alone, by password, even where authorisation is off; a stranger learns of no path', async () => {
    for (const port of [served.port, served.restPort]) {
      const good = await call<StatusReport>(port, 'tls/status', { set: first })
      assert.deepEqual([good.status, good.code], [200, 0])
      for (const login of [null, 'root:wrong', 'nobody:Milvus']) {
        for (const path of ['tls/status', 'tls/reload', 'no/such']) {
          const refused = await call(port, path, { set: first, login })
          assert.deepEqual([refused.status, refused.code], [401, 1800], `${login} ${path}`)
        }
      }
      assert.match(
        String((await call(port, 'tls/status', { set: first, login: null })).headers['www-authenticate']),
        /^Basic/,
      )
    }
    const unknown = await call(served.port, 'no/such', { set: first })
    assert.deepEqual([unknown.status, unknown.code], [404, 404])
    const method = await call(served.port, 'tls/reload', { set: first })
    assert.deepEqual([method.status, method.message], [405, 'use POST /redkite/v1/tls/reload'])
    await assert.rejects(call(served.port, 'tls/status', { set: first, withCertificate: false }))
  })

  test('a page of another site cannot use the login that a browser remembers', async () => {
    const ask = (origin: string) => call(served.port, 'tls/reload', { method: 'POST', set: first, origin })
    for (const origin of ['https://evil.example', 'null', `https://127.0.0.1:${served.port + 1}`]) {
      assert.equal((await ask(origin)).status, 403, origin)
    }
    assert.equal((await ask(`https://127.0.0.1:${served.port}`)).status, 200)
  })

  test('another user is refused with 403', async () => {
    const path = '/v2/vectordb/users/create'
    const created = await new Promise<number>((resolve, reject) => {
      const tls = { ca: readFileSync(first.ca), cert: readFileSync(first.client), key: readFileSync(first.clientKey) }
      const options = { host: 'localhost', port: served.port, path, method: 'POST', agent: false, auth: ROOT, ...tls }
      const outgoing = requestTls(options, (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
      outgoing.on('error', reject)
      outgoing.end(JSON.stringify({ userName: 'alice', password: 'secret-1' }))
    })
    assert.equal(created, 200)
    const refused = await call(served.port, 'tls/status', { set: first, login: 'alice:secret-1' })
    assert.equal(refused.status, 403)
    assert.match(refused.message, /root/)
  })

  test('status: mode, policy, ports, refusals by reason and the last ones in words', async () => {
    await assert.rejects(call(served.restPort, 'tls/status', { set: first, withCertificate: false }))
    const { data } = await call<StatusReport>(served.port, 'tls/status', { set: first })
    assert.equal(data.mode, 'mutual')
    assert.deepEqual(
      [data.policy?.profile, data.policy?.pq, data.policy?.minVersion],
      ['intermediate', 'prefer', 'TLSv1.3'],
    )
    assert.equal(data.policy?.groups[0], 'X25519MLKEM768')
    const [proxy, rest] = data.listeners
    assert.deepEqual([proxy?.name, proxy?.port, proxy?.serves], ['proxy', served.port, 'grpc+rest'])
    assert.deepEqual([rest?.name, rest?.port, rest?.serves], ['rest', served.restPort, 'rest'])
    assert.deepEqual([rest?.transport, rest?.minVersion, rest?.alpn], ['tls', 'TLSv1.3', ['h2', 'http/1.1']])
    assert.ok((proxy?.handshakes.accepted ?? 0) > 0)
    assert.ok((rest?.handshakes.refused['noClientCertificate'] ?? 0) > 0)
    const [last, next] = data.refusals
    assert.ok((last?.times ?? 0) >= 1)
    assert.notDeepEqual([next?.listener, next?.reason], [last?.listener, last?.reason], 'one entry for one cause')
    assert.deepEqual([last?.listener, last?.reason, last?.sni], ['rest', 'noClientCertificate', 'localhost'])
    assert.match(last?.peer ?? '', /^127\.0\.0\.1:\d+$/)
    assert.match(last?.remedy ?? '', /client\.pem/)
    assert.ok(Date.now() - Date.parse(last?.at ?? '') < 60_000)
  })

  test('connections: who, how encrypted, by which certificate; and each can be sent away', async () => {
    const certificate = new X509Certificate(readFileSync(first.client))
    const opened = await session(served.port, first)
    const list = async () =>
      (await call<ConnectionsReport>(served.restPort, 'tls/connections', { set: first })).data.connections
    const row = (await list()).find(({ listener }) => listener === 'proxy')
    assert.ok(row)
    const { id, protocol, requestsOpen, tls } = row
    assert.deepEqual([protocol, requestsOpen], ['h2', 0])
    assert.deepEqual(
      [tls?.version, tls?.cipher, tls?.group, tls?.alpn, tls?.sni, tls?.resumed, tls?.generation],
      ['TLSv1.3', 'TLS_AES_256_GCM_SHA384', 'X25519MLKEM768', 'h2', 'localhost', false, 1],
    )
    assert.equal(tls?.client?.serial, certificate.serialNumber)
    assert.equal(tls?.client?.fingerprint256, certificate.fingerprint256)
    assert.equal(tls?.client?.notAfter, certificate.validToDate.toISOString())
    assert.equal(tls?.client?.user, null)
    const asking = (await list()).find(({ listener }) => listener === 'rest')
    assert.deepEqual([asking?.protocol, asking?.requestsOpen], ['http/1.1', 1])

    const close = (body: object) =>
      call<CloseReport>(served.restPort, 'tls/connections/close', { method: 'POST', set: first, body })
    const goaway = once(opened, 'goaway')
    assert.equal((await close({ id })).data.closed, 1)
    await goaway
    assert.equal((await close({ id })).data.closed, 0)
    const again = await session(served.port, first)
    const gone = once(again, 'close')
    const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase()
    // The connection that asks has the same certificate.
    assert.ok((await close({ fingerprint })).data.closed >= 1)
    await gone
    for (const body of [{}, { id, fingerprint }, { id: 'proxy' }, { fingerprint: 'ab' }, { peer: 'x' }, { user: '' }]) {
      const refused = await close(body)
      assert.deepEqual([refused.status, refused.code], [200, 1100], JSON.stringify(body))
      assert.match(refused.message, /^connections\/close: /)
    }
  })

  test('certificates: the files and every certificate of the chain and of the CA file', async () => {
    const { data } = await call<CertificatesReport>(served.port, 'tls/certificates', { set: first })
    const [material] = data.materials
    const leaf = new X509Certificate(readFileSync(live.server))
    const [own] = material?.certificates ?? []
    assert.deepEqual([own?.role, own?.path, own?.fingerprint256], ['server', live.server, leaf.fingerprint256])
    assert.equal(own?.daysLeft, Math.floor((leaf.validToDate.getTime() - Date.now()) / 86_400_000))
    const authority = new X509Certificate(readFileSync(live.ca)).fingerprint256
    assert.ok(material?.certificates.some(({ role, fingerprint256 }) => role === 'ca' && fingerprint256 === authority))
    assert.deepEqual(
      material?.files.map(({ role }) => role),
      ['serverPem', 'serverKey', 'caPem'],
    )
    assert.doesNotMatch(JSON.stringify(data), /PRIVATE KEY/)
  })

  test('reload and rollback, by the API and by the command', async () => {
    const serial = async () => {
      const { data } = await call<CertificatesReport>(served.port, 'tls/certificates', { set: first })
      return data.materials[0]?.certificates[0]?.serial
    }
    const change = (verb: string) => call<ChangeReport>(served.port, `tls/${verb}`, { method: 'POST', set: first })
    const before = await serial()
    assert.deepEqual((await change('reload')).data.materials, [{ section: 'tls', outcome: 'unchanged', generation: 1 }])
    use(second)
    assert.deepEqual((await change('reload')).data.materials, [{ section: 'tls', outcome: 'swapped', generation: 2 }])
    assert.equal(await serial(), new X509Certificate(readFileSync(second.server)).serialNumber)
    writeFileSync(live.server, 'half a file')
    const refused = await change('reload')
    assert.equal(refused.code, 1100)
    assert.match(refused.message, /generation 2 keeps serving: .*server\.pem/)

    const target = [
      '--uri',
      `https://localhost:${served.port}`,
      '--ca',
      live.ca,
      '--cert',
      live.client,
      '--key',
      live.clientKey,
    ]
    const env = { REDKITE_PASSWORD: 'Milvus' }
    const failed = await redkite(['tls', 'reload', ...target], { env })
    assert.equal(failed.exitCode, 1)
    assert.match(failed.stderr, /generation 2 keeps serving: .*server\.pem/)
    const back = await redkite(['tls', 'rollback', ...target], { env })
    assert.deepEqual([back.exitCode, back.stdout], [0, 'tls: rolled back, generation 3\n'])
    assert.equal(await serial(), before)
    use(second)
    const json = await redkite(['tls', 'reload', ...target, '-o', 'json'], { env })
    assert.deepEqual(JSON.parse(json.stdout), { materials: [{ section: 'tls', outcome: 'swapped', generation: 4 }] })
    await served.logged(/\[administration\] \[path=\/redkite\/v1\/tls\/rollback\] \[user=root\]/)
  })

  describe('the commands', () => {
    const target = () => ['--uri', `https://localhost:${served.port}`, '--ca', live.ca]
    const identity = ['--cert', live.client, '--key', live.clientKey]
    const env = { REDKITE_PASSWORD: 'Milvus' }

    test('print tables for people and the API’s data as JSON', async () => {
      const password = join(scratch.path, 'password')
      writeFileSync(password, 'Milvus\nnot this\n', { mode: 0o600 })
      const ask = (...args: string[]) =>
        redkite(['tls', ...args, ...target(), ...identity, '--password-file', password])
      const status = await ask('status')
      assert.equal(status.exitCode, 0, status.stderr)
      assert.match(
        status.stdout,
        /^mode +mutual \(tlsMode 2\)\nprofile +intermediate, post-quantum: prefer\nversions +TLS 1\.3\n/,
      )
      assert.match(status.stdout, /^groups +X25519MLKEM768 X25519 P-256 P-384$/m)
      assert.match(status.stdout, /^LISTENER +ADDRESS +SERVES/m)
      assert.match(status.stdout, /noClientCertificate: tls: client didn't provide a certificate\n +fix: /)
      const connections = await ask('connections')
      assert.match(
        connections.stdout,
        /^ID +PEER +PROTOCOL +TLS +CIPHER +GROUP .*\nproxy:\d+ +127\.0\.0\.1:\d+ +http\/1\.1 +1\.3 /,
      )
      const certificates = await ask('certificates')
      const leaf = new X509Certificate(readFileSync(live.server))
      const days = Math.floor((leaf.validToDate.getTime() - Date.now()) / 86_400_000)
      assert.match(
        certificates.stdout,
        new RegExp(`^server +\\S+server\\.pem +1 +${days} +\\S+Z .*${leaf.serialNumber}`, 'm'),
      )
      const json = JSON.parse((await ask('status', '-o', 'json')).stdout) as StatusReport
      assert.equal(json.mode, 'mutual')
      const opened = await session(served.port, first)
      const closed = once(opened, 'close')
      const { fingerprint256 } = new X509Certificate(readFileSync(first.client))
      assert.match((await ask('close', '--fingerprint', fingerprint256)).stdout, /^\d closed\n$/)
      await closed
    })

    const faults: readonly (readonly [string, () => readonly string[], Record<string, string>, number, RegExp])[] = [
      ['no client certificate', target, env, 69, /closed the connection.*\nhint: .*--cert and --key/],
      ['no CA', () => [...target().slice(0, 2), ...identity], env, 69, /no trusted authority.*\nhint: .*--ca ca\.pem/],
      [
        'another CA',
        () => [...target().slice(0, 2), '--ca', join(scratch.path, 'other/ca.pem'), ...identity],
        env,
        69,
        /no trusted authority/,
      ],
      [
        'another name',
        () => [...target(), ...identity, '--server-name', 'db.example'],
        env,
        69,
        /other names.*localhost.*\nhint: .*--server-name/,
      ],
      [
        'wrong password',
        () => [...target(), ...identity],
        { REDKITE_PASSWORD: 'wrong' },
        77,
        /login of root was refused/,
      ],
      [
        'another user',
        () => [...target(), ...identity, '--user', 'alice'],
        { REDKITE_PASSWORD: 'secret-1' },
        77,
        /root/,
      ],
      ['no password', target, {}, 64, /no password\nhint: give --password-file/],
      ['half a pair', () => [...target(), '--cert', live.client], env, 64, /--cert and --key belong together/],
      [
        'a missing file',
        () => [...target().slice(0, 2), '--ca', '/no/such'],
        env,
        78,
        /--ca: open \/no\/such: no such file/,
      ],
      ['plaintext to another machine', () => ['--uri', 'http://192.0.2.1:19530'], env, 64, /in the clear/],
      [
        'plaintext to a TLS port',
        () => ['--uri', `http://localhost:${served.port}`],
        env,
        69,
        /HTTP request to an HTTPS server/,
      ],
      ['nobody there', () => ['--uri', 'https://127.0.0.1:1'], env, 69, /connection refused\nhint: start the server/],
    ]
    for (const [name, args, environment, exitCode, message] of faults) {
      test(`${name}: exit ${exitCode}, and what to do`, async () => {
        if (name === 'another CA') await createSet(join(scratch.path, 'other'))
        const ran = await redkite(['tls', 'status', ...args()], { env: environment })
        assert.match(ran.stderr, message)
        assert.equal(ran.exitCode, exitCode)
        assert.equal(ran.stdout, '')
      })
    }

    test('NODE_TLS_REJECT_UNAUTHORIZED does not make them trust anybody', async () => {
      const environment = { ...env, NODE_TLS_REJECT_UNAUTHORIZED: '0' }
      const ran = await redkite(['tls', 'status', ...target().slice(0, 2), ...identity], { env: environment })
      assert.equal(ran.exitCode, 69)
      assert.match(ran.stderr, /no trusted authority/)
    })
  })
})

describe('plaintext', () => {
  let served: Served
  before(async () => {
    served = await startRedkite({ args: ['--host', '0.0.0.0'] })
  })
  after(() => served[Symbol.asyncDispose]())

  test('a client of this machine is told that TLS is off, and that there is nothing to reload', async () => {
    const { data } = await call<StatusReport>(served.port, 'tls/status')
    assert.deepEqual([data.mode, data.policy, data.generation], ['off', null, null])
    assert.deepEqual([data.listeners[0]?.transport, data.listeners[0]?.minVersion], ['plaintext', null])
    assert.deepEqual((await call<CertificatesReport>(served.port, 'tls/certificates')).data, { materials: [] })
    const [row] = (await call<ConnectionsReport>(served.port, 'tls/connections')).data.connections
    assert.equal(row?.tls, null)
    for (const verb of ['reload', 'rollback']) {
      const refused = await call(served.port, `tls/${verb}`, { method: 'POST' })
      assert.equal(refused.code, 1100)
      assert.match(refused.message, /TLS is off/)
    }
    const shown = await redkite(['tls', 'status', '--uri', `http://127.0.0.1:${served.port}`], {
      env: { REDKITE_PASSWORD: 'Milvus' },
    })
    assert.match(shown.stdout, /^mode +off: plaintext \(tlsMode 0\)\n/)
  })

  const address = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address
  test('another machine is refused before it can send a password that counts', {
    skip: address ? false : 'no other address',
  }, async () => {
    const refused = await call(served.port, 'tls/status', { host: address ?? '' })
    assert.equal(refused.status, 403)
    assert.match(refused.message, /served over TLS, or to clients of the same machine/)
  })
})
