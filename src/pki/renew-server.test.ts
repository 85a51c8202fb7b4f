import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { StartError } from '../errors/start-error.ts'
import { createCertificateSet } from './create.ts'
import type { Authority } from './issue.ts'
import { LOCK_NAME } from './lock.ts'
import { readAuthority } from './read.ts'
import { renewServerPair, type ServerRenewal } from './renew-server.ts'

const root = mkdtempSync(join(tmpdir(), 'redkite-pki-'))
after(() => rmSync(root, { recursive: true, force: true }))
const DAY_MS = 86_400_000
const now = new Date()
const old = new Date(now.getTime() - 100 * DAY_MS)

async function set(name: string, days = 120) {
  const { files, directory } = await createCertificateSet({
    directory: join(root, name),
    serverName: 'db.example',
    names: ['10.0.0.1'],
    days,
    now: old,
  })
  const authority = await readAuthority(files, now)
  const renewal = (more: Partial<ServerRenewal> = {}): ServerRenewal => ({
    certificatePath: files.server,
    keyPath: files.serverKey,
    authority,
    authorityDirectory: directory,
    passphrase: null,
    isDue: (certificate) => certificate.validFromDate < old,
    now,
    ...more,
  })
  return { files, directory, authority, renewal }
}

describe('renewServerPair', () => {
  it('takes over subject, names and life, and keeps what follows the leaf', async () => {
    const { files, authority, renewal } = await set('plain')
    const before = new X509Certificate(readFileSync(files.server))
    const serial = readFileSync(files.caSerial, 'utf8')
    const renewed = await renewServerPair(renewal())
    const pem = readFileSync(files.server, 'utf8')
    const leaf = new X509Certificate(pem)
    assert.equal(renewed?.previous.serial, before.serialNumber)
    assert.equal(renewed?.current.serial, leaf.serialNumber)
    assert.deepEqual([leaf.subject, leaf.subjectAltName], [before.subject, before.subjectAltName])
    assert.equal(leaf.validToDate.getTime() - leaf.validFromDate.getTime(), 120 * DAY_MS)
    assert.ok(pem.endsWith(authority.certificate.toString()))
    assert.ok(leaf.checkPrivateKey(createPrivateKey(readFileSync(files.serverKey))))
    assert.equal(statSync(files.serverKey).mode & 0o777, 0o600)
    assert.notEqual(readFileSync(files.caSerial, 'utf8'), serial)
  })

  it('happens once, however many ask at one time', async () => {
    const { files, directory, renewal } = await set('busy')
    const results = await Promise.all(Array.from({ length: 5 }, () => renewServerPair(renewal())))
    assert.equal(results.filter((result) => result !== null).length, 1)
    const leaf = new X509Certificate(readFileSync(files.server))
    assert.ok(leaf.checkPrivateKey(createPrivateKey(readFileSync(files.serverKey))))
    assert.ok(!readdirSync(directory).includes(LOCK_NAME))
  })

  it('writes where links lead, and leaves the links', async () => {
    const { files, directory, renewal } = await set('linked')
    const link = join(root, 'live.pem')
    symlinkSync(files.server, link)
    await renewServerPair(renewal({ certificatePath: link }))
    assert.equal(realpathSync(link), realpathSync(files.server))
    assert.ok(readdirSync(directory).includes('server.pem.old'))
  })

  it('is refused where the authority ends first', async () => {
    const { files, authority, renewal } = await set('ending')
    const ends = new X509Certificate(readFileSync(files.server)).validToDate
    const certificate = new Proxy(authority.certificate, {
      get: (target, name) => (name === 'validToDate' ? ends : Reflect.get(target, name, target)),
    })
    const ending: Authority = { ...authority, certificate }
    await assert.rejects(renewServerPair(renewal({ authority: ending })), (error) => {
      assert.ok(error instanceof StartError)
      assert.match(error.message, /^its certificate authority ends at .*, not after the certificate itself/)
      return true
    })
  })
})
