/** `redkite verify URI`: what it says about good servers, and the one cause and remedy of each fault. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createSecureServer, type Http2SecureServer, type SecureServerOptions } from 'node:http2'
import { type AddressInfo, connect, createServer as createTcp } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createServer as createTls, TLSSocket } from 'node:tls'
import { verifyCommand } from '../../src/cli/commands/verify.ts'
import { EXIT } from '../../src/errors/start-error.ts'
import type { Check } from '../../src/probe/check.ts'
import { type Made, make } from '../support/certificates.ts'
import { runOpenssl } from '../support/page-script.ts'
import { checksIn, holds, type Ran, runCommand, type Wanted } from '../support/run-command.ts'
import { redkite, type Served, startRedkite, temporary } from '../support/server.ts'
import { openssl } from '../support/tools.ts'

const root = temporary()
const at = (name: string) => join(root.path, name)
const PASSWORD = 'canary-Pa55word'

let ca: Made
let otherCa: Made
let server: Made
/** Mutual TLS with logins, one-way TLS, plaintext: the built server. */
let mutual: Served
let oneWay: Served
let plain: Served

const verify = (...args: readonly string[]): Promise<Ran> => runCommand(verifyCommand, [...args, '-o', 'json'])
const uri = (port: number, host = 'localhost') => `https://${host}:${port}`
const CA = ['--ca', at('ca.pem')]
const pairOf = (name: string) => ['--cert', at(`${name}.pem`), '--key', at(`${name}.key`)]

function put(name: string, made: Made): void {
  writeFileSync(at(`${name}.pem`), made.pem)
  writeFileSync(at(`${name}.key`), made.key, { mode: 0o600 })
}

async function client(name: string, wish: Partial<Parameters<typeof make>[0]> = {}): Promise<readonly string[]> {
  put(name, await make({ cn: name, by: ca, usages: ['clientAuth'], ...wish }))
  return pairOf(name)
}

before(async () => {
  ca = await make({ cn: 'Verify Test CA', ca: true })
  otherCa = await make({ cn: 'Another CA', ca: true })
  server = await make({ cn: 'server', by: ca, usages: ['serverAuth'], names: ['localhost', '127.0.0.1'] })
  put('ca', ca)
  put('other-ca', otherCa)
  put('leaf', server)
  await client('client')
  writeFileSync(at('password'), `${PASSWORD}\n`)
  mkdirSync(at('tls'))
  writeFileSync(at('tls/server.pem'), server.pem)
  writeFileSync(at('tls/server.key'), server.key, { mode: 0o600 })
  writeFileSync(at('tls/ca.pem'), ca.pem)
  const tls = ['--tls-dir', at('tls')]
  const login = ['--set', 'common.security.authorizationEnabled=true']
  const env = { COMMON_SECURITY_DEFAULTROOTPASSWORD: PASSWORD }
  ;[mutual, oneWay, plain] = await Promise.all([
    startRedkite({ args: ['--tls', 'mutual', ...tls, ...login], env }),
    startRedkite({ args: ['--tls', 'one-way', ...tls] }),
    startRedkite({}),
  ])
})

after(async () => {
  await Promise.all([mutual, oneWay, plain].map((served) => served?.[Symbol.asyncDispose]()))
  root[Symbol.dispose]()
})

/** One line of the report is as wanted, and the exit code fits the levels. */
function told(ran: Ran, wanted: Wanted): Check {
  const checks = checksIn(ran)
  const found = checks.find((check) => holds(check, wanted))
  assert.ok(
    found,
    `${JSON.stringify(wanted, (_, value) => (value instanceof RegExp ? String(value) : value))} in\n${ran.stdout}`,
  )
  const failed = checks.some(({ level }) => level === 'fail')
  if (ran.exitCode !== EXIT.unavailable) assert.equal(ran.exitCode, failed ? EXIT.checkFailed : EXIT.ok)
  for (const check of checks) if (check.level === 'warn' || check.level === 'fail') assert.ok(check.fix, check.detail)
  return found
}

interface Faulty extends AsyncDisposable {
  readonly port: number
  readonly calls: () => number
}

/** A gRPC server of this process with whatever is wrong with it. */
async function faulty(options: SecureServerOptions, admits = (_: TLSSocket) => true): Promise<Faulty> {
  let calls = 0
  const made: Http2SecureServer = createSecureServer({ ALPNProtocols: ['h2'], ...options })
  made.on('stream', (stream) => {
    calls += 1
    stream.on('error', () => {})
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end(Buffer.alloc(5))
  })
  made.on('tlsClientError', (_, socket) => socket.destroy())
  made.on('sessionError', () => {})
  made.on('session', (session) => {
    if (session.socket instanceof TLSSocket && !admits(session.socket)) session.destroy()
  })
  made.listen(0)
  await once(made, 'listening')
  const sockets = new Set<{ destroy(): void }>()
  made.on('connection', (socket) => sockets.add(socket))
  return {
    port: (made.address() as AddressInfo).port,
    calls: () => calls,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      made.close()
    },
  }
}

const servedBy = (made: Made, more: SecureServerOptions = {}, admits?: (socket: TLSSocket) => boolean) =>
  faulty({ cert: made.pem, key: made.key, ...more }, admits)

describe('redkite verify', () => {
  it('finds nothing wrong with mutual TLS, and proves that strangers are refused', async () => {
    const ran = await verify(
      uri(mutual.port),
      ...CA,
      ...pairOf('client'),
      '--user',
      'root',
      '--password-file',
      at('password'),
    )
    assert.equal(ran.exitCode, EXIT.ok, ran.stdout)
    const said = (what: string) => checksIn(ran).find((check) => check.what === what)
    assert.match(said('handshake')?.detail ?? '', /^TLS 1\.3, TLS_AES_\w+, ALPN h2, X25519MLKEM768, \d+ ms$/)
    assert.match(said('no-client probe')?.detail ?? '', /refused \(mutual TLS really on\): alert certificate required/)
    for (const what of [
      'stranger probe',
      'plaintext probe',
      'old protocols',
      'wrong-name probe',
      'grpc',
      'user',
      'wrong login',
      'rest',
    ]) {
      assert.equal(said(what)?.level, 'ok', `${what} in ${ran.stdout}`)
    }
    assert.ok(!ran.stdout.includes(PASSWORD), 'the password is printed')
    assert.ok(!mutual.log().includes(PASSWORD))
  })

  it('prints lines for people, with the fix below', async () => {
    const ran = await runCommand(verifyCommand, [uri(mutual.port), ...CA])
    assert.match(ran.stdout, /^ok {4}handshake {8,}TLS 1\.3, /m)
    assert.match(
      ran.stdout,
      /^FAIL {2}client +refused: the server needs a client certificate.*\n {6}fix +give one: --cert client\.pem/m,
    )
    assert.match(ran.stdout, /\n1 failed\n$/)
    assert.equal(ran.exitCode, EXIT.checkFailed)
  })

  it('tells one-way TLS from mutual, and that nobody has to log in', async () => {
    const ran = await verify(uri(oneWay.port), ...CA, ...pairOf('client'))
    told(ran, { level: 'warn', what: 'no-client probe', cause: 'notMutual', fix: /tlsMode: 2/ })
    told(ran, { level: 'warn', what: 'login', cause: 'noLogin', fix: /authorizationEnabled/ })
    told(ran, { level: 'ok', what: 'least version', detail: /TLS 1\.2 accepted/ })
  })

  it('tells a wrong password, and that one is needed', async () => {
    writeFileSync(at('wrong'), 'not-it\n')
    const ran = await verify(
      uri(mutual.port),
      ...CA,
      ...pairOf('client'),
      '--user',
      'root',
      '--password-file',
      at('wrong'),
    )
    told(ran, { level: 'fail', what: 'user', cause: 'login', detail: /root is refused/ })
    assert.ok(!ran.stdout.includes('not-it'))
  })

  it('sends no login to a REST port in plaintext, and finds one of its own under TLS', async () => {
    const login = ['--user', 'root', '--password-file', at('password')]
    let heard = ''
    const web = createTcp((socket) => {
      socket
        .on('error', () => {})
        .on('data', (bytes) => {
          heard += bytes.toString('latin1')
          if (heard.includes('{}')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"code":0}')
        })
    }).listen(0)
    await once(web, 'listening')
    const { port } = web.address() as AddressInfo
    const args = [uri(mutual.port), ...CA, ...pairOf('client'), ...login]
    told(await verify(...args, '--rest', `http://localhost:${port}`), {
      level: 'warn',
      what: 'rest plaintext',
      cause: 'plaintext',
    })
    web.close()
    assert.match(heard, /POST \/v2\/vectordb/)
    assert.ok(!/authorization/i.test(heard), heard)
    told(await verify(...args, '--rest', uri(mutual.port)), { level: 'ok', what: 'rest', detail: /lists collections/ })
    told(await verify(...args, '--rest', uri(port)), {
      level: 'fail',
      what: 'rest',
      cause: 'noAnswer',
      fix: /--rest https/,
    })
  })

  it('takes a token from a file, and a password from a variable', async () => {
    writeFileSync(at('token'), `root:${PASSWORD}\n`)
    const ran = await verify(uri(mutual.port), ...CA, ...pairOf('client'), '--token-file', at('token'))
    told(ran, { level: 'ok', what: 'user', detail: /^root is admitted/ })
    assert.ok(!ran.stdout.includes(PASSWORD))
    const args = ['verify', uri(mutual.port), ...CA, ...pairOf('client'), '--user', 'root']
    const other = await redkite(args, { env: { REDKITE_PASSWORD: PASSWORD } })
    assert.equal(other.exitCode, EXIT.ok, other.stdout + other.stderr)
    assert.match(other.stdout, /^ok +user +root is admitted$/m)
  })

  it('unreachable is 69, a wrong command line 64', async () => {
    const listener = createTcp().listen(0)
    await once(listener, 'listening')
    const { port } = listener.address() as AddressInfo
    listener.close()
    await once(listener, 'close')
    const refused = await verify(uri(port), ...CA)
    assert.equal(refused.exitCode, EXIT.unavailable)
    told(refused, { level: 'fail', what: 'tcp', cause: 'unreachable', detail: /nobody listens/ })
    assert.equal((await verify('https://no-such-host.invalid:1')).exitCode, EXIT.unavailable)
    for (const args of [
      [],
      ['ftp://x'],
      ['https://a:99999'],
      [uri(port), '--cert', 'x'],
      [uri(port), '--user', 'x'],
      ['--internal', uri(port)],
    ]) {
      assert.equal((await verify(...args)).exitCode, EXIT.usage, args.join(' '))
    }
    const secret = await verify('https://root:s3cret@host')
    assert.equal(secret.exitCode, EXIT.usage)
    assert.ok(!secret.stdout.includes('s3cret'), secret.stdout)
  })
})

describe('redkite verify names the cause: ', () => {
  it('plaintext to TLS', async () => {
    const ran = await verify(`http://localhost:${oneWay.port}`)
    told(ran, { level: 'fail', cause: 'plaintextToTls', fix: /https:\/\/localhost:\d+ and --ca/ })
  })

  it('TLS to plaintext', async () => {
    const ran = await verify(`https://127.0.0.1:${plain.port}`, ...CA)
    told(ran, { level: 'fail', cause: 'tlsToPlaintext', fix: /common\.security\.tlsMode/ })
  })

  it('no certificate, on TLS 1.3 and, within the handshake, on TLS 1.2', async () => {
    told(await verify(uri(mutual.port), ...CA), {
      level: 'fail',
      what: 'client',
      cause: 'noCertificate',
      fix: /--cert client\.pem/,
    })
    await using old = await servedBy(server, {
      ca: ca.pem,
      requestCert: true,
      rejectUnauthorized: true,
      maxVersion: 'TLSv1.2',
    })
    told(await verify(uri(old.port), ...CA), { level: 'fail', what: 'client', cause: 'noCertificate' })
    assert.equal(old.calls(), 0)
  })

  it('wrong CA, on either side', async () => {
    const ran = await verify(uri(oneWay.port), '--ca', at('other-ca.pem'))
    told(ran, {
      level: 'fail',
      what: 'server chain',
      cause: 'wrongCa',
      detail: /issued by CN=Verify Test CA.*holds CN=Another CA/,
      fix: /ca\.pem/,
    })
    told(ran, { level: 'skip', what: 'client' })
    told(await verify(uri(oneWay.port)), { level: 'fail', what: 'server chain', cause: 'wrongCa', fix: /--ca ca\.pem/ })
    const foreign = await client('foreign', { by: otherCa })
    told(await verify(uri(mutual.port), ...CA, ...foreign), {
      level: 'fail',
      what: 'client',
      cause: 'wrongCa',
      detail: /issued by CN=Another CA/,
    })
  })

  it('another authority of the same name', async () => {
    put('twin', await make({ cn: 'Verify Test CA', ca: true }))
    const ran = await verify(uri(oneWay.port), '--ca', at('twin.pem'))
    told(ran, { level: 'fail', what: 'server chain', cause: 'wrongCa' })
  })

  it('expired, on either side', async () => {
    await using old = await servedBy(
      await make({ cn: 'server', by: ca, usages: ['serverAuth'], fromDays: -20, toDays: -3 }),
    )
    const ran = await verify(uri(old.port), ...CA)
    told(ran, {
      level: 'fail',
      what: 'server expiry',
      cause: 'expired',
      detail: /expired 3 days ago/,
      fix: /certs renew --server/,
    })
    told(ran, { level: 'ok', what: 'server chain' })
    assert.equal(old.calls(), 0, 'a call went to a server that does not verify')
    const late = await client('late', { fromDays: -20, toDays: -3 })
    told(await verify(uri(mutual.port), ...CA, ...late), {
      level: 'fail',
      what: 'client',
      cause: 'expired',
      detail: /expired 3 days ago/,
      fix: /certs renew --client/,
    })
  })

  it('not yet valid, on either side', async () => {
    await using early = await servedBy(
      await make({ cn: 'server', by: ca, usages: ['serverAuth'], fromDays: 3, toDays: 30 }),
    )
    told(await verify(uri(early.port), ...CA), {
      level: 'fail',
      what: 'server expiry',
      cause: 'notYetValid',
      fix: /clocks/,
    })
    const young = await client('young', { fromDays: 3, toDays: 30 })
    told(await verify(uri(mutual.port), ...CA, ...young), {
      level: 'fail',
      what: 'client',
      cause: 'notYetValid',
      fix: /clocks/,
    })
  })

  it('an expired authority', async () => {
    const dead = await make({ cn: 'Dead CA', ca: true, fromDays: -30, toDays: -1 })
    put('dead', dead)
    await using served = await servedBy(await make({ cn: 'server', by: dead, usages: ['serverAuth'] }))
    told(await verify(uri(served.port), '--ca', at('dead.pem')), {
      level: 'fail',
      what: 'server chain',
      cause: 'expired',
      detail: /Dead CA is out of date/,
    })
  })

  it('a client certificate for serverAuth only', async () => {
    const page = await client('page', { usages: ['serverAuth'] })
    told(await verify(uri(mutual.port), ...CA, ...page), {
      level: 'fail',
      what: 'client',
      cause: 'serverAuthOnly',
      detail: /allows serverAuth only, clientAuth needed/,
      fix: /certs renew --client --dir \S+ {2}\(files made by the Milvus documentation's gen\.sh have this fault\)/,
    })
  })

  it('a server certificate for clientAuth only, a weak one, one without names', async () => {
    await using wrong = await servedBy(await make({ cn: 'server', by: ca, usages: ['clientAuth'] }))
    told(await verify(uri(wrong.port), ...CA), {
      level: 'fail',
      what: 'server usage',
      cause: 'purpose',
      detail: /serverAuth/,
    })
    await using bare = await servedBy(await make({ cn: 'localhost', by: ca, usages: ['serverAuth'], names: [] }))
    told(await verify(uri(bare.port), ...CA), { level: 'fail', what: 'server name', cause: 'noNames' })
  })

  it('a name that the certificate does not carry', async () => {
    await using named = await servedBy(
      await make({ cn: 'server', by: ca, usages: ['serverAuth'], names: ['db.example'] }),
    )
    const ran = await verify(uri(named.port), ...CA)
    told(ran, {
      level: 'fail',
      what: 'server name',
      cause: 'nameMismatch',
      detail: /localhost is not in .* names db\.example/,
      fix: /--server-name db\.example/,
    })
    told(ran, { level: 'ok', what: 'server chain' })
    told(await verify(uri(named.port), ...CA, '--server-name', 'db.example'), { level: 'ok', what: 'server name' })
  })

  it('an address as server name', async () => {
    await using named = await servedBy(
      await make({ cn: 'server', by: ca, usages: ['serverAuth'], names: ['localhost'] }),
    )
    told(await verify(uri(named.port, '127.0.0.1'), ...CA), {
      level: 'fail',
      what: 'server name',
      cause: 'addressAsName',
      fix: /--server-name localhost.*certs renew --server 127\.0\.0\.1/,
    })
    told(await verify(uri(named.port, '127.0.0.1'), ...CA, '--server-name', 'localhost'), {
      level: 'ok',
      what: 'server name',
    })
    told(await verify(uri(oneWay.port, '127.0.0.1'), ...CA), { level: 'ok', what: 'server name' })
  })

  it('the leaf as root: works in pymilvus, Go and curl, not in Node', async () => {
    const ran = await verify(uri(oneWay.port), '--ca', at('leaf.pem'))
    told(ran, {
      level: 'warn',
      what: 'server chain',
      cause: 'leafAsRoot',
      detail: /works in pymilvus, Go and curl, but not in Node/,
      fix: /ca\.pem/,
    })
    told(ran, { level: 'ok', what: 'grpc' })
    const made = await make({ cn: 'n', by: ca, usages: ['serverAuth'], names: ['db.example'] })
    put('named', made)
    await using named = await servedBy(made)
    const both = await verify(uri(named.port), '--ca', at('named.pem'))
    told(both, { level: 'warn', what: 'server chain', cause: 'leafAsRoot' })
    told(both, { level: 'fail', what: 'server name', cause: 'nameMismatch' })
  })

  it('an intermediate that the server does not send', async () => {
    const sub = await make({ cn: 'Verify Intermediate', by: ca, ca: true })
    const made = await make({ cn: 'server', by: sub, usages: ['serverAuth'] })
    await using alone = await servedBy(made)
    told(await verify(uri(alone.port), ...CA), {
      level: 'fail',
      what: 'server chain',
      cause: 'incompleteChain',
      fix: /tls\.serverPemPath/,
    })
    await using whole = await servedBy({ ...made, pem: made.pem + sub.pem })
    told(await verify(uri(whole.port), ...CA), { level: 'ok', what: 'server chain', detail: /2 certificates sent/ })
  })

  it('an old protocol, alone and besides', async () => {
    const options = { cert: server.pem, key: server.key, ciphers: 'ALL:@SECLEVEL=0' }
    const old = createTls({ ...options, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }).listen(0)
    old.on('tlsClientError', (_, socket) => socket.destroy())
    await once(old, 'listening')
    try {
      const { port } = old.address() as AddressInfo
      told(await verify(uri(port), ...CA), {
        level: 'fail',
        what: 'handshake',
        cause: 'oldProtocol',
        detail: /speaks TLS 1\.1 at most/,
      })
    } finally {
      old.close()
    }
    await using both = await faulty({ ...options, minVersion: 'TLSv1' })
    told(await verify(uri(both.port), ...CA), {
      level: 'fail',
      what: 'old protocols',
      cause: 'oldProtocol',
      detail: /TLS 1\.0 and TLS 1\.1 accepted/,
    })
  })

  it('a server that speaks no h2, no TLS at all, or nothing', async () => {
    for (const ALPNProtocols of [['http/1.1'], undefined]) {
      const alpn = ALPNProtocols === undefined ? {} : { ALPNProtocols }
      const web = createTls({ cert: server.pem, key: server.key, ...alpn }).listen(0)
      web.on('tlsClientError', (_, socket) => socket.destroy())
      web.on('secureConnection', (socket) => socket.on('error', () => {}).once('data', () => socket.destroy()))
      await once(web, 'listening')
      told(await verify(uri((web.address() as AddressInfo).port), ...CA), { level: 'fail', cause: 'noAlpn' })
      web.close()
    }
    const deaf = createTcp((socket) => socket.on('error', () => {})).listen(0)
    await once(deaf, 'listening')
    const noise = createTcp((socket) => socket.on('error', () => {}).end('220 mail\r\n')).listen(0)
    await once(noise, 'listening')
    try {
      const port = (listener: typeof deaf) => (listener.address() as AddressInfo).port
      told(await verify(uri(port(deaf)), ...CA, '--timeout', '0.2'), {
        level: 'fail',
        what: 'handshake',
        cause: 'noAnswer',
      })
      told(await verify(uri(port(noise)), ...CA), { level: 'fail', what: 'handshake', cause: 'notTls' })
    } finally {
      deaf.close()
      noise.close()
    }
  })

  it('a stranger who is admitted: the server asks for a certificate, and takes any', async () => {
    const asks = { ca: ca.pem, requestCert: true, rejectUnauthorized: false }
    await using open = await servedBy(server, asks, (socket) => socket.getPeerX509Certificate() !== undefined)
    const ran = await verify(uri(open.port), ...CA, ...pairOf('client'))
    told(ran, { level: 'ok', what: 'no-client probe' })
    told(ran, { level: 'fail', what: 'stranger probe', cause: 'strangerAdmitted', fix: /tls\.caPemPath/ })
  })

  it('a port that takes TLS and plaintext', async () => {
    await using served = await servedBy(server)
    const both = createTcp((socket) => {
      socket.on('error', () => {})
      socket.once('data', (head) => {
        const isTls = head[0] === 0x16
        const up = connect(isTls ? served.port : plain.port, 'localhost')
        up.on('error', () => {})
        up.write(head)
        socket.pipe(up).pipe(socket)
      })
    }).listen(0)
    await once(both, 'listening')
    try {
      const ran = await verify(uri((both.address() as AddressInfo).port), ...CA)
      told(ran, { level: 'fail', what: 'plaintext probe', cause: 'plaintextAnswered' })
    } finally {
      both.close()
    }
  })

  it('a client that is revoked, in the words of a server that explains', async () => {
    const gone = await client('gone')
    const list = at('deny.txt')
    const [, certPath = ''] = gone
    for (const args of [
      ['deny', '--init', '--list', list],
      ['deny', certPath, '--list', list],
    ]) {
      assert.equal((await redkite(['tls', ...args])).exitCode, EXIT.ok)
    }
    const keys = ['--set', `redkite.tls.denyListPath=${list}`]
    const tls = ['--tls', 'mutual', '--tls-dir', at('tls')]
    await using silent = await startRedkite({ args: [...tls, ...keys] })
    const ran = await verify(uri(silent.port), ...CA, ...gone)
    told(ran, { level: 'fail', what: 'client', cause: 'clientRefused', fix: /log of the server/ })
    told(await verify(uri(silent.port), ...CA, ...pairOf('client')), { level: 'ok', what: 'client' })
    await using telling = await startRedkite({ args: [...tls, ...keys, '--set', 'redkite.tls.explain=true'] })
    told(await verify(uri(telling.port), ...CA, ...gone), {
      level: 'fail',
      what: 'client',
      cause: 'revoked',
      detail: /the server says/,
    })
    const proven = await verify(uri(telling.port), ...CA, ...pairOf('client'))
    told(proven, {
      level: 'ok',
      what: 'no-client probe',
      detail: /the server says: tls: client didn't provide|certificate required/,
    })
    told(proven, { level: 'ok', what: 'stranger probe', detail: /the server says: .*unknown authority/ })
  })

  it('a chain through an intermediate, both usages, no usage: all are admitted', async () => {
    const sub = await make({ cn: 'Client Intermediate', by: ca, ca: true })
    const below = await make({ cn: 'below', by: sub, usages: ['clientAuth'] })
    put('below', { ...below, pem: below.pem + sub.pem })
    const bare = await make({ cn: 'bare', by: ca })
    put('bare', bare)
    await client('two', { usages: ['serverAuth', 'clientAuth'] })
    for (const name of ['below', 'bare', 'two']) {
      told(await verify(uri(mutual.port), ...CA, ...pairOf(name)), {
        level: 'ok',
        what: 'client',
        detail: /is admitted/,
      })
    }
  })

  it('a weak client certificate, which is not even sent', async () => {
    const weak = await client('weak', { keyKind: 'rsa1024' })
    const ran = await verify(uri(mutual.port), ...CA, ...weak)
    told(ran, { level: 'fail', what: 'client pair', cause: 'weak', detail: /1024 bits/ })
    told(ran, { level: 'skip', what: 'handshake' })
  })

  it('serverAuth only and another authority: the authority is named', async () => {
    const attacker = await client('attacker', { by: otherCa, usages: ['serverAuth'] })
    told(await verify(uri(mutual.port), ...CA, ...attacker), { level: 'fail', what: 'client', cause: 'wrongCa' })
  })

  it('a client certificate that nobody made for this key, an encrypted key, no PEM, no file', async () => {
    const target = uri(mutual.port)
    const mixed = await verify(target, ...CA, '--cert', at('client.pem'), '--key', at('leaf.key'))
    told(mixed, {
      level: 'fail',
      what: 'client pair',
      cause: 'keyMismatch',
      detail: /leaf\.key is not the key of \S+client\.pem/,
      fix: /certs renew --client/,
    })
    writeFileSync(at('noise.pem'), 'nothing\n')
    told(await verify(target, '--ca', at('noise.pem')), {
      level: 'fail',
      what: 'CA file',
      cause: 'badFile',
      detail: /noise\.pem/,
    })
    told(await verify(target, ...CA, '--cert', at('client.key'), '--key', at('client.pem')), {
      level: 'fail',
      what: 'client certificate',
      cause: 'badFile',
      fix: /swapped/,
    })
    told(await verify(target, '--ca', at('absent.pem')), {
      level: 'fail',
      what: 'CA file',
      cause: 'badFile',
      detail: /absent\.pem/,
    })
  })

  it('an encrypted key', { skip: openssl.skip }, async () => {
    await runOpenssl(
      root.path,
      `pkcs8 -topk8 -in ${at('client.key')} -out ${at('locked.key')} -passout pass:canary-phrase`,
    )
    const ran = await verify(uri(mutual.port), ...CA, '--cert', at('client.pem'), '--key', at('locked.key'))
    told(ran, { level: 'fail', what: 'client key', cause: 'encryptedKey', detail: /locked\.key/, fix: /openssl pkey/ })
  })
})

describe('redkite verify reads expiry as a share of life: ', () => {
  const cases = [
    { toDays: 20, fromDays: -10, level: 'ok' },
    { toDays: 5, fromDays: -20, level: 'warn' },
    { toDays: 1, fromDays: -20, level: 'fail' },
  ] as const
  for (const { toDays, fromDays, level } of cases) {
    it(`${toDays} days left of ${toDays - fromDays}: ${level}`, async () => {
      await using served = await servedBy(
        await make({ cn: 'server', by: ca, usages: ['serverAuth'], fromDays, toDays }),
      )
      told(await verify(uri(served.port), ...CA), { what: 'server expiry', level })
    })
  }
})
