/** `certs revoke`, `certs crl`, `certs renew --revoke-old`: what OpenSSL makes of the list, and what is refused. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pageGenerate, runOpenssl } from '../support/page-script.ts'
import { redkite, temporary } from '../support/server.ts'
import { createSet } from '../support/sets.ts'
import { openssl } from '../support/tools.ts'

const bareSerial = (path: string) => new X509Certificate(readFileSync(path)).serialNumber.replace(/^0+/, '')

/** The list in words, its signature checked. */
async function shown(directory: string): Promise<string> {
  const text = await runOpenssl(directory, 'crl -in ca.crl -noout -text -CAfile ca.pem')
  assert.match(text, /verify OK/)
  return text
}

const numberOf = (text: string) => /X509v3 CRL Number:\s+(\S+)/.exec(text)?.[1]
const check = (directory: string, name: string) =>
  runOpenssl(directory, `verify -x509_strict -crl_check -CAfile ca.pem -CRLfile ca.crl ${name}`)

describe('certs revoke', { skip: openssl.skip }, () => {
  for (const kind of ['ec', 'rsa'] as const) {
    test(`${kind}: the list grows, its number too, and OpenSSL refuses whom it names and nobody else`, async () => {
      using folder = temporary()
      const { dir, client, server } = await createSet(join(folder.path, 'tls'), ['--key', kind])
      const first = await redkite(['certs', 'revoke', client, '--dir', dir, '--reason', 'keyCompromise'])
      assert.equal(first.exitCode, 0, first.stderr)
      assert.match(first.stdout, new RegExp(`^revoked ${bareSerial(client)}\n`))
      assert.match(first.stdout, /crlPath: .*ca\.crl/)
      assert.match(first.stdout, new RegExp(`serial:${bareSerial(client)} issuer:CN=Redkite private CA`))
      assert.equal(statSync(join(dir, 'ca.crl')).mode & 0o777, 0o644)
      assert.match(readFileSync(join(dir, 'ca.crl'), 'utf8'), /^-----BEGIN X509 CRL-----\n/)
      const one = await shown(dir)
      assert.equal(numberOf(one), '1')
      assert.match(one, /X509v3 Authority Key Identifier/)
      assert.match(one, /Key Compromise/)
      await assert.rejects(check(dir, 'client.pem'), /certificate revoked/)
      await check(dir, 'server.pem')

      // By number alone, in the forms that people copy; with the high bit set, and twice.
      const second = await redkite(['certs', 'revoke', '00:8F:AB', '0x12cd', client, '--dir', dir])
      assert.equal(second.exitCode, 0, second.stderr)
      assert.match(second.stdout, new RegExp(`^revoked 8FAB\nrevoked 12CD\nalready revoked ${bareSerial(client)}\n`))
      const two = await shown(dir)
      assert.equal(numberOf(two), '2')
      const serials = [...two.matchAll(/Serial Number: (\w+)/g)].map(([, serial]) => serial)
      assert.deepEqual(serials, [bareSerial(client), '8FAB', '12CD'])
      // An entry without extensions has no empty list of them (RFC 5280 5.1).
      assert.doesNotMatch(await runOpenssl(dir, 'asn1parse -in ca.crl'), /d=4 .*l= *0 cons: SEQUENCE/)

      const third = await redkite(['certs', 'crl', '--dir', dir, '--days', '30', '-o', 'json'])
      const { number, entries, thisUpdate, nextUpdate } = JSON.parse(third.stdout)
      assert.deepEqual([number, entries], ['3', 3])
      assert.equal(Math.round((Date.parse(nextUpdate) - Date.parse(thisUpdate)) / 86_400_000), 30)
      await assert.rejects(check(dir, 'client.pem'), /certificate revoked/)
      assert.ok(existsSync(server))
    })
  }

  test('a set of the page has a list as well', async () => {
    using folder = temporary()
    await pageGenerate(folder.path)
    const done = await redkite(['certs', 'revoke', join(folder.path, 'client.pem'), '--dir', folder.path])
    assert.equal(done.exitCode, 0, done.stderr)
    await runOpenssl(folder.path, 'verify -crl_check -CAfile ca.pem -CRLfile ca.crl server.pem')
    await assert.rejects(
      runOpenssl(folder.path, 'verify -crl_check -CAfile ca.pem -CRLfile ca.crl client.pem'),
      /certificate revoked/,
    )
  })

  test('certs renew --revoke-old lists what was replaced, and the new pair is good', async () => {
    using folder = temporary()
    const { dir, client } = await createSet(join(folder.path, 'tls'))
    const old = bareSerial(client)
    const renewed = await redkite(['certs', 'renew', '--client', '--revoke-old', '--dir', dir])
    assert.equal(renewed.exitCode, 0, renewed.stderr)
    assert.match(renewed.stdout, new RegExp(`\nrevoked ${old}\n`))
    assert.match(await shown(dir), /Superseded/)
    await check(dir, 'client.pem')
    await check(dir, 'server.pem')
    await assert.rejects(check(dir, 'client.pem.old'), /certificate revoked/)
  })

  test('two at once lose nothing', async () => {
    using folder = temporary()
    const { dir } = await createSet(join(folder.path, 'tls'))
    const all = await Promise.all(
      ['A1', 'A2', 'A3'].map((serial) => redkite(['certs', 'revoke', serial, '--dir', dir])),
    )
    assert.deepEqual(
      all.map(({ exitCode }) => exitCode),
      [0, 0, 0],
    )
    const text = await shown(dir)
    assert.equal(numberOf(text), '3')
    assert.deepEqual([...text.matchAll(/Serial Number: (\w+)/g)].map(([, serial]) => serial).sort(), ['A1', 'A2', 'A3'])
  })

  test('what cannot be done is refused and changes nothing', async () => {
    using folder = temporary()
    const { dir, client, caKey } = await createSet(join(folder.path, 'tls'))
    const other = await createSet(join(folder.path, 'other'))
    const refused = async (args: readonly string[], exitCode: number, message: RegExp) => {
      const ran = await redkite([...args, '--dir', dir])
      assert.equal(ran.exitCode, exitCode, ran.stderr)
      assert.match(ran.stderr, message)
      assert.match(ran.stderr, /\nhint: |error: option/)
    }
    await refused(['certs', 'revoke', other.client], 78, /was not issued by .*ca\.pem, but by CN=Redkite private CA/)
    await refused(['certs', 'revoke', 'nobody.pem'], 64, /no such file, and no serial number in hexadecimal/)
    await refused(['certs', 'revoke', caKey], 78, /holds a private key, not a certificate/)
    await refused(['certs', 'revoke', client, '--reason', 'boredom'], 64, /boredom/)
    await refused(['certs', 'crl', '--days', '0'], 64, /days 0 is not a whole number/)
    assert.equal(existsSync(join(dir, 'ca.crl')), false)
    await redkite(['certs', 'crl', '--dir', other.dir])
    copyFileSync(join(other.dir, 'ca.crl'), join(dir, 'ca.crl'))
    await refused(['certs', 'crl'], 78, /the revocation list is not of the authority beside it/)
    writeFileSync(join(dir, 'ca.crl'), 'damaged')
    await refused(['certs', 'revoke', client], 78, /the file holds 0 revocation lists/)
    assert.equal(readFileSync(join(dir, 'ca.crl'), 'utf8'), 'damaged')
  })
})
