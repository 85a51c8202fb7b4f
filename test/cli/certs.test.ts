/** `redkite certs create` and `renew`, judged by OpenSSL and by real handshakes. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { EXIT, StartError } from '../../src/errors/start-error.ts'
import { certs } from '../support/certs-cli.ts'
import { handshake } from '../support/handshake.ts'
import { pageGenerate, pageSign, runOpenssl } from '../support/page-script.ts'
import { openssl, run } from '../support/tools.ts'

let root = ''
let count = 0
const fresh = (): string => join(root, `set-${count++}`)
const SEVEN = ['ca.key', 'ca.pem', 'ca.srl', 'client.key', 'client.pem', 'server.key', 'server.pem']
const refused = (exitCode: number, pattern: RegExp) => (error: unknown) =>
  error instanceof StartError && error.exitCode === exitCode && pattern.test(error.message)

/** `openssl verify -x509_strict` for a purpose: its exit code and its words. */
async function strict(directory: string, purpose: 'sslserver' | 'sslclient', file: string, ...more: string[]) {
  const args = ['verify', '-x509_strict', '-CAfile', 'ca.pem', '-purpose', purpose, ...more, file]
  const ran = await run(openssl.path, args, { cwd: directory })
  return { exitCode: ran.exitCode, words: ran.stdout + ran.stderr }
}

async function serialOf(directory: string, file: string): Promise<string> {
  return new X509Certificate(await readFile(join(directory, file))).serialNumber
}

const asRoot = process.getuid?.() === 0 ? false : 'only root gives files away'

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'redkite-certs-'))
})
after(() => rm(root, { recursive: true, force: true }))

describe('certs create, judged by openssl', { skip: openssl.skip }, () => {
  for (const key of ['ec', 'rsa'] as const) {
    it(`makes ${key} certificates that are strictly valid for their purpose and no other`, async () => {
      const directory = fresh()
      const subject = ['--country', 'DE', '--state', 'BE', '--location', 'Köln', '--organization', 'Ö', '--unit', 'U']
      await certs('create', 'db.example.com', '10.0.0.5', '--dir', directory, '--key', key, ...subject)
      assert.deepEqual((await readdir(directory)).sort(), SEVEN)
      for (const [purpose, file] of [
        ['sslserver', 'server.pem'],
        ['sslclient', 'client.pem'],
      ] as const) {
        assert.deepEqual(await strict(directory, purpose, file), { exitCode: 0, words: `${file}: OK\n` })
      }
      assert.match((await strict(directory, 'sslclient', 'server.pem')).words, /unsuitable certificate purpose/)
      assert.match((await strict(directory, 'sslserver', 'client.pem')).words, /unsuitable certificate purpose/)
      await runOpenssl(directory, 'verify -x509_strict -auth_level 2 -CAfile ca.pem ca.pem')
    })
  }

  it('names the server by addresses and host names', async () => {
    const directory = fresh()
    await certs('create', '10.0.0.5', 'fe80::5', 'db.example.com', '--dir', directory)
    const by = (...name: string[]) => strict(directory, 'sslserver', 'server.pem', ...name)
    for (const ip of ['10.0.0.5', 'fe80::5', '127.0.0.1', '::1']) {
      assert.equal((await by('-verify_ip', ip)).exitCode, 0, ip)
    }
    for (const host of ['db.example.com', 'localhost']) assert.equal((await by('-verify_hostname', host)).exitCode, 0)
    assert.match((await by('-verify_ip', '10.0.0.6')).words, /IP address mismatch/)
    assert.match((await by('-verify_hostname', 'other')).words, /hostname mismatch/i)
  })

  it('makes an authority that signs leaves and revocation lists, and nothing else', async () => {
    const directory = fresh()
    await certs('create', '--dir', directory)
    const text = await runOpenssl(directory, 'x509 -in ca.pem -noout -text')
    assert.match(text, /Basic Constraints: critical\s+CA:TRUE, pathlen:0/)
    assert.match(text, /Key Usage: critical\s+Certificate Sign, CRL Sign\n/)
    assert.match(text, /Subject: CN = Redkite private CA [0-9A-F]{8}\n/)
    assert.match(text, /Subject Key Identifier/)
    const leaf = await runOpenssl(directory, 'x509 -in server.pem -noout -text')
    assert.match(leaf, /Key Usage: critical\s+Digital Signature\n/)
    assert.match(leaf, /Authority Key Identifier/)
    for (const key of ['ca.key', 'server.key', 'client.key']) {
      assert.match(await readFile(join(directory, key), 'utf8'), /^-----BEGIN PRIVATE KEY-----\n/)
      await runOpenssl(directory, `pkey -in ${key} -noout -check`)
    }
  })

  it("leaves files with which the documentation's renew.sh can go on", async () => {
    const directory = fresh()
    await certs('create', '--dir', directory, '--key', 'rsa')
    const last = BigInt(`0x${await serialOf(directory, 'client.pem')}`)
    await pageSign(directory, 'server', '-CAserial ca.srl')
    assert.equal(BigInt(`0x${await serialOf(directory, 'server.pem')}`), last + 1n)
    assert.equal((await strict(directory, 'sslserver', 'server.pem')).exitCode, 0)
    await certs('renew', '--dir', directory, '--server')
    assert.equal((await strict(directory, 'sslserver', 'server.pem')).exitCode, 0)
  })
})

describe('certs renew, judged by openssl', { skip: openssl.skip }, () => {
  it('issues new pairs that clients of the old authority accept', async () => {
    const directory = fresh()
    await certs('create', 'db.example.com', '--dir', directory)
    const authority = await readFile(join(directory, 'ca.pem'), 'utf8')
    const old = [await serialOf(directory, 'server.pem'), await serialOf(directory, 'client.pem')]
    const { stdout } = await certs('renew', '--dir', directory, '-o', 'json')
    const renewed: unknown = JSON.parse(stdout).renewed.map(
      (one: { current: { serial: string } }) => one.current.serial,
    )
    const now = [await serialOf(directory, 'server.pem'), await serialOf(directory, 'client.pem')]
    assert.deepEqual(renewed, now)
    assert.equal(new Set([...old, ...now]).size, 4)
    assert.equal(await readFile(join(directory, 'ca.pem'), 'utf8'), authority)
    assert.equal((await readFile(join(directory, 'ca.srl'), 'utf8')).trim(), now[1])
    const named = await strict(directory, 'sslserver', 'server.pem', '-verify_hostname', 'db.example.com')
    assert.equal(named.exitCode, 0, named.words)
    assert.equal((await strict(directory, 'sslclient', 'client.pem')).exitCode, 0)
    assert.equal(await serialOf(directory, 'server.pem.old'), old[0])
  })

  it("works on the documentation's ca.key, ca.pem and ca.srl alone, and mends its client", async () => {
    const directory = fresh()
    await mkdir(directory)
    await pageGenerate(directory)
    for (const file of ['server.key', 'server.pem', 'client.key', 'client.pem']) await unlink(join(directory, file))
    await certs('renew', '--dir', directory)
    const verify = (purpose: string, file: string) =>
      runOpenssl(directory, `verify -CAfile ca.pem -purpose ${purpose} ${file}`)
    assert.match(await verify('sslserver', 'server.pem'), /OK/)
    assert.match(await verify('sslclient', 'client.pem'), /OK/)
  })

  it('signs with what OpenSSL gives an authority: P-384 in SEC1 form; and says which key it cannot use', async () => {
    const directory = fresh()
    await mkdir(directory)
    await runOpenssl(directory, 'ecparam -genkey -name secp384r1 -out ca.key')
    await runOpenssl(directory, 'req -new -x509 -key ca.key -out ca.pem -days 100 -subj /CN=an-authority')
    await certs('renew', '--dir', directory)
    assert.match(await runOpenssl(directory, 'verify -CAfile ca.pem -purpose sslserver server.pem'), /OK/)
    assert.match(await runOpenssl(directory, 'x509 -in server.pem -noout -text'), /ecdsa-with-SHA384/)
    await runOpenssl(directory, 'genpkey -algorithm ED25519 -out ca.key')
    await runOpenssl(directory, 'req -new -x509 -key ca.key -out ca.pem -days 100 -subj /CN=an-authority')
    await assert.rejects(certs('renew', '--dir', directory), refused(EXIT.config, /key of type ed25519 cannot sign/))
  })

  it('keeps who may read the files: their owner, and the group of the key', { skip: asRoot }, async () => {
    const directory = fresh()
    await certs('create', '--dir', directory)
    await chown(join(directory, 'server.key'), 10001, 10001)
    await chmod(join(directory, 'server.key'), 0o640)
    await chown(join(directory, 'client.key'), 1000, 1000)
    await certs('renew', '--dir', directory)
    const [server, client] = await Promise.all(['server.key', 'client.key'].map((name) => stat(join(directory, name))))
    assert.deepEqual([server?.uid, server?.gid, (server?.mode ?? 0) & 0o777], [10001, 10001, 0o640])
    assert.deepEqual([client?.uid, client?.gid, (client?.mode ?? 0) & 0o777], [1000, 1000, 0o600])
  })

  it('makes a pair for internal TLS that serves and connects, and a renewal leaves it so', async () => {
    const directory = fresh()
    await certs('create', '--internal', '--server-name', 'node.internal', '--dir', directory)
    for (const round of ['created', 'renewed']) {
      for (const purpose of ['sslserver', 'sslclient'] as const) {
        assert.equal((await strict(directory, purpose, 'server.pem')).exitCode, 0, `${round}: ${purpose}`)
      }
      assert.match((await strict(directory, 'sslserver', 'client.pem')).words, /unsuitable certificate purpose/)
      await certs('renew', '--dir', directory)
    }
  })

  it('keeps the subject and the names of a certificate that OpenSSL made', async () => {
    const directory = fresh()
    await mkdir(directory)
    await pageGenerate(directory)
    await certs('renew', '--dir', directory)
    const text = await runOpenssl(directory, 'x509 -in client.pem -noout -subject -ext extendedKeyUsage,subjectAltName')
    assert.match(text, /C = US, ST = State, L = City, O = Company, OU = Unit, CN = localhost/)
    assert.match(text, /TLS Web Client Authentication\n/)
    assert.match(text, /DNS:localhost\n/)
  })
})

describe('certs create and renew in use', () => {
  it('makes a server.pem that a Node client can take as its trust anchor, and a client that mutual mode admits', async () => {
    for (const key of ['ec', 'rsa'] as const) {
      const directory = fresh()
      await certs('create', '--dir', directory, '--key', key)
      const read = (name: string): Promise<string> => readFile(join(directory, name), 'utf8')
      const server = { cert: await read('server.pem'), key: await read('server.key') }
      const client = { cert: await read('client.pem'), key: await read('client.key') }
      for (const host of ['localhost', '127.0.0.1', '::1']) {
        assert.equal(await handshake({ server, clientCa: await read('server.pem'), host }), 'ok', host)
        assert.equal(await handshake({ server, clientCa: await read('ca.pem'), host }), 'ok', host)
      }
      const mutual = { server, serverCa: await read('ca.pem'), clientCa: await read('ca.pem'), host: 'localhost' }
      assert.equal(await handshake({ ...mutual, client }), 'ok')
      assert.notEqual(await handshake({ ...mutual, client: server }), 'ok')
      assert.notEqual(await handshake({ ...mutual }), 'ok')
    }
  })

  it('overwrites nothing without --force, and says what to do', async () => {
    const directory = fresh()
    await certs('create', '--dir', directory)
    const before = await readFile(join(directory, 'ca.pem'), 'utf8')
    await assert.rejects(certs('create', '--dir', directory), refused(EXIT.cannotCreate, /will not overwrite/))
    assert.equal(await readFile(join(directory, 'ca.pem'), 'utf8'), before)
    await certs('create', '--dir', directory, '--force')
    assert.notEqual(await readFile(join(directory, 'ca.pem'), 'utf8'), before)
  })

  it('prints ready lines with paths that exist, and no key', async () => {
    const directory = fresh()
    const { stdout, stderr } = await certs('create', 'db.example.com', '--dir', directory)
    assert.match(
      stdout,
      /uri="https:\/\/db\.example\.com:19530", secure=True, server_pem_path="[^"]+server\.pem", server_name="db\.example\.com"/,
    )
    assert.match(
      stdout,
      /client_pem_path="[^"]+client\.pem", client_key_path="[^"]+client\.key", ca_pem_path="[^"]+ca\.pem"/,
    )
    assert.match(
      stdout,
      /rootCertPath: "[^"]+ca\.pem", privateKeyPath: "[^"]+client\.key", certChainPath: "[^"]+client\.pem"/,
    )
    assert.match(
      stdout,
      /curl --cacert \S+ca\.pem --cert \S+client\.pem --key \S+client\.key -d "\{\}" https:\/\/db\.example\.com:19530\/v2/,
    )
    for (const path of stdout.match(/[^" ]+\.(?:pem|key)(?=")/g) ?? []) await readFile(path)
    const key = await readFile(join(directory, 'server.key'), 'utf8')
    for (const line of key.split('\n').filter((one) => one.length > 10 && !one.startsWith('-'))) {
      assert.ok(!`${stdout}${stderr}`.includes(line))
    }
    assert.match(stderr, /keep .*ca\.key safe/)
  })

  it('prints JSON that holds paths, dates and fingerprints', async () => {
    const directory = fresh()
    const { stdout } = await certs('create', '--dir', directory, '--days', '90', '--client', 'etl', '-o', 'json')
    const set = JSON.parse(stdout)
    assert.equal(set.files.server, join(directory, 'server.pem'))
    assert.equal(set.ca.fingerprint256, new X509Certificate(await readFile(join(directory, 'ca.pem'))).fingerprint256)
    assert.equal((Date.parse(set.server.notAfter) - Date.parse(set.server.notBefore)) / 86_400_000, 90)
    assert.equal(set.client.subject, 'CN=etl')
    assert.deepEqual(Object.keys(set.ready), ['oneWay', 'mutual'])
  })

  it('refuses wrong words with the field, the value and the remedy', async () => {
    const wrong: readonly (readonly [RegExp, ...string[]])[] = [
      [/"https:\/\/x" is not a host name/, 'create', 'https://x'],
      [/days 0 is not a whole number/, 'create', '--days', '0'],
      [/country "germany" is not|country has 7/, 'create', '--country', 'germany'],
      [/only server certificates have names/, 'renew', 'x', '--client'],
    ]
    for (const [pattern, ...args] of wrong) {
      await assert.rejects(certs(...args, '--dir', fresh()), refused(EXIT.usage, pattern))
    }
    await assert.rejects(certs('renew', '--dir', fresh()), refused(EXIT.config, /ca\.key and .*ca\.pem are missing/))
    await assert.rejects(certs('create', '--key', 'dsa', '--dir', fresh()), /Allowed choices are ec, rsa/)
    await assert.rejects(certs('create', '--days', 'x', '--dir', fresh()), /whole number of days/)
  })
})
