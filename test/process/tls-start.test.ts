/** Every fault of the TLS files that must stop a start: one line naming file, key and cause, a remedy, an exit code. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod } from 'node:fs/promises'
import { dirname } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { StartError } from '../../src/errors/start-error.ts'
import { silentLog } from '../../src/observe/log.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { openMaterial } from '../../src/tls/material.ts'
import type { TlsFiles } from '../../src/tls/settings.ts'
import { type Made, make } from '../support/certificates.ts'
import { http2Call } from '../support/tls-client.ts'
import { folder, openPort, recordingLog } from '../support/tls-port.ts'

let ca: Made
let server: Made
let other: Made
let rsa: Made
let files: Awaited<ReturnType<typeof folder>>

before(async () => {
  ca = await make({ cn: 'root', ca: true })
  server = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'] })
  other = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'] })
  rsa = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'], keyKind: 'rsa' })
  const weak = await make({ cn: 'localhost', by: ca, keyKind: 'rsa1024' })
  files = await folder({
    'server.pem': server.pem,
    'server.key': server.key,
    'other.key': other.key,
    'rsa.key': rsa.key,
    'ca.pem': ca.pem,
    empty: '',
    noise: 'hello\n',
    'half.pem': server.pem.slice(0, 200),
    'half.key': server.key.slice(0, 100),
    'broken.pem': server.pem.replace(/\n[^\n]{64}\n/, '\nAAAA\n'),
    'chain-first.pem': ca.pem + server.pem,
    'weak.pem': weak.pem,
    'weak.key': weak.key,
    'ca-damaged.pem': server.pem.replace(/\n[^\n]{64}\n/, '\nAAAA\n') + ca.pem,
    'encrypted-pkcs1.key':
      '-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n',
    'encrypted.key': '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n',
  })
})
after(() => files[Symbol.asyncDispose]())

async function fails(pem: string, key: string, caPem: string | null): Promise<StartError> {
  const at = (name: string) => (name === '' ? '' : files.path(name))
  const pair = { serverPem: at(pem), serverKey: at(key) }
  const set: TlsFiles = caPem === null ? { kind: 'oneWay', ...pair } : { kind: 'mutual', ...pair, caPem: at(caPem) }
  const settings = { files: set, watchIntervalMs: 0 }
  try {
    await using _material = await openMaterial(settings, silentLog, createMetrics())
  } catch (error) {
    assert.ok(error instanceof StartError, String(error))
    assert.equal(error.message.split('\n').length, 1)
    assert.ok(error.hint)
    return error
  }
  return assert.fail('it started')
}

const table: Record<string, { set: [string, string, string | null]; says: RegExp }> = {
  'an empty path': {
    set: ['', 'server.key', null],
    says: /proxy can't create creds: tls\.serverPemPath: the path is empty/,
  },
  'no certificate file': {
    set: ['none.pem', 'server.key', null],
    says: /^proxy can't create creds: tls\.serverPemPath: open \/.*none\.pem: no such file or directory$/,
  },
  'no key file, mutual': {
    set: ['server.pem', 'none.key', 'ca.pem'],
    says: /^proxy cant load x509 key pair: tls\.serverKeyPath: open .*none\.key: no such file or directory$/,
  },
  'a directory': { set: ['.', 'server.key', null], says: /tls\.serverPemPath: .* is not a file/ },
  'an empty certificate': { set: ['empty', 'server.key', null], says: /tls\.serverPemPath: .*: the file is empty/ },
  'an empty key': { set: ['server.pem', 'empty', null], says: /tls\.serverKeyPath: .*: the file is empty/ },
  'no PEM': { set: ['noise', 'server.key', null], says: /tls: failed to find any PEM data in certificate input/ },
  'half a certificate': {
    set: ['half.pem', 'server.key', null],
    says: /tls\.serverPemPath: .*half\.pem: a PEM block has no end/,
  },
  'half a key': {
    set: ['server.pem', 'half.key', null],
    says: /tls\.serverKeyPath: .*half\.key: a PEM block has no end/,
  },
  'a broken certificate': { set: ['broken.pem', 'server.key', null], says: /certificate 1 of the file does not parse/ },
  'swapped files': {
    set: ['server.key', 'server.pem', null],
    says: /tls\.serverPemPath: .*did find a private key; PEM inputs may have been switched/,
  },
  'a certificate as key': {
    set: ['server.pem', 'server.pem', null],
    says: /tls: found a certificate rather than a key/,
  },
  'the key of another pair': {
    set: ['server.pem', 'other.key', null],
    says: /tls\.serverKeyPath: .*tls: private key does not match public key of .*server\.pem/,
  },
  'a key of another type': {
    set: ['server.pem', 'rsa.key', 'ca.pem'],
    says: /key type does not match public key type \(key rsa, certificate ec\)/,
  },
  'the leaf not first': { set: ['chain-first.pem', 'server.key', null], says: /does not match public key/ },
  'a weak key': { set: ['weak.pem', 'weak.key', null], says: /RSA key has 1024 bits \(at least 2048 needed\)/ },
  'an encrypted PKCS#8 key': {
    set: ['server.pem', 'encrypted.key', null],
    says: /failed to parse private key: it is encrypted with a passphrase/,
  },
  'an encrypted PKCS#1 key': {
    set: ['server.pem', 'encrypted-pkcs1.key', null],
    says: /it is encrypted with a passphrase/,
  },
  'no CA file': {
    set: ['server.pem', 'server.key', 'none.pem'],
    says: /^failed read ca pem: tls\.caPemPath: open .*no such file or directory$/,
  },
  'a CA file without certificate': {
    set: ['server.pem', 'server.key', 'noise'],
    says: /^fail to append ca to cert: tls\.caPemPath: .*noise: no certificate/,
  },
  'an empty CA file': { set: ['server.pem', 'server.key', 'empty'], says: /^fail to append ca to cert/ },
  'a key as CA': { set: ['server.pem', 'server.key', 'server.key'], says: /^fail to append ca to cert/ },
}
describe('a start ends with exit 78 on', () => {
  for (const [name, { set, says }] of Object.entries(table)) {
    test(name, async () => {
      const error = await fails(...set)
      assert.match(error.message, says)
      assert.equal(error.exitCode, 78)
    })
  }
})

test('the hint for a leaf that is not first says so', async () => {
  const error = await fails('chain-first.pem', 'server.key', null)
  assert.match(error.hint ?? '', /certificate 2 of the file matches: put the server certificate first/)
})

test('a file that this user may not read ends with exit 77', async () => {
  await using locked = await folder({ 'locked.key': server.key, 'server.pem': server.pem })
  await chmod(dirname(locked.path('locked.key')), 0o755)
  await chmod(locked.path('server.pem'), 0o644)
  await chmod(locked.path('locked.key'), 0)
  // Root reads everything, so it steps down to a user without rights for a moment.
  const root = process.getuid?.() === 0
  if (root) process.seteuid?.(65534)
  try {
    const set = { kind: 'oneWay', serverPem: locked.path('server.pem'), serverKey: locked.path('locked.key') } as const
    await assert.rejects(openMaterial({ files: set, watchIntervalMs: 0 }, silentLog, createMetrics()), (error) => {
      assert.ok(error instanceof StartError)
      assert.equal(error.exitCode, 77)
      assert.match(
        error.message,
        /tls\.serverKeyPath: open .*: permission denied \(owner uid \d+, gid \d+, mode 0\d{3}\)$/,
      )
      return true
    })
  } finally {
    if (root) process.seteuid?.(0)
  }
})

test('no secret appears in a message', async () => {
  const secret = server.key.split('\n')[1] ?? ''
  const errors = await Promise.all([fails('server.pem', 'half.key', null), fails('server.key', 'server.pem', null)])
  for (const error of errors) assert.ok(!`${error.message}${error.hint}`.includes(secret))
})

describe('it starts, with a warning, on', () => {
  const open = async (set: TlsFiles) => {
    const log = recordingLog()
    await using material = await openMaterial({ files: set, watchIntervalMs: 0 }, log, createMetrics())
    const warnings = log.lines.filter((line) => 'warning' in line.fields).map((line) => String(line.fields['warning']))
    return { generation: material.current, warnings }
  }

  test('an expired certificate, as Milvus', async () => {
    const old = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'], fromDays: -9, toDays: -2 })
    await using own = await folder({ 'server.pem': old.pem, 'server.key': old.key })
    const set = { kind: 'oneWay', serverPem: own.path('server.pem'), serverKey: own.path('server.key') } as const
    assert.match((await open(set)).warnings.join(), /expired/)
    await using port = await openPort(set)
    await assert.rejects(http2Call(port.port, { ca: ca.pem }, 'application/grpc'), /expired/)
  })

  test('a CA file with a damaged block before the good one, which Node alone would lose', async () => {
    const set = {
      kind: 'mutual',
      serverPem: files.path('server.pem'),
      serverKey: files.path('server.key'),
      caPem: files.path('ca-damaged.pem'),
    } as const
    const { generation, warnings } = await open(set)
    assert.match(warnings.join(), /1 blocks of .*ca-damaged\.pem/)
    assert.equal(generation.anchors.length, 1)
  })

  test('a key that others can read, unless the configuration is strict', async () => {
    await using own = await folder({ 'server.pem': server.pem, 'server.key': server.key })
    const set = { kind: 'oneWay', serverPem: own.path('server.pem'), serverKey: own.path('server.key') } as const
    for (const [mode, readers] of [
      [0o644, 'every user'],
      [0o640, 'its group'],
    ] as const) {
      await chmod(own.path('server.key'), mode)
      assert.match((await open(set)).warnings.join(), new RegExp(`can be read by ${readers} .*; chmod 600 it`))
      const strict = { files: set, watchIntervalMs: 0, strictKeyPermissions: true }
      await assert.rejects(openMaterial(strict, silentLog, createMetrics()), (error) => {
        assert.ok(error instanceof StartError)
        assert.equal(error.exitCode, 78)
        assert.match(error.message, new RegExp(`tls\\.serverKeyPath: .*the key can be read by ${readers}`))
        assert.match(error.hint ?? '', /^chmod 600 /)
        return true
      })
    }
    await chmod(own.path('server.key'), 0o600)
    assert.deepEqual((await open(set)).warnings, [])
  })
})

test('keys in PKCS#1, SEC1 with parameters and PKCS#8 are read', async (t) => {
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { encoding: 'latin1', stdio: ['pipe', 'pipe', 'ignore'] })
  try {
    openssl('version')
  } catch {
    return t.skip('openssl is not installed')
  }
  const parameters = openssl('ecparam', '-name', 'prime256v1')
  await using own = await folder({
    'ec.pem': server.pem,
    'rsa.pem': rsa.pem,
    'sec1.key': parameters + openssl('ec', '-in', files.path('server.key')),
    'pkcs1.key': openssl('rsa', '-traditional', '-in', files.path('rsa.key')),
  })
  for (const [pem, key] of [
    ['ec.pem', 'sec1.key'],
    ['rsa.pem', 'pkcs1.key'],
  ] as const) {
    const set = { kind: 'oneWay', serverPem: own.path(pem), serverKey: own.path(key) } as const
    await using port = await openPort(set)
    assert.equal((await http2Call(port.port, { ca: ca.pem }, 'application/grpc')).grpcStatus, '0')
  }
})
