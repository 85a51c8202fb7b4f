/** deploy/certs/{gen,renew}.sh: what a reader who follows the Milvus page by hand runs instead of its scripts. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { pageGenerate, runOpenssl } from '../support/page-script.ts'
import { type Served, startRedkite, temporary } from '../support/server.ts'
import { http1Call } from '../support/tls-client.ts'
import { openssl, type Ran, run } from '../support/tools.ts'

const SEVEN = ['ca.key', 'ca.pem', 'ca.srl', 'client.key', 'client.pem', 'server.key', 'server.pem']
const scripts = fileURLToPath(new URL('../../deploy/certs', import.meta.url))
const folder = temporary()
const at = (name: string) => join(folder.path, name)
const read = (name: string) => readFileSync(at(name), 'utf8')

/** `sh <script>` with variables, in a directory. */
function sh(
  script: string,
  env: Readonly<Record<string, string>> = {},
  cwd = folder.path,
  args: string[] = [],
): Promise<Ran> {
  return run('sh', [join(scripts, script), ...args], { cwd, env })
}

async function serial(name: string): Promise<bigint> {
  return BigInt(`0x${new X509Certificate(read(name)).serialNumber}`)
}

describe('gen.sh and renew.sh', { skip: openssl.skip }, () => {
  let made: Ran
  before(async () => {
    made = await sh('gen.sh', { CommonName: 'db.example.com', Country: 'DE', Addresses: '127.0.0.1 ::1 10.0.0.5' })
  })
  after(() => folder[Symbol.dispose]())

  test('gen.sh makes exactly the seven files, keys for their owner only, without a word of OpenSSL', () => {
    assert.equal(made.exitCode, 0, made.stderr)
    assert.equal(made.stderr, '')
    assert.deepEqual(readdirSync(folder.path).sort(), SEVEN)
    for (const name of SEVEN) assert.equal(statSync(at(name)).mode & 0o777, name.endsWith('.key') ? 0o600 : 0o644, name)
  })

  test('OpenSSL takes both leaves for their own purpose by its strict rules, and neither for the other', async () => {
    await runOpenssl(folder.path, 'verify -x509_strict -purpose sslserver -CAfile ca.pem server.pem')
    await runOpenssl(folder.path, 'verify -x509_strict -purpose sslclient -CAfile ca.pem client.pem')
    await assert.rejects(runOpenssl(folder.path, 'verify -purpose sslclient -CAfile ca.pem server.pem'))
    await assert.rejects(runOpenssl(folder.path, 'verify -purpose sslserver -CAfile ca.pem client.pem'))
    for (const name of ['db.example.com', 'localhost']) {
      await runOpenssl(folder.path, `verify -x509_strict -verify_hostname ${name} -CAfile ca.pem server.pem`)
    }
    for (const address of ['127.0.0.1', '::1', '10.0.0.5']) {
      await runOpenssl(folder.path, `verify -x509_strict -verify_ip ${address} -CAfile ca.pem server.pem`)
    }
    const subject = await runOpenssl(folder.path, 'x509 -in server.pem -noout -subject -nameopt compat')
    assert.match(subject, /\/C=DE\/ST=CA\/L=Redwood City\/O=example\/OU=devops\/CN=db\.example\.com/)
  })

  test('gen.sh overwrites nothing, and refuses what would break a subject or a configuration', async () => {
    const before = SEVEN.map(read)
    const again = await sh('gen.sh')
    assert.notEqual(again.exitCode, 0)
    assert.match(again.stderr, /ca\.key is here already: use renew\.sh/)
    assert.deepEqual(SEVEN.map(read), before)
    using other = temporary()
    for (const [variable, value] of [
      ['CommonName', 'a\nb'],
      ['CommonName', 'x,DNS:evil.example'],
      ['Names', '$(touch here)'],
      ['Organization', 'a/CN=root'],
    ] as const) {
      const refused = await sh('gen.sh', { [variable]: value }, other.path)
      assert.notEqual(refused.exitCode, 0, `${variable}=${value}`)
      assert.match(refused.stderr, /cannot hold this|is no name or address/)
      assert.deepEqual(readdirSync(other.path), [])
    }
  })

  test('the server admits the client in mutual mode, and takes the pair of renew.sh up while it runs', async () => {
    await using served = await serve()
    const call = () => http1Call(served.port, { ca: read('ca.pem'), cert: read('client.pem'), key: read('client.key') })
    assert.match(await call(), /^HTTP\/1\.1 /)
    const old = { serial: await serial('client.pem'), ca: read('ca.pem'), srl: BigInt(`0x${read('ca.srl').trim()}`) }
    const oldServer = await serial('server.pem')
    const oldPair = { cert: read('client.pem'), key: read('client.key') }

    const renewed = await sh('renew.sh')
    assert.equal(renewed.exitCode, 0, renewed.stderr)
    assert.equal(renewed.stderr, '')
    assert.equal(read('ca.pem'), old.ca)
    assert.equal(BigInt(`0x${read('ca.srl').trim()}`), old.srl + 2n)
    assert.deepEqual([await serial('server.pem'), await serial('client.pem')], [old.srl + 1n, old.srl + 2n])
    assert.notEqual(await serial('client.pem'), old.serial)
    assert.notEqual(read('client.key'), oldPair.key)
    assert.equal(read('client.pem.old'), oldPair.cert)
    assert.equal(statSync(at('server.key')).mode & 0o777, 0o600)
    await runOpenssl(folder.path, 'verify -x509_strict -verify_ip 10.0.0.5 -CAfile ca.pem server.pem')

    await served.logged(/tls material reloaded/)
    assert.notEqual(await serial('server.pem'), oldServer)
    assert.match(await call(), /^HTTP\/1\.1 /)
    // The replaced client certificate is good until somebody revokes it.
    assert.match(await http1Call(served.port, { ca: read('ca.pem'), ...oldPair }), /^HTTP\/1\.1 /)
  })

  test('renew.sh alone for one pair, adds a name, and needs the authority', async () => {
    const client = read('client.pem')
    const renewed = await sh('renew.sh', { Names: 'second.example.com *.example.org' }, folder.path, ['server'])
    assert.equal(renewed.exitCode, 0, renewed.stderr)
    assert.equal(read('client.pem'), client)
    const names = new X509Certificate(read('server.pem')).subjectAltName ?? ''
    for (const name of ['DNS:db.example.com', 'DNS:second.example.com', 'DNS:*.example.org', 'IP Address:10.0.0.5']) {
      assert.ok(names.includes(name), `${name} in ${names}`)
    }
    using other = temporary()
    const refused = await sh('renew.sh', {}, other.path)
    assert.notEqual(refused.exitCode, 0)
    assert.match(refused.stderr, /ca\.key is missing/)
  })

  test('renew.sh mends a set of the page: same authority, and a client that is one', async () => {
    using page = temporary()
    await pageGenerate(page.path)
    const ca = readFileSync(join(page.path, 'ca.pem'), 'utf8')
    const renewed = await sh('renew.sh', {}, page.path)
    assert.equal(renewed.exitCode, 0, renewed.stderr)
    assert.equal(readFileSync(join(page.path, 'ca.pem'), 'utf8'), ca)
    await runOpenssl(page.path, 'verify -purpose sslclient -CAfile ca.pem client.pem')
    await runOpenssl(page.path, 'verify -purpose sslserver -verify_ip 127.0.0.1 -CAfile ca.pem server.pem')
  })

  async function serve(): Promise<Served> {
    writeFileSync(
      at('milvus.yaml'),
      `tls:
  serverPemPath: ${at('server.pem')}
  serverKeyPath: ${at('server.key')}
  caPemPath: ${at('ca.pem')}
common:
  security:
    tlsMode: 2
`,
    )
    return startRedkite({ args: ['--config', at('milvus.yaml')] })
  }
})
