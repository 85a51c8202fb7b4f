/** Rows B1 to B3 and B5 of the page "Encryption in Transit": the server's configuration. */
import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { curlTo, type Login, nodeConnects, ROOT, type Show } from '../support/clients.ts'
import { otherUser, refusedStart, type Served, startRedkite, temporary } from '../support/server.ts'
import { type CertSet, createSet } from '../support/sets.ts'
import { curl, openssl, run } from '../support/tools.ts'

const place = temporary()
let set: CertSet
let other: CertSet
before(async () => {
  set = await createSet(join(place.path, 'tls'))
  other = await createSet(join(place.path, 'other'))
})
after(() => place[Symbol.dispose]())

const LIST = '/v2/vectordb/collections/list'

function milvusYaml(mode: number | string, extra = ''): string {
  const path = join(place.path, `milvus-${String(mode)}-${Math.random()}.yaml`)
  writeFileSync(
    path,
    `proxy:\n  http:\n    enabled: true\n    port: 8080\n` +
      `tls:\n  serverPemPath: ${set.server}\n  serverKeyPath: ${set.serverKey}\n  caPemPath: ${set.ca}\n` +
      `common:\n  security:\n    tlsMode: ${mode}\n${extra}`,
  )
  return path
}

function shows(mode: number): Show {
  return mode === 0 ? { kind: 'plain' } : { kind: mode === 1 ? 'oneWay' : 'mutual', set }
}

function start(mode: number, extra: readonly string[] = []): Promise<Served> {
  return startRedkite({ args: ['--config', milvusYaml(mode), '--http-port', '0', '--host', '127.0.0.1', ...extra] })
}

describe('B1: REST on proxy.http.port while gRPC stays on its own', { skip: curl.skip }, () => {
  for (const mode of [0, 1, 2]) {
    it(`in mode ${mode}`, async () => {
      await using served = await start(mode)
      assert.notEqual(served.port, served.restPort)
      const show = shows(mode)
      assert.equal(await nodeConnects(served.port, show), 'ok')
      const answer = await curlTo(`${served.ready.rest.replace('127.0.0.1', 'localhost')}${LIST}`, show)
      assert.deepEqual(JSON.parse(answer.stdout), { code: 0, data: [] }, answer.stderr)
      assert.notEqual(await nodeConnects(served.restPort, show), 'ok', 'gRPC is not served on the REST port')
    })
  }

  it('without proxy.http.port both share the one port, with TLS too', async () => {
    await using served = await startRedkite({ args: ['--tls', 'mutual', '--tls-dir', set.dir] })
    assert.equal(served.port, served.restPort)
    assert.equal(await nodeConnects(served.port, shows(2)), 'ok')
    const answer = await curlTo(`https://localhost:${served.port}${LIST}`, shows(2))
    assert.deepEqual(JSON.parse(answer.stdout), { code: 0, data: [] }, answer.stderr)
  })

  it('the file’s own number is taken: 8080 as on the page', async () => {
    const ran = await refusedOrServed(milvusYaml(0))
    assert.match(ran, /:8080|port 8080/)
  })
})

/** The address in force, or the refusal that names the port where somebody else has 8080 here. */
async function refusedOrServed(config: string): Promise<string> {
  try {
    await using served = await startRedkite({ args: ['--config', config, '--host', '127.0.0.1'] })
    return served.ready.rest
  } catch (thrown) {
    return String(thrown)
  }
}

describe('B2: the files of TLS', () => {
  it('relative paths resolve against the working directory', async () => {
    const config = join(place.path, 'relative.yaml')
    const tls = ['server.pem', 'server.key', 'ca.pem'].map((name) => relative(place.path, join(set.dir, name)))
    writeFileSync(
      config,
      `tls:\n  serverPemPath: ${tls[0]}\n  serverKeyPath: ${tls[1]}\n  caPemPath: ${tls[2]}\ncommon:\n  security:\n    tlsMode: 2\n`,
    )
    await using served = await startRedkite({ args: ['--config', config], cwd: place.path })
    assert.equal(await nodeConnects(served.port, shows(2)), 'ok')
  })

  const bad = (name: string) => join(place.path, 'bad', name)
  const cases: readonly {
    readonly what: string
    readonly key: string
    readonly make: () => Promise<string> | string
    readonly says: RegExp
    readonly exitCode: number
    readonly mode?: number
    readonly needsOpenssl?: boolean
  }[] = [
    {
      what: 'a missing certificate',
      key: 'tls.serverPemPath',
      make: () => bad('none.pem'),
      says: /none\.pem.*(no such file|does not exist)/i,
      exitCode: 78,
    },
    {
      what: 'a missing key',
      key: 'tls.serverKeyPath',
      make: () => bad('none.key'),
      says: /none\.key.*(no such file|does not exist)/i,
      exitCode: 78,
    },
    {
      what: 'a missing CA in mode 2',
      key: 'tls.caPemPath',
      make: () => bad('none-ca.pem'),
      says: /none-ca\.pem/,
      exitCode: 78,
      mode: 2,
    },
    {
      what: 'a key of another certificate',
      key: 'tls.serverKeyPath',
      make: () => other.serverKey,
      says: /private key does not match/i,
      exitCode: 78,
    },
    {
      what: 'swapped files',
      key: 'tls.serverPemPath',
      make: () => set.serverKey,
      says: /switched|swapped|private key/i,
      exitCode: 78,
    },
    {
      what: 'an encrypted key',
      key: 'tls.serverKeyPath',
      make: async () => {
        const path = bad('encrypted.key')
        await run(openssl.path, [
          'pkcs8',
          '-topk8',
          '-in',
          set.serverKey,
          '-out',
          path,
          '-passout',
          'pass:secret-passphrase',
        ])
        return path
      },
      says: /encrypted/i,
      exitCode: 78,
      needsOpenssl: true,
    },
    {
      what: 'a half-written certificate',
      key: 'tls.serverPemPath',
      make: () => {
        writeFileSync(bad('half.pem'), readFileSync(set.server, 'utf8').slice(0, 300))
        return bad('half.pem')
      },
      says: /half\.pem/,
      exitCode: 78,
    },
    {
      what: 'a CA file without a certificate',
      key: 'tls.caPemPath',
      make: () => {
        writeFileSync(bad('empty-ca.pem'), 'nothing here\n')
        return bad('empty-ca.pem')
      },
      says: /fail to append ca to cert|no certificate/i,
      exitCode: 78,
      mode: 2,
    },
  ]
  for (const { what, key, make, says, exitCode, mode = 1, needsOpenssl } of cases) {
    it(`${what}: the start fails with one line`, { skip: needsOpenssl ? openssl.skip : false }, async () => {
      mkdirSync(join(place.path, 'bad'), { recursive: true })
      const path = await make()
      const failure = await refusedStart({ args: ['--config', milvusYaml(mode), '--set', `${key}=${path}`] })
      const lines = failure.stderr.split('\n').filter((line) => line.startsWith('redkite: '))
      assert.equal(lines.length, 1, failure.stderr)
      assert.match(lines[0] ?? '', says)
      assert.match(failure.stderr, new RegExp(key.replace('.', '\\.')))
      assert.match(failure.stderr, /^hint: /m)
      assert.equal(failure.exitCode, exitCode, failure.stderr)
      assert.equal(failure.stderr.includes('secret-passphrase'), false)
    })
  }

  const reader = otherUser()
  it('an unreadable key: exit 77, naming the file', { skip: reader.skip }, async () => {
    // a place of its own that the other user may enter, and a key in it that only root may read
    using open = temporary()
    chmodSync(open.path, 0o755)
    for (const name of ['server.pem', 'server.key', 'ca.pem']) copyFileSync(join(set.dir, name), join(open.path, name))
    chmodSync(join(open.path, 'server.key'), 0o600)
    const failure = await refusedStart({ args: ['--tls', 'one-way', '--tls-dir', open.path], uid: reader.uid })
    assert.equal(failure.exitCode, 77, failure.stderr)
    assert.match(failure.stderr, /^redkite: .*tls\.serverKeyPath.*server\.key/m)
    assert.match(failure.stderr, /^hint: /m)
  })
})

describe('B3: tlsMode 0, 1, 2', () => {
  it('1 does not read the CA file', async () => {
    await using served = await start(1, ['--set', `tls.caPemPath=${join(place.path, 'nowhere.pem')}`])
    assert.equal(await nodeConnects(served.port, shows(1)), 'ok')
  })

  it('1 is TLS 1.2 and 1.3, 2 is TLS 1.3 only', { skip: openssl.skip }, async () => {
    for (const [mode, version, expected] of [
      [1, '-tls1_2', true],
      [1, '-tls1_3', true],
      [2, '-tls1_2', false],
      [2, '-tls1_3', true],
    ] as const) {
      await using served = await start(mode)
      for (const port of [served.port, served.restPort]) {
        const args = ['s_client', '-connect', `127.0.0.1:${port}`, version, '-CAfile', set.ca, '-alpn', 'h2']
        const ran = await run(openssl.path, [
          ...args,
          '-cert',
          set.client,
          '-key',
          set.clientKey,
          '-verify_return_error',
        ])
        assert.equal(
          /Verify return code: 0|Verification: OK/.test(ran.stdout) && ran.exitCode === 0,
          expected,
          `${mode} ${version}`,
        )
      }
    }
  })

  it('2 asks for a client certificate of the CA and refuses everything else, by reason', {
    skip: curl.skip,
  }, async () => {
    await using served = await start(2)
    assert.equal(await nodeConnects(served.port, shows(2)), 'ok')
    assert.notEqual(await nodeConnects(served.port, shows(1)), 'ok')
    await served.logged(/connection refused.*reason=noClientCertificate/)
    const stranger: Show = { kind: 'mutual', set: { ...other, ca: set.ca } }
    assert.notEqual(await nodeConnects(served.port, stranger), 'ok')
    await served.logged(/connection refused.*reason=unknownAuthority.*issuer/)
    for (const show of [shows(1), stranger]) {
      const refused = await curlTo(`https://localhost:${served.restPort}${LIST}`, show)
      assert.notEqual(refused.exitCode, 0)
      assert.equal(refused.stdout, '')
    }
    const metrics = await (await fetch(`${served.ready.metrics}/metrics`)).text()
    assert.match(metrics, /redkite_tls_handshakes_total\{[^}]*listener="proxy"[^}]*result="refused"[^}]*\} [1-9]/)
    assert.match(metrics, /redkite_tls_handshakes_total\{[^}]*listener="rest"[^}]*result="refused"[^}]*\} [1-9]/)
  })

  it('anything else is an error, never silent plaintext', async () => {
    for (const mode of ['3', '-1', 'two', '1.5', '"yes"']) {
      const failure = await refusedStart({ args: ['--config', milvusYaml(mode)] })
      assert.equal(failure.exitCode, 78, mode)
      assert.match(
        failure.stderr,
        /tls mode must be 0: no authentication, 1: one way authentication or 2: two way authentication/,
        mode,
      )
    }
  })

  it('plain HTTP sent to a TLS port gets a readable answer', { skip: curl.skip }, async () => {
    await using served = await start(1)
    const answer = await run(curl.path, ['-sS', '--max-time', '10', '-i', `http://localhost:${served.restPort}${LIST}`])
    assert.match(answer.stdout, /^HTTP\/1\.0 400 Bad Request/)
    assert.match(answer.stdout, /Client sent an HTTP request to an HTTPS server\./)
  })

  it('the line of the log that the page tells to look for', async () => {
    await using served = await start(1)
    await served.logged(/\["Internal TLS Enabled"\] \[value=false\]/)
  })
})

describe('B5: TLS and authentication are two independent gates', () => {
  const passwords: readonly (readonly [string, Login])[] = [
    ['right', ROOT],
    ['wrong', { user: 'root', password: 'nonsense' }],
    ['no', null],
  ]
  for (const mode of [0, 1, 2]) {
    for (const auth of [false, true]) {
      it(`tlsMode ${mode}, authentication ${auth ? 'on' : 'off'}`, { skip: curl.skip }, async () => {
        await using served = await start(mode, ['--set', `common.security.authorizationEnabled=${auth}`])
        const certificates: readonly (readonly [string, Show])[] =
          mode === 2
            ? [
                ['right', shows(2)],
                ['wrong', { kind: 'mutual', set: { ...other, ca: set.ca } }],
                ['no', shows(1)],
              ]
            : mode === 1
              ? [
                  ['right', { kind: 'mutual', set }],
                  ['wrong', { kind: 'mutual', set: { ...other, ca: set.ca } }],
                  ['no', shows(1)],
                ]
              : [['no', shows(0)]]
        for (const [certificate, show] of certificates) {
          for (const [password, login] of passwords) {
            const what = `certificate ${certificate}, password ${password}`
            const tlsOk = mode < 2 || certificate === 'right'
            const loginOk = !auth || password === 'right'
            const outcome = await nodeConnects(served.port, show, login)
            assert.equal(outcome === 'ok', tlsOk && loginOk, `${what}: ${outcome}`)
            if (tlsOk && !loginOk) {
              const text = password === 'no' ? /missing authorization in header|invalid token/ : /auth check failure/
              assert.match(outcome, text, what)
            }
            const url = `${mode === 0 ? 'http' : 'https'}://localhost:${served.restPort}${LIST}`
            const answer = await curlTo(url, show, login)
            if (!tlsOk) assert.notEqual(answer.exitCode, 0, what)
            else if (loginOk) assert.deepEqual(JSON.parse(answer.stdout), { code: 0, data: [] }, what)
            else assert.deepEqual(JSON.parse(answer.stdout), { code: 1800, message: "user hasn't authenticated" }, what)
          }
        }
      })
    }
  }
})
