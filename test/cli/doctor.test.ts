/** `redkite doctor`: what it says of good files, and the one cause and remedy of each fault. Files are made at the start. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { doctorCommand } from '../../src/cli/commands/doctor.ts'
import { EXIT } from '../../src/errors/start-error.ts'
import { type Made, make } from '../support/certificates.ts'
import { runOpenssl } from '../support/page-script.ts'
import { checksIn, holds, type Ran, runCommand, type Wanted } from '../support/run-command.ts'
import { redkite, startRedkite, temporary } from '../support/server.ts'
import { type CertSet, createSet, pageScriptSet, setIn } from '../support/sets.ts'
import { openssl, run } from '../support/tools.ts'

const root = temporary()
let count = 0
const fresh = (): string => join(root.path, `d${count++}`)
let good: CertSet
let ca: Made

before(async () => {
  good = await createSet(join(root.path, 'good'))
  ca = await make({ cn: 'Doctor Test CA', ca: true })
})
after(() => root[Symbol.dispose]())

const onFreePorts = ['--port', '0', '--metrics-port', '0']

function doctor(args: readonly string[], data = fresh()): Promise<Ran> {
  return runCommand(doctorCommand, ['-o', 'json', '--data', data, ...onFreePorts, ...args])
}

const tls = (dir: string, mode = 'mutual') => ['--tls', mode, '--tls-dir', dir]

/** A copy of the good set, spoiled. */
function spoiled(spoil: (set: CertSet) => void): string {
  const dir = fresh()
  cpSync(good.dir, dir, { recursive: true })
  spoil(setIn(dir))
  return dir
}

/** A set made of whatever certificates. */
function put(files: Readonly<Record<string, string>>): string {
  const dir = fresh()
  mkdirSync(dir, { mode: 0o700 })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text, { mode: 0o600 })
  return dir
}

async function serving(wish: Partial<Parameters<typeof make>[0]>): Promise<string> {
  const server = await make({ cn: 'server', by: ca, usages: ['serverAuth'], ...wish })
  return put({ 'server.pem': server.pem, 'server.key': server.key, 'ca.pem': ca.pem })
}

function told(ran: Ran, wanted: Wanted): void {
  const checks = checksIn(ran)
  const text = JSON.stringify(wanted, (_, value) => (value instanceof RegExp ? String(value) : value))
  assert.ok(
    checks.some((check) => holds(check, wanted)),
    `${text} in\n${ran.stdout}`,
  )
  const failed = checks.some(({ level }) => level === 'fail')
  assert.equal(ran.exitCode, failed ? EXIT.checkFailed : EXIT.ok)
  for (const { level, fix, detail } of checks) if (level === 'warn' || level === 'fail') assert.ok(fix, detail)
}

describe('redkite doctor', () => {
  it('finds nothing that fails in a good set, in both modes', async () => {
    for (const mode of ['mutual', 'one-way']) {
      const ran = await doctor([...tls(good.dir, mode), '--set', 'redkite.host=127.0.0.1'])
      assert.equal(ran.exitCode, EXIT.ok, ran.stdout)
      told(ran, { level: 'ok', what: 'tls', detail: /proof handshake/ })
      told(ran, { level: 'ok', what: 'tls certificate', detail: /issued by ca\.pem/ })
    }
    told(await doctor(tls(good.dir)), { level: 'ok', what: 'client pair', detail: /would be admitted/ })
  })

  it('prints lines with fixes, and for a configuration that does not read exits with 78', async () => {
    const ran = await runCommand(doctorCommand, ['--tls', 'mutual', '--data', fresh(), ...onFreePorts])
    assert.match(
      ran.stdout,
      /^FAIL {2}configuration +flag --tls: tlsMode 2 needs tls\.serverPemPath\n {6}fix +set tls\.serverPemPath/m,
    )
    assert.match(ran.stdout, /^ok {4}node +Node /m)
    assert.equal(ran.exitCode, EXIT.config)
  })

  it('tells what of the configuration is not read', async () => {
    const file = join(root.path, 'milvus.yaml')
    writeFileSync(file, 'proxy:\n  prot: 1\n')
    told(await doctor(['--config', file]), { level: 'warn', what: 'configuration', cause: 'configuration' })
  })
})

describe('redkite doctor names the cause: ', () => {
  it('key of another certificate', async () => {
    const dir = spoiled((set) => cpSync(set.clientKey, set.serverKey))
    told(await doctor(tls(dir)), {
      level: 'fail',
      what: 'tls',
      cause: 'keyMismatch',
      detail: /tls\.serverKeyPath.*does not match/,
      fix: /one pair/,
    })
  })

  it('swapped files, an empty one, no PEM, a directory, a missing one', async () => {
    const swapped = spoiled((set) => {
      cpSync(set.server, `${set.dir}/aside`)
      cpSync(set.serverKey, set.server)
      cpSync(`${set.dir}/aside`, set.serverKey)
    })
    told(await doctor(tls(swapped)), { level: 'fail', what: 'tls', cause: 'badFile', detail: /switched/ })
    for (const text of ['', 'noise', '-----BEGIN CERTIFICATE-----\nMIIB']) {
      const dir = spoiled((set) => writeFileSync(set.server, text))
      told(await doctor(tls(dir)), { level: 'fail', what: 'tls', cause: 'badFile', detail: /tls\.serverPemPath/ })
    }
    const keys = ['--set', `tls.serverPemPath=${good.dir}`, '--set', `tls.serverKeyPath=${good.serverKey}`]
    told(await doctor(['--tls', 'one-way', ...keys]), {
      level: 'fail',
      what: 'tls',
      cause: 'badFile',
      detail: /is not a file/,
    })
    const gone = ['--set', `tls.serverPemPath=${good.dir}/gone.pem`, '--set', `tls.serverKeyPath=${good.serverKey}`]
    told(await doctor(['--tls', 'one-way', ...gone]), {
      level: 'fail',
      what: 'tls',
      cause: 'badFile',
      detail: /gone\.pem: no such file/,
    })
  })

  it('a FIFO, without hanging', { skip: process.platform === 'win32' && 'no FIFOs' }, async () => {
    const fifo = join(root.path, 'fifo')
    await run('mkfifo', [fifo])
    const keys = ['--set', `tls.serverPemPath=${fifo}`, '--set', `tls.serverKeyPath=${good.serverKey}`]
    told(await doctor(['--tls', 'one-way', ...keys]), { level: 'fail', what: 'tls', detail: /is not a file/ })
  })

  it('an encrypted key without passphrase', { skip: openssl.skip }, async () => {
    const dir = spoiled(() => {})
    await runOpenssl(dir, 'pkcs8 -topk8 -in server.key -out locked.key -passout pass:canary-phrase')
    cpSync(join(dir, 'locked.key'), join(dir, 'server.key'))
    const ran = await doctor(tls(dir))
    told(ran, { level: 'fail', what: 'tls', cause: 'encryptedKey' })
    assert.ok(!ran.stdout.includes('canary-phrase'))
  })

  it('expired, not yet valid, and soon over', async () => {
    told(await doctor(tls(await serving({ fromDays: -20, toDays: -3 }))), {
      level: 'fail',
      what: 'tls certificate',
      cause: 'expired',
      detail: /expired 3 days ago/,
      fix: /certs renew --server --dir/,
    })
    told(await doctor(tls(await serving({ fromDays: 3 }))), {
      level: 'fail',
      what: 'tls certificate',
      cause: 'notYetValid',
      fix: /clocks/,
    })
    told(await doctor(tls(await serving({ fromDays: -20, toDays: 5 }))), {
      level: 'warn',
      what: 'tls certificate',
      cause: 'expiresSoon',
    })
    told(await doctor(tls(await serving({ fromDays: -29, toDays: 1 }))), {
      level: 'fail',
      what: 'tls certificate',
      cause: 'expiresSoon',
    })
  })

  it('a server certificate for clients', async () => {
    told(await doctor(tls(await serving({ usages: ['clientAuth'] }))), {
      level: 'fail',
      what: 'tls certificate',
      cause: 'purpose',
      detail: /needs serverAuth/,
    })
  })

  it('a certificate of another CA, a chain without its intermediate, a CA file that holds the leaf', async () => {
    const other = await make({ cn: 'Another CA', ca: true })
    const foreign = await make({ cn: 'server', by: other, usages: ['serverAuth'] })
    const files = { 'server.pem': foreign.pem, 'server.key': foreign.key }
    told(await doctor(tls(put({ ...files, 'ca.pem': ca.pem }))), {
      level: 'fail',
      what: 'tls certificate',
      cause: 'wrongCa',
      detail: /was not issued by ca\.pem/,
    })
    told(await doctor(tls(put({ ...files, 'ca.pem': foreign.pem }))), {
      level: 'fail',
      what: 'tls CA',
      cause: 'leafAsRoot',
      fix: /tls\.caPemPath/,
    })
  })

  it('names: the one that is advertised, the address that is bound, no address at all', async () => {
    const dir = await serving({ names: ['localhost'] })
    told(await doctor([...tls(dir), '--set', 'proxy.ip=10.9.8.7']), {
      level: 'fail',
      what: 'tls certificate',
      cause: 'nameMismatch',
      detail: /does not name 10\.9\.8\.7/,
      fix: /certs renew 10\.9\.8\.7/,
    })
    told(await doctor([...tls(dir), '--host', '127.0.0.1']), {
      level: 'warn',
      what: 'tls certificate',
      cause: 'nameMismatch',
      detail: /127\.0\.0\.1/,
    })
    told(await doctor(tls(await serving({ names: [] }))), { level: 'fail', what: 'tls certificate', cause: 'noNames' })
  })

  it('the client pair of the documentation’s script, and one of another CA', { skip: openssl.skip }, async () => {
    const page = await pageScriptSet(fresh())
    told(await doctor(tls(page.dir)), {
      level: 'fail',
      what: 'client pair',
      cause: 'serverAuthOnly',
      detail: /gen\.sh/,
      fix: /certs renew --client --dir .*clientAuth/,
    })
    const other = await make({ cn: 'Another CA', ca: true })
    const foreign = await make({ cn: 'client', by: other, usages: ['clientAuth'] })
    const dir = spoiled((set) => {
      writeFileSync(set.client, foreign.pem)
      writeFileSync(set.clientKey, foreign.key)
    })
    told(await doctor(tls(dir)), { level: 'fail', what: 'client pair', cause: 'wrongCa' })
  })

  it('keys that others can read', { skip: process.platform === 'win32' && 'no such bits' }, async () => {
    const open = spoiled((set) => chmodSync(set.serverKey, 0o644))
    told(await doctor(tls(open)), {
      level: 'warn',
      what: 'tls files',
      cause: 'permissions',
      detail: /every user/,
      fix: /chmod 600 \S+server\.key$/,
    })
    const strict = await doctor([...tls(open), '--set', 'redkite.tls.strictKeyPermissions=true'])
    told(strict, { level: 'fail', what: 'tls', cause: 'permissions', fix: /chmod 600/ })
    const caKey = spoiled((set) => chmodSync(set.caKey, 0o644))
    told(await doctor(tls(caKey)), {
      level: 'fail',
      what: 'tls CA key',
      cause: 'permissions',
      fix: /chmod 600 \S+ca\.key/,
    })
  })

  it('a damaged block in the CA file, which the server passes by', async () => {
    const dir = spoiled((set) =>
      appendFileSync(set.ca, '-----BEGIN CERTIFICATE-----\nTm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n'),
    )
    told(await doctor(tls(dir)), {
      level: 'warn',
      what: 'tls files',
      detail: /1 blocks of \S+ca\.pem are no certificates/,
    })
  })

  it('the material of a directory and of an encrypted bundle', { skip: openssl.skip }, async () => {
    told(await doctor(['--tls', 'mutual', '--set', `redkite.tls.dir=${good.dir}`]), { level: 'ok', what: 'tls' })
    const dir = spoiled(() => {})
    await runOpenssl(dir, 'pkcs12 -export -in server.pem -inkey server.key -out s.p12 -passout pass:canary-phrase')
    writeFileSync(join(dir, 'phrase'), 'canary-phrase\n', { mode: 0o600 })
    const bundle = ['--tls', 'one-way', '--set', `redkite.tls.pkcs12Path=${join(dir, 's.p12')}`]
    const ran = await doctor([...bundle, '--set', `redkite.tls.passphraseFile=${join(dir, 'phrase')}`])
    told(ran, { level: 'ok', what: 'tls', detail: /s\.p12/ })
    assert.ok(!ran.stdout.includes('canary-phrase'))
    told(await doctor(bundle), { level: 'fail', what: 'tls', cause: 'encryptedKey' })
  })

  it('internal TLS and the link to an upstream', async () => {
    const pair = [
      '--set',
      `internaltls.serverPemPath=${good.server}`,
      '--set',
      `internaltls.serverKeyPath=${good.clientKey}`,
    ]
    const on = ['--set', 'common.security.internaltlsEnabled=true', '--set', `internaltls.caPemPath=${good.ca}`]
    const internal = await doctor([...on, ...pair, '--set', 'proxy.internalPort=0'])
    told(internal, { level: 'fail', what: 'internaltls', cause: 'keyMismatch', detail: /internaltls\.serverKeyPath/ })
    const link = ['--set', 'redkite.upstream.uri=https://127.0.0.1:1', '--set', `redkite.upstream.caPemPath=${good.ca}`]
    const shown = (pem: string, key: string) => [
      '--set',
      `redkite.upstream.clientPemPath=${pem}`,
      '--set',
      `redkite.upstream.clientKeyPath=${key}`,
    ]
    told(await doctor([...link, ...shown(good.client, good.clientKey)]), { level: 'ok', what: 'upstream files' })
    told(await doctor([...link, ...shown(good.client, good.serverKey)]), {
      level: 'fail',
      what: 'upstream files',
      cause: 'keyMismatch',
    })
    told(await doctor([...link, ...shown(good.server, good.serverKey)]), {
      level: 'warn',
      what: 'upstream files',
      cause: 'serverAuthOnly',
      fix: /certs renew --client/,
    })
  })

  it('doors left open: passwords in the clear, the documented password, metrics for all, nobody logs in', async () => {
    const login = ['--set', 'common.security.authorizationEnabled=true']
    told(await doctor(['--host', '0.0.0.0', ...login]), {
      level: 'fail',
      what: 'encryption',
      cause: 'exposed',
      detail: /passwords cross the network/,
      fix: /tlsMode/,
    })
    told(await doctor([...tls(good.dir), ...login]), {
      level: 'fail',
      what: 'login',
      cause: 'secret',
      fix: /DEFAULTROOTPASSWORD_FILE/,
    })
    const changed = await doctor([
      ...tls(good.dir),
      ...login,
      '--set',
      'common.security.defaultRootPassword=canary-Pa55',
    ])
    told(changed, { level: 'ok', what: 'login' })
    assert.ok(!changed.stdout.includes('canary-Pa55'), 'a password is printed')
    told(await doctor(['--set', 'redkite.metricsHost=0.0.0.0']), {
      level: 'warn',
      what: 'metrics',
      cause: 'exposed',
      fix: /127\.0\.0\.1/,
    })
    told(await doctor(tls(good.dir, 'one-way')), { level: 'warn', what: 'login', cause: 'noLogin' })
    told(await doctor([]), { level: 'ok', what: 'encryption', detail: /loopback/ })
  })

  it('a port that another process has, and by whom; an address of another machine', async () => {
    const listener = createServer().listen(0, '127.0.0.1')
    await once(listener, 'listening')
    try {
      const { port } = listener.address() as AddressInfo
      const ran = await runCommand(doctorCommand, [
        '-o',
        'json',
        '--data',
        fresh(),
        '--port',
        String(port),
        '--metrics-port',
        '0',
      ])
      const who =
        process.platform === 'linux' ? new RegExp(`${port} is taken by process ${process.pid} \\(`) : /is taken by/
      told(ran, { level: 'fail', what: 'proxy.port', cause: 'portTaken', detail: who, fix: /another proxy\.port/ })
    } finally {
      listener.close()
    }
    told(await doctor(['--host', '203.0.113.77']), {
      level: 'fail',
      what: 'proxy.port',
      cause: 'portTaken',
      fix: /redkite\.host/,
    })
  })

  it('its own server that runs is no fault', async () => {
    const data = fresh()
    await using served = await startRedkite({ data })
    const ran = await runCommand(doctorCommand, [
      '-o',
      'json',
      '--data',
      data,
      '--port',
      String(served.port),
      '--metrics-port',
      '0',
    ])
    told(ran, { level: 'ok', what: 'proxy.port', detail: new RegExp(`pid ${served.ready.pid}`) })
    told(ran, { level: 'ok', what: 'data directory', detail: new RegExp(`has it open \\(pid ${served.ready.pid}\\)`) })
  })

  it('a data directory that is a file; one that all can enter', async () => {
    const file = join(root.path, 'a-file')
    writeFileSync(file, '')
    told(await doctor([], file), { level: 'fail', what: 'data directory', cause: 'dataDirectory', fix: /--data/ })
    const open = fresh()
    mkdirSync(open)
    chmodSync(open, 0o755)
    if (process.platform !== 'win32')
      told(await doctor([], open), { level: 'warn', what: 'data directory', cause: 'permissions' })
  })

  it('data of a newer format, or damaged', async () => {
    const data = fresh()
    {
      await using served = await startRedkite({ data })
      await served.stop()
    }
    told(await doctor([], data), { level: 'ok', what: 'data format', detail: /format 2/ })
    const file = new DatabaseSync(join(data, 'catalog.db'))
    file.exec("UPDATE info SET value = '99' WHERE key = 'format'")
    file.close()
    const before = readdirSync(data).sort()
    told(await doctor([], data), { level: 'fail', what: 'data format', cause: 'dataDirectory', detail: /format 99/ })
    assert.deepEqual(readdirSync(data).sort(), before, 'looking changed the directory')
    writeFileSync(join(data, 'catalog.db'), 'not a database, but long enough to look at'.repeat(200))
    told(await doctor([], data), {
      level: 'fail',
      what: 'data format',
      cause: 'dataDirectory',
      detail: /cannot be read/,
    })
  })

  it('a clock that is behind, a Kubernetes volume whose updates are seen', async () => {
    const later = new Date(Date.now() + 86_400_000)
    const dir = spoiled((set) => utimesSync(set.server, later, later))
    told(await doctor(tls(dir)), { level: 'warn', what: 'clock', cause: 'clock', detail: /in the future/ })
    const volume = fresh()
    mkdirSync(join(volume, '..2026'), { recursive: true })
    cpSync(good.dir, join(volume, '..2026'), { recursive: true })
    symlinkSync('..2026', join(volume, '..data'))
    for (const name of ['server.pem', 'server.key', 'ca.pem']) symlinkSync(`..data/${name}`, join(volume, name))
    told(await doctor(tls(volume)), { level: 'ok', what: 'tls.serverPemPath', detail: /updates are seen/ })
  })

  it('flags and variables that weaken TLS', async () => {
    const env = {
      NODE_OPTIONS: '--tls-min-v1.0 --tls-keylog=/dev/null',
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      SSLKEYLOGFILE: '/dev/null',
      NODE_EXTRA_CA_CERTS: good.ca,
    }
    const { stdout, exitCode } = await redkite(['doctor', '-o', 'json', '--data', fresh(), ...onFreePorts], { env })
    const ran = { stdout, exitCode: exitCode ?? -1 }
    told(ran, { level: 'warn', what: 'node flags', detail: /--tls-min-v1\.0 lowers/, fix: /NODE_OPTIONS/ })
    told(ran, { level: 'fail', what: 'node flags', detail: /--tls-keylog writes the keys/ })
    told(ran, { level: 'fail', what: 'environment', detail: /REJECT_UNAUTHORIZED=0/, fix: /unset/ })
    told(ran, { level: 'fail', what: 'environment', detail: /SSLKEYLOGFILE/ })
    told(ran, { level: 'warn', what: 'environment', detail: /NODE_EXTRA_CA_CERTS/ })
  })
})

const canMount = process.platform === 'linux' && (await run('unshare', ['-m', 'true'])).exitCode === 0

describe('redkite doctor in a container', { skip: !canMount && 'mount namespaces are not allowed here' }, () => {
  it('tells a file that is mounted by itself: renewals are never seen', async () => {
    const dir = spoiled(() => {})
    const { main } = await import('../support/server.ts')
    const command = `mount --bind ${good.server} ${join(dir, 'server.pem')} && exec ${process.execPath} ${main} doctor -o json --data ${fresh()} ${onFreePorts.join(' ')} ${tls(dir).join(' ')}`
    const { stdout, exitCode } = await run('unshare', ['-m', 'sh', '-c', command])
    told(
      { stdout, exitCode: exitCode ?? -1 },
      { level: 'warn', what: 'tls.serverPemPath', cause: 'mount', detail: /subPath/, fix: /mount the directory/ },
    )
  })
})
