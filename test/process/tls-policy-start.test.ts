/** The policy as the configuration gives it: refused at the start where it cannot work, and out of reach for Node's flags. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connect } from 'node:tls'
import { redkite, refusedStart, startRedkite, temporary } from '../support/server.ts'
import { type CertSet, createSet } from '../support/sets.ts'
import { openssl, run } from '../support/tools.ts'

const scratch = temporary()
let set: CertSet
before(async () => {
  set = await createSet(join(scratch.path, 'tls'))
})
after(() => scratch[Symbol.dispose]())

const tls = (mode: 'one-way' | 'mutual', ...keys: string[]) => ({
  args: ['--tls', mode, '--tls-dir', set.dir, ...keys.flatMap((key) => ['--set', key])],
})

describe('a policy that cannot work ends the start with exit 78, key, value and remedy', () => {
  const cases: readonly (readonly [mode: 'one-way' | 'mutual', keys: readonly string[], RegExp])[] = [
    [
      'one-way',
      ['redkite.tls.minVersion=1.1'],
      /redkite\.tls\.minVersion must be one of profile, 1\.2, 1\.3, not "1\.1"/,
    ],
    ['one-way', ['redkite.tls.profile=old'], /redkite\.tls\.profile must be one of intermediate, modern/],
    ['mutual', ['redkite.tls.maxVersion=1.2'], /redkite\.tls\.maxVersion: 1\.2 is below TLS 1\.3.*\nhint: raise it/],
    [
      'one-way',
      ['redkite.tls.ciphers=AES128-SHA'],
      /redkite\.tls\.ciphers: AES128-SHA does not give.*\nhint: choose from/,
    ],
    ['one-way', ['redkite.tls.ciphers=TLS_NOPE'], /TLS_NOPE is no cipher that OpenSSL knows/],
    ['one-way', ['redkite.tls.groups=NOPE'], /redkite\.tls\.groups: NOPE is no group that is served/],
    [
      'one-way',
      ['redkite.tls.pq=require', 'redkite.tls.groups=X25519'],
      /redkite\.tls\.pq: require needs a hybrid group/,
    ],
  ]
  for (const [mode, keys, message] of cases) {
    test(`${mode} ${keys.join(' ')}`, async () => {
      const failed = await refusedStart(tls(mode, ...keys))
      assert.match(failed.stderr, message)
      assert.equal(failed.exitCode, 78)
    })
  }
})

test('redkite config check says so too, with the line', async () => {
  const file = join(scratch.path, 'milvus.yaml')
  const yaml = [
    'common:',
    '  security:',
    '    tlsMode: 2',
    'tls:',
    '  serverPemPath: a',
    '  serverKeyPath: b',
    '  caPemPath: c',
  ]
  const checked = async (...more: string[]) => {
    writeFileSync(file, [...yaml, 'redkite:', '  tls:', ...more, ''].join('\n'))
    return redkite(['config', 'check', file])
  }
  const wrong = await checked('    pq: off', '    groups: [X25519MLKEM768, X25519]')
  assert.match(wrong.stdout, /milvus\.yaml:11:\d+: error: redkite\.tls\.groups: X25519MLKEM768 is a hybrid group/)
  assert.equal(wrong.exitCode, 1)
  const good = await checked(
    '    pq: off',
    '    minVersion: 1.2',
    '    ciphers: [TLS_AES_128_GCM_SHA256, ECDHE-RSA-AES128-GCM-SHA256]',
  )
  assert.deepEqual([good.exitCode, good.stdout.includes('0 errors')], [0, true], good.stdout)
})

/** The version and group that Node's client agrees with a server, or the code of its error. */
function agreed(port: number, options: object): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', rejectUnauthorized: false, ...options })
    socket.on('secureConnect', () => {
      resolve(`${socket.getProtocol()} ${socket.getCipher().name}`)
      socket.destroy()
    })
    socket.on('error', (error) => resolve('code' in error ? String(error.code) : error.message))
  })
}

test("Node's flags for TLS versions and ciphers do not reach the server", { skip: openssl.skip }, async () => {
  const NODE_OPTIONS = '--tls-min-v1.0 --tls-max-v1.2 --tls-cipher-list=ALL:@SECLEVEL=0'
  await using served = await startRedkite({ ...tls('one-way'), env: { NODE_OPTIONS } })
  for (const version of ['-tls1', '-tls1_1']) {
    const args = ['s_client', '-connect', `127.0.0.1:${served.port}`, version, '-cipher', 'ALL:@SECLEVEL=0']
    assert.match((await run(openssl.path, args, { input: 'Q\n' })).stderr, /SSL alert number 70/, version)
  }
  assert.equal(
    await agreed(served.port, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' }),
    'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE',
  )
  assert.match(await agreed(served.port, {}), /^TLSv1\.3 /)
})

test('what is configured is what is spoken, and what the log says at the start', async () => {
  const keys = ['redkite.tls.profile=modern', 'redkite.tls.ciphers=TLS_CHACHA20_POLY1305_SHA256', 'redkite.tls.pq=off']
  await using served = await startRedkite(tls('one-way', ...keys))
  assert.equal(await agreed(served.port, {}), 'TLSv1.3 TLS_CHACHA20_POLY1305_SHA256')
  assert.equal(await agreed(served.port, { maxVersion: 'TLSv1.2' }), 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')
  assert.match(await agreed(served.port, { ecdhCurve: 'X25519MLKEM768' }), /HANDSHAKE_FAILURE/)
  await served.logged(/\["tls policy"\] \[profile=modern\] \[pq=off\] \[minVersion=TLSv1\.3\]/)
})
