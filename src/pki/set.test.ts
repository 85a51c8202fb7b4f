import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { EXIT, StartError } from '../errors/start-error.ts'
import { createCertificateSet } from './create.ts'
import { ensureServerSet } from './ensure.ts'
import type { setFiles } from './layout.ts'
import { fileError } from './read.ts'
import { renewCertificates } from './renew.ts'
import { verifySet } from './verify.ts'

const DAY_MS = 86_400_000
const NOW = new Date('2027-03-01T12:00:00.500Z')
const later = (days: number): Date => new Date(NOW.getTime() + days * DAY_MS)

let root = ''
let count = 0
const fresh = (): string => join(root, `set-${count++}`)
const made = (directory: string, days?: number) =>
  createCertificateSet({ directory, serverName: 'localhost', now: NOW, ...(days === undefined ? {} : { days }) })
const failsWith = (exitCode: number, pattern: RegExp) => (error: unknown) =>
  error instanceof StartError && error.exitCode === exitCode && pattern.test(error.message) && error.hint !== null

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'redkite-pki-'))
})
after(() => rm(root, { recursive: true, force: true }))

describe('a certificate set', () => {
  it('has seven files, with dates by the given clock', async () => {
    const set = await made(fresh(), 90)
    assert.deepEqual((await readdir(set.directory)).sort(), [
      'ca.key',
      'ca.pem',
      'ca.srl',
      'client.key',
      'client.pem',
      'server.key',
      'server.pem',
    ])
    assert.equal(set.server.notBefore.toISOString(), '2027-03-01T11:55:00.000Z')
    assert.equal(set.server.notAfter.getTime() - set.server.notBefore.getTime(), 90 * DAY_MS)
    assert.ok(set.ca.notAfter.getTime() - set.ca.notBefore.getTime() <= 3653 * DAY_MS)
    assert.equal((await readFile(set.files.caSerial, 'utf8')).trim(), set.client?.serial)
    assert.equal(set.ca.fingerprint256, new X509Certificate(await readFile(set.files.ca)).fingerprint256)
  })

  it('keeps keys, certificates and the directory to their permissions whatever the umask', async () => {
    const umask = process.umask(0o077)
    const set = await made(fresh())
    process.umask(umask)
    const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o777
    assert.equal(await mode(set.directory), 0o700)
    for (const key of [set.files.caKey, set.files.serverKey, set.files.clientKey]) assert.equal(await mode(key), 0o600)
    for (const pem of [set.files.ca, set.files.server, set.files.client]) assert.equal(await mode(pem), 0o644)
  })

  it('is not overwritten, not even one file of it, and is kept aside when forced', async () => {
    const set = await made(fresh())
    await assert.rejects(made(set.directory), failsWith(EXIT.cannotCreate, /will not overwrite the certificate set/))
    for (const path of Object.values(set.files).slice(1)) await unlink(path)
    await assert.rejects(made(set.directory), failsWith(EXIT.cannotCreate, /will not overwrite .*ca\.key$/))
    const old = await readFile(set.files.caKey, 'utf8')
    const forced = { directory: set.directory, serverName: 'localhost', now: NOW, force: true }
    await createCertificateSet(forced)
    assert.notEqual(await readFile(set.files.caKey, 'utf8'), old)
    assert.equal(await readFile(`${set.files.caKey}.old`, 'utf8'), old)
  })

  it('is made by one of two that create it at once', async () => {
    const directory = fresh()
    const results = await Promise.allSettled([made(directory), made(directory), made(directory)])
    assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1)
    const verification = await verifySet({ directory, now: NOW })
    assert.deepEqual(
      verification.findings.filter((finding) => finding.level !== 'ok'),
      [],
    )
    assert.equal((await readdir(directory)).length, 7)
  })

  it('leaves nothing behind when the directory cannot be written', async () => {
    const file = join(root, 'a-file')
    await writeFile(file, '')
    await assert.rejects(made(join(file, 'cert')), failsWith(EXIT.cannotCreate, /cannot create .*ENOTDIR/))
  })

  it('refuses a life that is no number of days', async () => {
    for (const days of [0, -1, 1.5, Number.NaN, 3651]) {
      await assert.rejects(made(fresh(), days), failsWith(EXIT.usage, /days .* is not a whole number from 1 to 3650/))
    }
  })
})

describe('renewal', () => {
  it('keeps authority, subject and names; changes keys and serials; keeps the old pair', async () => {
    const set = await made(fresh())
    const ca = await readFile(set.files.ca, 'utf8')
    const key = await readFile(set.files.serverKey, 'utf8')
    const [server, client] = await renewCertificates({
      directory: set.directory,
      roles: ['server', 'client'],
      names: ['db.example.com'],
      now: later(100),
    })
    assert.equal(await readFile(set.files.ca, 'utf8'), ca)
    assert.equal(await readFile(`${set.files.serverKey}.old`, 'utf8'), key)
    assert.equal(server?.current.subject, set.server.subject)
    assert.deepEqual(server?.current.names, [...set.server.names, 'db.example.com'])
    assert.equal(server?.previous?.serial, set.server.serial)
    assert.notEqual(server?.current.serial, set.server.serial)
    assert.equal((await readFile(set.files.caSerial, 'utf8')).trim(), client?.current.serial)
    const verification = await verifySet({ directory: set.directory, names: ['db.example.com'], now: later(100) })
    assert.deepEqual(
      verification.findings.filter((finding) => finding.level !== 'ok'),
      [],
    )
  })

  it('does one role alone, with another kind of key if asked', async () => {
    const set = await made(fresh())
    const before = await readFile(set.files.server, 'utf8')
    await renewCertificates({ directory: set.directory, roles: ['client'], key: 'rsa', now: NOW })
    assert.equal(await readFile(set.files.server, 'utf8'), before)
    const client = new X509Certificate(await readFile(set.files.client))
    assert.equal(client.publicKey.asymmetricKeyDetails?.modulusLength, 2048)
  })

  it('never lets a leaf outlive its authority, and stops when that has ended', async () => {
    const set = await made(fresh())
    const [server] = await renewCertificates({ directory: set.directory, roles: ['server'], now: later(3600) })
    assert.equal(server?.current.notAfter.getTime(), set.ca.notAfter.getTime())
    const tooLate = renewCertificates({ directory: set.directory, roles: ['server'], now: later(3651) })
    await assert.rejects(tooLate, failsWith(EXIT.config, /certificate authority expired/))
  })

  it('refuses an authority whose key is another', async () => {
    const [set, other] = [await made(fresh()), await made(fresh())]
    await copyFile(other.files.caKey, set.files.caKey)
    const renewal = renewCertificates({ directory: set.directory, roles: ['server'], now: NOW })
    await assert.rejects(renewal, failsWith(EXIT.config, /is not the key of/))
  })
})

describe('the set of a server that makes its own', () => {
  const request = { serverName: 'localhost', now: NOW }

  it('is created once and then kept', async () => {
    const directory = fresh()
    const first = await ensureServerSet(directory, request)
    const second = await ensureServerSet(directory, { ...request, now: later(200) })
    assert.deepEqual([first.outcome, second.outcome], ['created', 'kept'])
    assert.deepEqual(second.set, first.set)
  })

  it('is renewed in the last third of its life, also after its end, under the same authority', async () => {
    const directory = fresh()
    const first = await ensureServerSet(directory, { ...request, days: 90 })
    for (const [days, outcome] of [
      [59, 'kept'],
      [61, 'renewed'],
      [1000, 'renewed'],
    ] as const) {
      const next = await ensureServerSet(directory, { ...request, now: later(days) })
      assert.equal(next.outcome, outcome, `after ${days} days`)
      assert.equal(next.set.ca.fingerprint256, first.set.ca.fingerprint256)
      assert.ok(next.set.server.notAfter > later(days))
    }
  })

  it('is kept with a note when there is no key to renew it with, or when a name is missing', async () => {
    const directory = fresh()
    const { set } = await ensureServerSet(directory, request)
    const named = await ensureServerSet(directory, { ...request, names: ['other'] })
    assert.match(named.notes.join(), /does not name other/)
    await unlink(set.files.caKey)
    const kept = await ensureServerSet(directory, { ...request, now: later(396) })
    assert.equal(kept.outcome, 'kept')
    assert.match(kept.notes.join(), /ca\.key is not there to renew it/)
  })

  it('gets a server pair under an authority that is there', async () => {
    const set = await made(fresh())
    await unlink(set.files.server)
    await unlink(set.files.serverKey)
    const ensured = await ensureServerSet(set.directory, request)
    assert.equal(ensured.outcome, 'renewed')
    assert.equal(ensured.set.ca.fingerprint256, set.ca.fingerprint256)
  })

  it('is never replaced because it looks wrong', async () => {
    const cases: readonly (readonly [RegExp, (files: ReturnType<typeof setFiles>) => Promise<void>])[] = [
      [/is not the key of/, (files) => copyFile(files.clientKey, files.serverKey)],
      [/is incomplete/, (files) => unlink(files.serverKey)],
      [/is incomplete/, (files) => unlink(files.ca)],
      [/holds no certificate/, (files) => truncate(files.server, 0)],
      [/is not a private key/, (files) => truncate(files.serverKey, 40)],
    ]
    for (const [pattern, spoil] of cases) {
      const set = await made(fresh())
      await spoil(set.files)
      await assert.rejects(ensureServerSet(set.directory, request), failsWith(EXIT.config, pattern))
    }
  })

  it('names the file that cannot be read, with an exit code by its cause', async () => {
    const set = await made(fresh())
    await unlink(set.files.serverKey)
    await mkdir(set.files.serverKey)
    await assert.rejects(
      ensureServerSet(set.directory, request),
      failsWith(EXIT.io, /cannot read .*server\.key: EISDIR/),
    )
    const cause = (code: string): Error => Object.assign(new Error(code), { code })
    assert.equal(fileError('read', 'x', cause('EACCES')).exitCode, EXIT.noPermission)
    assert.equal(fileError('write', 'x', cause('EROFS')).exitCode, EXIT.noPermission)
    assert.equal(fileError('write', 'x', cause('ENOSPC')).exitCode, EXIT.io)
    assert.equal(fileError('create', 'x', cause('ENOTDIR')).exitCode, EXIT.cannotCreate)
  })
})
