/** `redkite certs verify` and `inspect`: what they say about good files, and about every kind of bad one. */
import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { appendFile, chmod, copyFile, mkdir, mkdtemp, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { EXIT, StartError } from '../../src/errors/start-error.ts'
import { type Made, make } from '../support/certificates.ts'
import { certs } from '../support/certs-cli.ts'
import { pageGenerate, runOpenssl } from '../support/page-script.ts'
import { openssl } from '../support/tools.ts'

let root = ''
let count = 0
const fresh = (): string => join(root, `set-${count++}`)

/** A set of this tool's, spoiled by `spoil`. */
async function spoiled(spoil: (at: (name: string) => string) => Promise<unknown>): Promise<string> {
  const directory = fresh()
  await certs('create', '--dir', directory)
  await spoil((name) => join(directory, name))
  return directory
}

/** A set whose pairs were made elsewhere, with whatever wrong they have. */
async function foreign(parts: { readonly ca: Made; readonly server: Made; readonly client?: Made }): Promise<string> {
  const directory = fresh()
  await mkdir(directory, { mode: 0o700 })
  const put = (name: string, text: string) => writeFile(join(directory, name), text, { mode: 0o600 })
  await put('ca.pem', parts.ca.pem)
  await put('server.pem', parts.server.pem + parts.ca.pem)
  await put('server.key', parts.server.key)
  if (parts.client !== undefined) {
    await put('client.pem', parts.client.pem)
    await put('client.key', parts.client.key)
  }
  return directory
}

/** The lines of `verify` that are not ok, without their fix lines; every one of them must have one. */
async function complaints(directory: string, ...names: string[]): Promise<{ lines: string[]; exitCode: number }> {
  const { stdout, exitCode } = await certs('verify', ...names, '--dir', directory)
  const lines = stdout.split('\n')
  const bad = lines.filter((line) => /^(warn|FAIL) /.test(line))
  for (const line of bad) assert.match(lines[lines.indexOf(line) + 1] ?? '', /^ {6}fix: \S/, line)
  return { lines: bad, exitCode }
}

async function fails(directory: string, pattern: RegExp): Promise<void> {
  const { lines, exitCode } = await complaints(directory)
  assert.ok(
    lines.some((line) => line.startsWith('FAIL') && pattern.test(line)),
    `${pattern} in\n${lines.join('\n')}`,
  )
  assert.equal(exitCode, EXIT.checkFailed)
}

async function warns(directory: string, pattern: RegExp): Promise<void> {
  const { lines, exitCode } = await complaints(directory)
  assert.ok(
    lines.some((line) => line.startsWith('warn') && pattern.test(line)),
    `${pattern} in\n${lines.join('\n')}`,
  )
  assert.equal(exitCode, 0)
}

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'redkite-verify-'))
})
after(() => rm(root, { recursive: true, force: true }))

describe('certs verify', () => {
  it('has nothing to say against a new set', async () => {
    const directory = await spoiled(async () => {})
    assert.deepEqual(await complaints(directory, 'localhost', '127.0.0.1', '::1'), { lines: [], exitCode: 0 })
    const { stdout } = await certs('verify', '--dir', directory, '-o', 'json')
    assert.equal(JSON.parse(stdout).fit, true)
  })

  it('finds files that are missing, swapped, damaged, encrypted or of another pair', async () => {
    await fails(
      await spoiled((at) => copyFile(at('client.key'), at('server.key'))),
      /server\.pem .*server\.key is not its key/,
    )
    await fails(
      await spoiled((at) => copyFile(at('server.key'), at('server.pem'))),
      /server\.pem .*holds a private key/,
    )
    await fails(
      await spoiled((at) => copyFile(at('server.pem'), at('server.key'))),
      /server\.key .*holds a certificate/,
    )
    await fails(await spoiled((at) => unlink(at('server.key'))), /server\.key .*is missing/)
    await fails(await spoiled((at) => unlink(at('client.pem'))), /client\.pem .*is missing/)
    await fails(await spoiled((at) => unlink(at('ca.pem'))), /ca\.pem .*is missing/)
    await fails(await spoiled((at) => copyFile(at('server.key'), at('ca.key'))), /ca\.pem .*ca\.key is not its key/)
    const cut = async (at: (name: string) => string) => {
      const pem = await readFile(at('server.pem'), 'utf8')
      await writeFile(at('server.pem'), pem.replace(/^MII.{40}/m, 'MIIB'))
    }
    await fails(await spoiled(cut), /server\.pem .*block 1 \(CERTIFICATE\) is not a readable certificate/)
    const halve = async (at: (name: string) => string) => {
      const pem = await readFile(at('server.pem'), 'utf8')
      await writeFile(at('server.pem'), pem.slice(0, -60))
    }
    await fails(await spoiled(halve), /server\.pem .*a certificate is cut short \(2 BEGIN lines, 1 whole blocks\)/)
    const encrypt = async (at: (name: string) => string) => {
      const key = createPrivateKey(await readFile(at('server.key')))
      const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'p' } as const
      await writeFile(at('server.key'), key.export(options))
    }
    await fails(await spoiled(encrypt), /server\.key .*is encrypted with a passphrase/)
    await warns(await spoiled((at) => writeFile(at('ca.srl'), 'x')), /ca\.srl .*is not the hexadecimal line/)
  })

  it("takes a set without client pair and without the authority's key as a serving set", async () => {
    const serving = async (at: (name: string) => string) => {
      for (const name of ['ca.key', 'ca.srl', 'client.key', 'client.pem']) await unlink(at(name))
    }
    assert.deepEqual(await complaints(await spoiled(serving)), { lines: [], exitCode: 0 })
  })

  it('finds permissions that give a key away', async () => {
    await fails(await spoiled((at) => chmod(at('server.key'), 0o644)), /server\.key .*read by every user .*0644/)
    await fails(await spoiled((at) => chmod(at('ca.pem'), 0o666)), /ca\.pem .*replaced by other users .*0666/)
    await fails(await spoiled((at) => chmod(at('.'), 0o777)), /replace files in this directory/)
    await warns(await spoiled((at) => chmod(at('client.key'), 0o640)), /client\.key .*read by its group/)
  })

  it('finds an authority of another set', async () => {
    const other = await spoiled(async () => {})
    await fails(
      await spoiled((at) => copyFile(join(other, 'ca.pem'), at('ca.pem'))),
      /server\.pem .*was not issued by ca\.pem \(its issuer is CN=Redkite private CA/,
    )
  })

  it('is not taken in by an issuer of the same name and key identifier', async () => {
    const [ca, forger] = [await make({ cn: 'one', ca: true, names: ['x'] }), await make({ cn: 'two' })]
    const by = { ...ca, keys: { publicKey: ca.keys.publicKey, privateKey: forger.keys.privateKey } }
    const server = await make({ cn: 'localhost', by, usages: ['serverAuth'] })
    await fails(await foreign({ ca, server }), /server\.pem .*was not issued by ca\.pem/)
  })

  it('finds names that clients dial in vain', async () => {
    const directory = await spoiled(async () => {})
    const { lines, exitCode } = await complaints(directory, 'db.example.com')
    assert.match(lines.join(), /server\.pem .*does not name db\.example\.com/)
    assert.equal(exitCode, EXIT.checkFailed)
    await certs('renew', 'db.example.com', '--server', '--dir', directory)
    assert.deepEqual(await complaints(directory, 'db.example.com'), { lines: [], exitCode: 0 })
  })

  it('finds dates: ended, not begun, ending soon, outliving the authority', async () => {
    const ca = await make({ cn: 'an authority', ca: true, names: ['ca'], fromDays: -400, toDays: 400 })
    const server = (fromDays: number, toDays: number) =>
      make({ cn: 'localhost', by: ca, usages: ['serverAuth'], fromDays, toDays })
    await fails(await foreign({ ca, server: await server(-90, -3) }), /server\.pem .*expired 3 days ago \(notAfter/)
    await fails(
      await foreign({ ca, server: await server(1.5, 90) }),
      /server\.pem .*not valid for another 1 day \(notBefore/,
    )
    await warns(await foreign({ ca, server: await server(-80, 10.5) }), /server\.pem .*ends in 10 days/)
    await warns(await foreign({ ca, server: await server(-1, 500) }), /server\.pem .*outlives its authority/)
    await warns(await foreign({ ca, server: await server(-800, 399) }), /server\.pem .*lives 1199 days in all: Apple/)
    const ended = await make({ cn: 'an authority', ca: true, names: ['ca'], fromDays: -400, toDays: -1 })
    const orphan = await make({ cn: 'localhost', by: ended, usages: ['serverAuth'] })
    await fails(await foreign({ ca: ended, server: orphan }), /ca\.pem .*expired/)
  })

  it('finds certificates for another purpose, and weak ones', async () => {
    const ca = await make({ cn: 'an authority', ca: true, names: ['ca'] })
    const good = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'] })
    const client = (usages: readonly ('serverAuth' | 'clientAuth')[]) => make({ cn: 'x', by: ca, usages })
    await fails(await foreign({ ca, server: await client(['clientAuth']) }), /a server needs serverAuth/)
    await fails(
      await foreign({ ca, server: good, client: await client(['serverAuth']) }),
      /client\.pem .*serverAuth only, as the Milvus documentation's gen\.sh makes it: mutual mode \(tlsMode 2\) refuses it/,
    )
    const both = await foreign({ ca, server: good, client: await client(['serverAuth', 'clientAuth']) })
    assert.equal((await complaints(both)).exitCode, 0)
    const weak = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'], keyKind: 'rsa1024' })
    await fails(await foreign({ ca, server: weak }), /server\.pem .*too weak \(RSA 1024 bits/)
    const leaf = await make({ cn: 'no authority', names: ['x'] })
    await fails(await foreign({ ca: leaf, server: good }), /ca\.pem .*not a certificate authority/)
  })

  it('says that a leaf alone is no trust anchor everywhere', async () => {
    const alone = async (at: (name: string) => string) => {
      const [first = ''] = (await readFile(at('server.pem'), 'utf8')).split(/(?<=-----END CERTIFICATE-----\n)/)
      await writeFile(at('server.pem'), first)
    }
    await warns(await spoiled(alone), /server\.pem .*works in pymilvus and curl, but not in Node/)
  })
})

describe("certs verify on the documentation's files", { skip: openssl.skip }, () => {
  it('names the client certificate that mutual mode refuses, and the fix mends it', async () => {
    const directory = fresh()
    await mkdir(directory)
    await pageGenerate(directory)
    await fails(directory, /client\.pem .*extendedKeyUsage is serverAuth only/)
    const { lines } = await complaints(directory)
    assert.match(lines.join('\n'), /ca\.pem .*has no keyUsage/)
    assert.match(lines.join('\n'), /server\.pem .*same subject as its authority/)
    assert.match(lines.join('\n'), /server\.pem .*127\.0\.0\.1: clients that dial the address need server_name/)
    await certs('renew', '--client', '--dir', directory)
    const mended = await complaints(directory)
    assert.deepEqual(
      mended.lines.filter((line) => line.startsWith('FAIL')),
      [],
    )
    assert.equal(mended.exitCode, 0)
  })
})

describe('certs inspect', () => {
  it('explains a serving file: leaf, authority, and how they hang together', async () => {
    const directory = await spoiled(async () => {})
    const { stdout } = await certs('inspect', join(directory, 'server.pem'))
    assert.match(stdout, /1\. server certificate\n {3}subject +CN=localhost\n/)
    assert.match(stdout, /names +localhost 127\.0\.0\.1 ::1\n/)
    assert.match(stdout, /valid until +\S+Z: valid for another 396 days\n/)
    assert.match(stdout, /extended usage +serverAuth: serves, but cannot be a client in mutual mode/)
    assert.match(stdout, /chain +signed by number 2\n2\. certificate authority \(root\)/)
    assert.match(stdout, /may sign +certificates, path length 0\n {3}key usage +keyCertSign, cRLSign\n/)
    const client = await certs('inspect', join(directory, 'client.pem'), '-o', 'json')
    const [entry] = JSON.parse(client.stdout).entries
    assert.deepEqual([entry.role, entry.facts.extendedKeyUsage], ['client certificate', ['clientAuth']])
  })

  it('describes keys without showing them, and ties them to their certificate', async () => {
    const directory = await spoiled(async () => {})
    const key = await certs('inspect', join(directory, 'server.key'))
    assert.match(key.stdout, /private key, not encrypted\n {3}key +ECDSA P-256, PKCS#8\n/)
    const body = (await readFile(join(directory, 'server.key'), 'utf8')).split('\n')[1] ?? ''
    const json = await certs('inspect', join(directory, 'server.key'), '-o', 'json')
    assert.ok(body.length > 20 && !`${key.stdout}${json.stdout}`.includes(body.slice(0, 20)))
    const certificate = await certs('inspect', join(directory, 'server.pem'), '-o', 'json')
    assert.equal(
      JSON.parse(json.stdout).entries[0].publicKey256,
      JSON.parse(certificate.stdout).entries[0].publicKey256,
    )
    assert.match((await certs('inspect', join(directory, 'ca.srl'))).stdout, /last serial +[0-9A-F]{32};/)
  })

  it('reads what openssl writes: DER, PKCS#1, SEC1 with parameters, text around PEM', {
    skip: openssl.skip,
  }, async () => {
    const directory = await spoiled(async () => {})
    await runOpenssl(directory, 'x509 -in server.pem -outform DER -out server.der')
    await runOpenssl(directory, 'x509 -in server.pem -text -out server.txt')
    await runOpenssl(directory, 'ecparam -genkey -name secp384r1 -out ec.key')
    await runOpenssl(directory, 'genrsa -traditional -out rsa.key 3072')
    await runOpenssl(directory, 'rsa -in rsa.key -traditional -aes256 -passout pass:p -out locked.key')
    await runOpenssl(directory, 'req -new -key server.key -subj /CN=x -out server.csr')
    const said = async (name: string): Promise<string> => (await certs('inspect', join(directory, name))).stdout
    assert.match(await said('server.der'), /server certificate/)
    assert.match(await said('server.txt'), /server certificate/)
    assert.match(await said('ec.key'), /ECDSA P-384, SEC1/)
    assert.match(await said('rsa.key'), /RSA 3072 bits, PKCS#1/)
    assert.match(await said('locked.key'), /encrypted with a passphrase/)
    assert.match(await said('server.csr'), /certificate request \(not explained here\)/)
  })

  it('refuses what is no such file, naming it', async () => {
    const directory = await spoiled((at) => appendFile(at('note.txt'), 'hello world'))
    const refused = (exitCode: number, pattern: RegExp) => (error: unknown) =>
      error instanceof StartError && error.exitCode === exitCode && pattern.test(error.message)
    await assert.rejects(
      certs('inspect', join(directory, 'note.txt')),
      refused(EXIT.config, /note\.txt: holds neither PEM/),
    )
    await assert.rejects(certs('inspect', join(directory, 'absent')), refused(EXIT.io, /cannot read .*absent: ENOENT/))
  })

  it("says of the documentation's client that mutual mode refuses it", { skip: openssl.skip }, async () => {
    const directory = fresh()
    await mkdir(directory)
    await pageGenerate(directory)
    const { stdout } = await certs('inspect', join(directory, 'client.pem'))
    assert.match(stdout, /server certificate\n/)
    assert.match(stdout, /cannot be a client in mutual mode \(tlsMode 2\)/)
  })
})
