/** Key material from every kind of source, and every kind of file that must not be taken or waited for. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, copyFile, mkdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { StartError } from '../../src/errors/start-error.ts'
import { Secret } from '../../src/model/calls.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { openMaterial } from '../../src/tls/material.ts'
import { loadTlsFiles } from '../../src/tls/prepare.ts'
import type { TlsFiles, TlsSettings } from '../../src/tls/settings.ts'
import { type Made, make } from '../support/certificates.ts'
import { startRedkite } from '../support/server.ts'
import { http2Call, visit } from '../support/tls-client.ts'
import { folder, openPort, recordingLog, until } from '../support/tls-port.ts'
import { openssl } from '../support/tools.ts'

const CANARY = 'correct horse'
const GRPC = 'application/grpc'
let ca: Made
let server: Made
let client: Made
let stranger: Made
let files: Awaited<ReturnType<typeof folder>>
const at = (name: string) => files.path(name)

before(async () => {
  ca = await make({ cn: 'root', ca: true })
  server = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'], keyKind: 'rsa' })
  client = await make({ cn: 'client', by: ca, usages: ['clientAuth'] })
  stranger = await make({ cn: 'client', by: await make({ cn: 'other root', ca: true }), usages: ['clientAuth'] })
  files = await folder({
    'server.pem': server.pem,
    'server.key': server.key,
    'ca.pem': ca.pem,
    passphrase: `${CANARY}\r\nsecond line\n`,
    wrong: 'wrong\n',
    empty: '\n',
  })
  if (openssl.skip) return
  ssl('pkcs8', '-topk8', '-v2', 'aes-256-cbc', '-in', 'server.key', '-out', 'aes.key', '-passout', pass)
})
after(() => files[Symbol.asyncDispose]())

/** Runs openssl in the folder. */
function ssl(...args: string[]): void {
  execFileSync('openssl', args, { cwd: dirname(at('x')), stdio: ['ignore', 'ignore', 'pipe'] })
}

const legacy = ['-provider', 'legacy', '-provider', 'default']
const pass = `pass:${CANARY}`

function bundle(name: string, ...more: string[]): string {
  const made = [
    'pkcs12',
    '-export',
    '-inkey',
    'server.key',
    '-in',
    'server.pem',
    '-certfile',
    'ca.pem',
    '-passout',
    pass,
  ]
  ssl(...made, '-out', name, ...more)
  return at(name)
}

function pairWith(key: string): TlsFiles {
  return { kind: 'oneWay', serverPem: at('server.pem'), serverKey: at(key) }
}

function inBundle(path: string, caPem = path): Pick<TlsSettings, 'files' | 'source'> {
  return { files: { kind: 'mutual', serverPem: path, serverKey: path, caPem }, source: { kind: 'pkcs12', path } }
}

const byFile = (name = 'passphrase') => ({ kind: 'file', path: at(name) }) as const
const byCommand = (command: string) => ({ kind: 'command', command: new Secret(command) }) as const

/** Starts with these settings where a refusal is expected; everything said is looked through for the passphrase. */
async function refusal(settings: TlsSettings): Promise<StartError> {
  const log = recordingLog()
  try {
    await using _material = await openMaterial({ watchIntervalMs: 0, ...settings }, log, createMetrics())
  } catch (error) {
    assert.ok(error instanceof StartError, String(error))
    assert.ok(error.hint)
    assert.equal(error.message.split('\n').length, 1)
    assert.doesNotMatch(JSON.stringify([error.message, error.hint, log.lines]), new RegExp(CANARY))
    return error
  }
  return assert.fail('it started')
}

describe('an encrypted private key', { skip: openssl.skip }, () => {
  before(() => {
    ssl('pkcs8', '-topk8', '-scrypt', '-in', 'server.key', '-out', 'scrypt.key', '-passout', pass)
    ssl('rsa', '-traditional', '-aes256', '-in', 'server.key', '-out', 'pkcs1.key', '-passout', pass)
    const rc2 = ['-topk8', '-v1', 'PBE-SHA1-RC2-40', ...legacy]
    ssl('pkcs8', ...rc2, '-in', 'server.key', '-out', 'rc2.key', '-passout', pass)
    ssl('pkcs8', '-topk8', '-iter', '2000001', '-in', 'server.key', '-out', 'slow.key', '-passout', pass)
  })

  for (const key of ['aes.key', 'scrypt.key', 'pkcs1.key']) {
    test(`${key} serves with a passphrase file, and with a command`, async () => {
      for (const passphrase of [byFile(), byCommand(`cat ${at('passphrase')}`)]) {
        await using port = await openPort(pairWith(key), { settings: { passphrase } })
        assert.equal((await http2Call(port.port, { ca: ca.pem }, GRPC)).grpcStatus, '0')
        assert.doesNotMatch(JSON.stringify([port.lines, port.material?.status()]), new RegExp(CANARY))
      }
    })
    test(`${key} without and with a wrong passphrase is refused, and why`, async () => {
      const without = await refusal({ files: pairWith(key) })
      assert.match(without.message, /tls: failed to parse private key: it is encrypted with a passphrase$/)
      assert.match(without.hint ?? '', /^set redkite\.tls\.passphraseFile or redkite\.tls\.passphraseCommand/)
      const wrong = await refusal({ files: pairWith(key), passphrase: byFile('wrong') })
      assert.match(
        wrong.message,
        /^proxy can't create creds: tls\.serverKeyPath: .*\.key: tls: .*the passphrase of redkite\.tls\.passphraseFile \(.*wrong\) is wrong$/,
      )
      assert.equal(wrong.exitCode, 78)
    })
  }

  test('an outdated cipher is named, and how to leave it', async () => {
    const error = await refusal({ files: pairWith('rc2.key'), passphrase: byFile() })
    assert.match(error.message, /encrypted by an outdated algorithm$/)
    const command = /: (openssl .*)$/.exec((error.hint ?? '').replace('server.key', 'again.key'))?.[1] ?? ''
    ssl(...command.split(' ').slice(1), '-passin', pass, '-passout', pass)
    await using port = await openPort(pairWith('again.key'), { settings: { passphrase: byFile() } })
    assert.equal((await http2Call(port.port, { ca: ca.pem }, GRPC)).grpcStatus, '0')
  })

  test('one that would hash for seconds is refused unhashed', async () => {
    const error = await refusal({ files: pairWith('slow.key'), passphrase: byFile() })
    assert.match(error.message, /its passphrase is to be hashed more than 2000000 times/)
  })

  test('the passphrase is asked for again at each load, and a new one is taken', async () => {
    await using own = await folder({ 'server.pem': server.pem, passphrase: `${CANARY}\n` })
    await copyFile(at('aes.key'), own.path('server.key'))
    const set = { kind: 'oneWay', serverPem: own.path('server.pem'), serverKey: own.path('server.key') } as const
    const passphrase = { kind: 'file', path: own.path('passphrase') } as const
    await using port = await openPort(set, { settings: { passphrase, watchIntervalMs: 20 } })
    ssl('pkcs8', '-topk8', '-in', 'server.key', '-out', own.path('server.key'), '-passout', 'pass:next')
    await until('it is refused', () => port.material?.status().lastRefusal?.reason.includes('is wrong') === true)
    assert.equal(port.material?.current.number, 1)
    await writeFile(own.path('passphrase'), 'next\n')
    await until('it is loaded', () => port.material?.current.number === 2)
  })
})

describe('a passphrase command', { skip: openssl.skip }, () => {
  const run = (command: string) => refusal({ files: pairWith('aes.key'), passphrase: byCommand(command) })

  test('is run without a shell: quotes hold words together, nothing is expanded', async () => {
    assert.match(
      (await run(`echo '${CANARY}' $HOME`)).message,
      /the passphrase of redkite\.tls\.passphraseCommand is wrong/,
    )
    const passphrase = byCommand(`printf "%s\\n" '${CANARY}'`)
    await using port = await openPort(pairWith('aes.key'), { settings: { passphrase } })
    assert.equal(port.material?.current.number, 1)
  })

  test('that fails is quoted, without the passphrase and without its arguments', async () => {
    const error = await run(`sh -c 'echo "${CANARY}"; echo "vault says ${CANARY} is sealed" >&2; exit 3'`)
    assert.match(error.message, /^redkite\.tls\.passphraseCommand: sh ended with 3: vault says \*\*\* is sealed$/)
    assert.equal(error.exitCode, 75, 'another attempt may do')
  })

  test('that does not exist, prints nothing, or is half a command is refused by name', async () => {
    assert.match((await run('/nowhere/unlock --token x')).message, /cannot run \/nowhere\/unlock: ENOENT$/)
    assert.match((await run('true')).message, /true printed an empty first line/)
    assert.match((await run("echo 'open")).message, /the command is empty or a quote is open/)
    assert.match((await run('cat /dev/zero')).message, /printed more than 65536 bytes/)
  })

  test('whose children keep its output open does not hold up the start', async () => {
    const began = performance.now()
    const passphrase = byCommand(`sh -c 'sleep 60 & cat ${at('passphrase')}'`)
    await using port = await openPort(pairWith('aes.key'), { settings: { passphrase } })
    assert.equal(port.material?.current.number, 1)
    assert.ok(performance.now() - began < 5_000)
  })

  test('that never answers is ended after ten seconds', async () => {
    const began = performance.now()
    assert.match((await run('sleep 60')).message, /sleep gave no answer within 10 s/)
    assert.ok(performance.now() - began < 15_000)
  })
})

describe('a PKCS#12 bundle', { skip: openssl.skip }, () => {
  test('gives pair, chain and CA of clients; strangers are refused', async () => {
    const settings = { ...inBundle(bundle('modern.p12')), passphrase: byFile() }
    await using port = await openPort(settings.files, { settings })
    const trust = { ca: ca.pem, servername: 'localhost' }
    const call = (made: Made) => http2Call(port.port, { ...trust, cert: made.pem, key: made.key }, GRPC)
    assert.equal((await call(client)).grpcStatus, '0')
    await assert.rejects(call(stranger))
    const status = port.material?.status()
    assert.deepEqual(
      status?.certificates.map(({ role, index, subject, path }) => [role, index, subject, path]),
      [
        ['server', 0, 'CN=localhost', at('modern.p12')],
        ['server', 1, 'CN=root', at('modern.p12')],
        ['ca', 0, 'CN=root', at('modern.p12')],
      ],
    )
    assert.deepEqual(
      status?.files.map(({ key }) => key),
      ['redkite.tls.pkcs12Path'],
    )
  })

  test('leaves the CA of clients to tls.caPemPath where that is set', async () => {
    await using own = await folder({ 'ca.pem': stranger.pem })
    const settings = { ...inBundle(bundle('modern.p12'), own.path('ca.pem')), passphrase: byFile() }
    await using port = await openPort(settings.files, { settings })
    const trust = { ca: ca.pem, servername: 'localhost' }
    assert.equal(
      (await http2Call(port.port, { ...trust, cert: stranger.pem, key: stranger.key }, GRPC)).grpcStatus,
      '0',
    )
    await assert.rejects(http2Call(port.port, { ...trust, cert: client.pem, key: client.key }, GRPC))
  })

  const forms: Record<string, string[]> = {
    'with AES-128 and SHA-1': ['-keypbe', 'aes-128-cbc', '-certpbe', 'aes-128-cbc', '-macalg', 'sha1'],
    'without MAC': ['-nomac'],
    'with plain certificates': ['-certpbe', 'NONE'],
  }
  for (const [name, more] of Object.entries(forms)) {
    test(`${name} is read`, async () => {
      const set = await loadTlsFiles({ ...inBundle(bundle('form.p12', ...more)), passphrase: byFile() })
      assert.match(set.serverKey.text, /^-----BEGIN PRIVATE KEY-----/)
      assert.equal(set.serverPem.text.match(/BEGIN CERTIFICATE/g)?.length, 2)
    })
  }

  for (const [name, more] of Object.entries({
    'RC2, as before OpenSSL 3': ['-legacy'],
    '3DES': ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'],
  })) {
    test(`encrypted by ${name}, is refused with the command that converts it`, async () => {
      const path = bundle('old.p12', ...more)
      const error = await refusal({ ...inBundle(path), passphrase: byFile() })
      assert.match(
        error.message,
        /redkite\.tls\.pkcs12Path: .*old\.p12: the bundle is encrypted by an outdated algorithm/,
      )
      assert.equal(error.exitCode, 78)
      const [open = '', seal = ''] = (error.hint ?? '').replace('convert it: ', '').split(' && ')
      ssl(...open.split(' ').slice(1), '-passin', pass)
      ssl(...seal.split(' ').slice(1), '-passout', pass)
      await loadTlsFiles({ ...inBundle(at('server.p12')), passphrase: byFile() })
    })
  }

  test('with a wrong, without a passphrase, without its key, cut short, or none at all: refused, and why', async () => {
    const path = bundle('modern.p12')
    const wrong = await refusal({ ...inBundle(path), passphrase: byFile('wrong') })
    assert.match(wrong.message, /the passphrase of redkite\.tls\.passphraseFile \(.*wrong\) is wrong$/)
    const without = await refusal(inBundle(path))
    assert.match(without.message, /modern\.p12: the bundle is encrypted with a passphrase$/)
    const keyless = await refusal({ ...inBundle(bundle('keyless.p12', '-nokeys')), passphrase: byFile() })
    assert.match(keyless.message, /the bundle holds no private key$/)
    await writeFile(at('cut.p12'), (await readFile(path)).subarray(0, 900))
    assert.match((await refusal({ ...inBundle(at('cut.p12')), passphrase: byFile() })).message, /no readable PKCS#12/)
    assert.match((await refusal(inBundle(at('ca.pem')))).message, /no readable PKCS#12 bundle/)
    const slow = bundle('slow.p12', '-iter', '2000001')
    assert.match((await refusal({ ...inBundle(slow), passphrase: byFile() })).message, /hashed 2000001 times/)
  })

  test('is loaded again when it changes', async () => {
    const path = bundle('live.p12')
    const settings = { ...inBundle(path), passphrase: byFile(), watchIntervalMs: 20 }
    await using port = await openPort(settings.files, { settings })
    bundle('live.p12')
    await until('it is loaded', () => port.material?.current.number === 2)
  })
})

describe('a directory', () => {
  const inDirectory = (path: string): TlsSettings => ({
    files: {
      kind: 'mutual',
      serverPem: join(path, 'server.pem'),
      serverKey: join(path, 'server.key'),
      caPem: join(path, 'ca.pem'),
    },
    source: { kind: 'directory', path },
  })

  test('serves by either naming, and follows from one to the other', async () => {
    await using own = await folder({ 'server.pem': server.pem, 'server.key': server.key, 'ca.pem': ca.pem })
    const settings = inDirectory(dirname(own.path('x')))
    await using port = await openPort(settings.files, { settings })
    const other = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'] })
    for (const name of ['server.pem', 'server.key', 'ca.pem']) await rm(own.path(name))
    await writeFile(own.path('tls.crt'), other.pem)
    await writeFile(own.path('tls.key'), other.key, { mode: 0o600 })
    await writeFile(own.path('ca.crt'), ca.pem)
    assert.deepEqual(await port.material?.reload('api'), { kind: 'swapped', generation: 2 })
    assert.deepEqual(
      port.material?.status().files.map(({ path, key }) => [path, key]),
      ['tls.crt', 'tls.key', 'ca.crt'].map((name) => [own.path(name), 'redkite.tls.dir']),
    )
  })

  test('with names of both, of neither, or that is none, is refused', async () => {
    await using both = await folder({ 'server.pem': server.pem, 'tls.key': server.key })
    const mixed = await refusal(inDirectory(dirname(both.path('x'))))
    assert.match(mixed.message, /redkite\.tls\.dir: .* holds both server\.pem and tls\.crt names/)
    await using none = await folder({ 'readme.txt': '' })
    assert.match((await refusal(inDirectory(dirname(none.path('x'))))).message, /holds neither server\.pem and/)
    assert.match((await refusal(inDirectory(none.path('nowhere')))).message, /nowhere: no such directory$/)
    assert.match((await refusal(inDirectory(none.path('readme.txt')))).message, /it is not a directory$/)
    await using half = await folder({ 'server.pem': server.pem })
    const missing = await refusal(inDirectory(dirname(half.path('x'))))
    assert.match(missing.message, /redkite\.tls\.dir: open .*server\.key: no such file/)
  })

  test("Kubernetes' data link swapped all the time: certificate and key are always of one version", async () => {
    await using own = await folder({})
    const root = dirname(own.path('x'))
    const other = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'] })
    for (const [version, made] of [
      ['v1', server],
      ['v2', other],
    ] as const) {
      await mkdir(join(root, version))
      await writeFile(join(root, version, 'tls.crt'), made.pem)
      await writeFile(join(root, version, 'tls.key'), made.key)
      await writeFile(join(root, version, 'ca.crt'), ca.pem)
    }
    await symlink('v1', join(root, '..data'))
    for (const name of ['tls.crt', 'tls.key', 'ca.crt']) await symlink(`..data/${name}`, join(root, name))
    let swaps = 0
    let isDone = false
    const swapping = (async () => {
      for (; !isDone; swaps += 1) {
        await symlink(swaps % 2 === 0 ? 'v2' : 'v1', join(root, '..data_tmp'))
        await rename(join(root, '..data_tmp'), join(root, '..data'))
      }
    })()
    const seen = new Set<string>()
    const pairs = new Map([server, other].map((made) => [made.pem, made.key]))
    for (let reads = 0; reads < 300; reads += 1) {
      const set = await loadTlsFiles(inDirectory(root))
      assert.equal(pairs.get(set.serverPem.text), set.serverKey.text)
      seen.add(set.serverPem.text)
    }
    isDone = true
    await swapping
    assert.ok(seen.size === 2 && swaps > 10, `${swaps} swaps, ${seen.size} versions seen`)
  })
})

describe('never a hang, always the file and what to do about it:', () => {
  const cases: Record<string, { make: (path: string) => Promise<unknown>; says: RegExp; hint?: RegExp }> = {
    'a named pipe': {
      make: async (path) => execFileSync('mkfifo', [path]),
      says: /serverKeyPath: \/.*odd is not a file but a named pipe$/,
    },
    'a directory': { make: (path) => mkdir(path), says: /odd is not a file but a directory$/ },
    'a device': { make: (path) => symlink('/dev/zero', path), says: /odd is not a file but a device or socket$/ },
    'a link to itself': { make: (path) => symlink(path, path), says: /open .*odd: its links go round in a circle$/ },
    'a link to nothing': { make: (path) => symlink('/nowhere', path), says: /open .*odd: no such file or directory$/ },
    'a file of a gigabyte': {
      make: async (path) => {
        await writeFile(path, '')
        await truncate(path, 1 << 30)
      },
      says: /odd has 1073741824 bytes \(max 1048576\)$/,
    },
    'a file under /proc that has no size': {
      make: (path) => symlink('/proc/self/maps', path),
      says: /odd: tls: failed to find any PEM data in key input/,
    },
    'bytes that are no text': {
      make: (path) => writeFile(path, Buffer.from([0xc3, 0x28, 0xff, 0x00, 0x80])),
      says: /odd: tls: failed to find any PEM data in key input$/,
    },
    'UTF-16': {
      make: async (path) => writeFile(path, `\ufeff${server.key}`, 'utf16le'),
      says: /failed to find any PEM data in key input$/,
      hint: /^the file is UTF-16 text: .*iconv/,
    },
    DER: {
      make: (path) => writeFile(path, Buffer.from(server.key.replaceAll(/-----.*-----|\s/g, ''), 'base64')),
      says: /failed to find any PEM data in key input$/,
      hint: /^the file is DER: .*openssl pkey -in/,
    },
  }
  for (const [name, { make: create, says, hint }] of Object.entries(cases)) {
    test(name, { timeout: 5_000 }, async () => {
      await using own = await folder({})
      await create(own.path('odd'))
      const set = { kind: 'oneWay', serverPem: at('server.pem'), serverKey: own.path('odd') } as const
      const error = await refusal({ files: set })
      assert.match(error.message, says)
      if (hint) assert.match(error.hint ?? '', hint)
    })
  }

  test('a NUL in the path, a path upwards', async () => {
    const nul = { ...pairWith('x'), serverKey: `${at('server.key')}\0.txt` }
    assert.match((await refusal({ files: nul })).message, /serverKeyPath: ".*\\u0000\.txt" contains a NUL character$/)
    const upwards = { ...pairWith('x'), serverKey: join(dirname(at('x')), 'a', '..', '..', 'nowhere.key') }
    assert.match((await refusal({ files: upwards })).message, /open \/[^.]*nowhere\.key: no such file/)
  })

  test('a bundle where PEM is meant', { skip: openssl.skip }, async () => {
    bundle('modern.p12')
    const error = await refusal({ files: { ...pairWith('server.key'), serverPem: at('modern.p12') } })
    assert.match(error.hint ?? '', /^the file is a PKCS#12 bundle: name it by redkite\.tls\.pkcs12Path/)
  })

  test('an empty passphrase file, and one that is no file', async () => {
    const settings = { files: pairWith('server.key') }
    assert.match(
      (await refusal({ ...settings, passphrase: byFile('empty') })).message,
      /^redkite\.tls\.passphraseFile: .*empty: the first line is empty$/,
    )
    assert.match((await refusal({ ...settings, passphrase: byFile('.') })).message, /is not a file but a directory$/)
  })
})

describe('who else can reach a secret', () => {
  const open = async (settings: TlsSettings) => {
    const log = recordingLog()
    await using _material = await openMaterial({ watchIntervalMs: 0, ...settings }, log, createMetrics())
    return log.lines.flatMap(({ fields }) => ('warning' in fields ? [String(fields['warning'])] : []))
  }

  test('a directory that everybody may write is a warning, and refused in strict mode; the sticky bit is fine', async () => {
    await using own = await folder({ 'server.pem': server.pem, 'server.key': server.key })
    const settings = {
      files: { kind: 'oneWay', serverPem: own.path('server.pem'), serverKey: own.path('server.key') },
    } as const
    const directory = dirname(own.path('x'))
    await chmod(directory, 0o777)
    assert.deepEqual(await open(settings), [
      `tls.serverKeyPath: ${directory} can be written by every user (mode 0777); chmod o-w it`,
    ])
    const error = await refusal({ ...settings, strictKeyPermissions: true })
    assert.match(error.message, /tls\.serverKeyPath: .*the directory of the key can be written by every user/)
    assert.match(error.hint ?? '', /^chmod o-w \//)
    await chmod(directory, 0o1777)
    assert.deepEqual(await open({ ...settings, strictKeyPermissions: true }), [])
  })

  test('a passphrase file is held to the same', async () => {
    await using own = await folder({ passphrase: CANARY })
    await chmod(own.path('passphrase'), 0o644)
    const passphrase = { kind: 'file', path: own.path('passphrase') } as const
    const settings = { files: pairWith('server.key'), passphrase }
    assert.match(
      (await open(settings)).join(),
      /passphraseFile: .* can be read by every user \(mode 0644\); chmod 600 it/,
    )
    const error = await refusal({ ...settings, strictKeyPermissions: true })
    assert.match(error.message, /^redkite\.tls\.passphraseFile: .*the passphrase can be read by every user/)
  })
})

test('the chain that is sent is the one of the file, and one that leads nowhere is a warning', async () => {
  const unrelated = await make({ cn: 'unrelated', ca: true })
  await using own = await folder({ 'server.pem': server.pem + unrelated.pem, 'server.key': server.key })
  const set = { kind: 'oneWay', serverPem: own.path('server.pem'), serverKey: own.path('server.key') } as const
  await using port = await openPort(set)
  const warnings = port.lines.map(({ fields }) => String(fields['warning'] ?? ''))
  assert.match(warnings.join('\n'), /the chain does not lead from the server certificate to the last one of its file/)
  await visit(port.port, { ca: ca.pem })
})

test('a server takes its bundle and passphrase by key, and never says the passphrase', {
  skip: openssl.skip,
}, async () => {
  const path = bundle('served.p12')
  await using own = await folder({ asked: '' })
  const command = `sh -c 'echo asked >>${own.path('asked')}; cat ${at('passphrase')}'`
  const keys = [`redkite.tls.pkcs12Path=${path}`, `redkite.tls.passphraseCommand=${command}`, 'log.level=debug']
  await using served = await startRedkite({ args: ['--tls', 'mutual', ...keys.flatMap((key) => ['--set', key])] })
  const trust = { ca: ca.pem, servername: 'localhost', cert: client.pem, key: client.key }
  assert.equal((await http2Call(served.port, trust, GRPC)).status, 200)
  const asked = async () => (await readFile(own.path('asked'), 'utf8')).split('\n').length - 1
  assert.equal(await asked(), 1)
  bundle('served.p12')
  await served.logged(/tls material reloaded".*\[generation=2\]/)
  assert.equal(await asked(), 2)
  assert.match(served.stdout(), new RegExp(`CA +${at('ca.pem')}`))
  await served.stop()
  for (const text of [served.log(), served.stdout()]) assert.doesNotMatch(text, new RegExp(CANARY))
})
