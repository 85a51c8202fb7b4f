/** `redkite verify URI`: what it says about good servers, and how it ends. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, createServer as createTcp } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { verifyCommand } from '../../src/cli/commands/verify.ts'
import { EXIT } from '../../src/errors/start-error.ts'
import { checksIn, runCommand } from '../support/run-command.ts'
import { redkite, type Served } from '../support/server.ts'
import { at, type Bench, CA, openBench, PASSWORD, pairOf, told, uri, verify } from '../support/verify-bench.ts'

let bench: Bench
let mutual: Served
let oneWay: Served
before(async () => {
  bench = await openBench()
  ;({ mutual, oneWay } = bench)
})
after(() => bench?.[Symbol.asyncDispose]())

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
    })
      .listen(0)
      .unref()
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
    const listener = createTcp().listen(0).unref()
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
