/** `redkite verify --internal`: links that hold, and every way in which one can fail to. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createSecureServer, type SecureServerOptions } from 'node:http2'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { TLSSocket } from 'node:tls'
import { verifyCommand } from '../../src/cli/commands/verify.ts'
import { EXIT } from '../../src/errors/start-error.ts'
import type { LinksReport } from '../../src/probe/links.ts'
import { make } from '../support/certificates.ts'
import { holds, type Ran, runCommand, type Wanted } from '../support/run-command.ts'
import { type Served, startRedkite, temporary } from '../support/server.ts'
import { type CertSet, createSet } from '../support/sets.ts'
import { internalTls, linkTls, settings } from '../support/upstream.ts'

const root = temporary()
let set: CertSet
let node: Served
let port = 0

before(async () => {
  set = await createSet(join(root.path, 'set'))
  node = await startRedkite({ args: internalTls(set) })
  port = Number(new URL(String(Reflect.get(node.ready, 'internal'))).port)
})
after(async () => {
  await node?.[Symbol.asyncDispose]()
  root[Symbol.dispose]()
})

const verify = (args: readonly string[]): Promise<Ran> =>
  runCommand(verifyCommand, ['--internal', '-o', 'json', '--data', join(root.path, 'none'), ...args])

/** The configuration of a proxy whose upstream is at a port. */
const proxyTo = (to: number, more: Readonly<Record<string, string>> = {}) => [
  ...settings({ 'redkite.upstream.uri': `https://localhost:${to}` }),
  ...linkTls(set, more),
]

function told(ran: Ran, ...wanted: readonly Wanted[]): void {
  const { links, fit } = JSON.parse(ran.stdout) as LinksReport
  const checks = links.flatMap((link) => link.checks)
  for (const one of wanted) {
    const text = JSON.stringify(one, (_, value) => (value instanceof RegExp ? String(value) : value))
    assert.ok(
      checks.some((check) => holds(check, one)),
      `${text} in\n${ran.stdout}`,
    )
  }
  assert.equal(
    fit,
    checks.every(({ level }) => level !== 'fail'),
  )
  if (ran.exitCode !== EXIT.unavailable) assert.equal(ran.exitCode, fit ? EXIT.ok : EXIT.checkFailed)
}

/** An upstream of this process. `admits` decides after the handshake. */
async function upstream(
  options: SecureServerOptions,
  admits: (socket: TLSSocket) => boolean = () => true,
  isDeafToStrangers = false,
) {
  const pair = { cert: readFileSync(set.server), key: readFileSync(set.serverKey) }
  const server = createSecureServer({ ...pair, ...options })
  server.on('stream', (stream) => {
    stream.on('error', () => {})
    const { socket } = stream.session ?? {}
    if (isDeafToStrangers && socket instanceof TLSSocket && !socket.authorized) return
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '0' }, { endStream: true })
  })
  server.on('session', (session) => {
    session.on('error', () => {})
    if (session.socket instanceof TLSSocket && !admits(session.socket)) session.destroy()
  })
  server.on('tlsClientError', (_, socket) => socket.destroy())
  server.listen(0).unref()
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    die: () => void server.close(),
    [Symbol.dispose]: () => void server.close(),
  }
}

const asks = () => ({ ca: readFileSync(set.ca), requestCert: true, minVersion: 'TLSv1.3' as const })

describe('redkite verify --internal', () => {
  it('proves the link of a proxy: what is agreed, who is there, and six refusals', async () => {
    const ran = await verify(proxyTo(port))
    told(
      ran,
      { level: 'ok', what: 'handshake', detail: /^TLS 1\.3, X25519MLKEM768, TLS_AES_\w+, ALPN h2/ },
      { level: 'ok', what: 'server name', detail: /^localhost is named/ },
      { level: 'ok', what: 'peer', detail: /^CN=localhost, sha256 [0-9A-F:]{95}, notAfter 2/ },
      { level: 'ok', what: 'server expiry' },
      { level: 'ok', what: 'client', detail: /CN=client is admitted/ },
      { level: 'ok', what: 'plaintext probe', detail: /refused/ },
      { level: 'ok', what: 'wrong-CA probe' },
      { level: 'ok', what: 'wrong-name probe', detail: /ALTNAME/ },
      { level: 'ok', what: 'no-client probe', detail: /certificate required/ },
      { level: 'ok', what: 'stranger probe' },
      { level: 'ok', what: 'TLS 1.2 probe', detail: /refused/ },
      { level: 'ok', what: 'control' },
    )
    assert.equal(ran.exitCode, EXIT.ok)
    const text = await runCommand(verifyCommand, ['--internal', ...proxyTo(port)])
    assert.match(text.stdout, new RegExp(`^upstream localhost:${port}\nok {4}client pair .*\nok {4}handshake`))
  })

  it('proves the internal port of a node from the node’s own configuration', async () => {
    const ran = await verify(internalTls(set, { 'proxy.internalPort': String(port) }))
    told(
      ran,
      { level: 'skip', what: 'client', detail: /no client/ },
      { level: 'ok', what: 'no-client probe' },
      { level: 'ok', what: 'stranger probe' },
    )
    assert.equal(ran.exitCode, EXIT.ok)
  })

  it('has nothing to do without links', async () => {
    const ran = await runCommand(verifyCommand, ['--internal', '--data', join(root.path, 'none')])
    assert.match(ran.stdout, /none: this configuration has no upstream/)
    assert.equal(ran.exitCode, EXIT.ok)
  })

  it('an upstream that is away is 69, a configuration that does not read 78', async () => {
    const away = await verify(proxyTo(1))
    told(away, { level: 'fail', what: 'tcp', cause: 'unreachable' })
    assert.equal(away.exitCode, EXIT.unavailable)
    assert.equal((await verify(settings({ 'redkite.upstream.uri': 'https://localhost:1' }))).exitCode, EXIT.config)
  })
})

describe('redkite verify --internal fails where', () => {
  it('the link is in plaintext', async () => {
    told(await verify(settings({ 'redkite.upstream.uri': `http://localhost:${node.port}` })), {
      level: 'fail',
      what: 'handshake',
      cause: 'plaintext',
      fix: /https/,
    })
    told(await verify(proxyTo(node.port)), { level: 'fail', what: 'handshake', cause: 'tlsToPlaintext' })
  })

  it('the upstream is of another authority, or has another name', async () => {
    const other = await createSet(join(root.path, 'other'))
    told(
      await verify([...proxyTo(port), '--set', `redkite.upstream.caPemPath=${other.ca}`]),
      { level: 'fail', what: 'server chain', cause: 'wrongCa' },
      { level: 'skip', what: 'probes' },
    )
    told(await verify(proxyTo(port, { 'redkite.upstream.sni': 'db.example' })), {
      level: 'fail',
      what: 'server name',
      cause: 'nameMismatch',
    })
  })

  it('our own pair is refused', async () => {
    const files = { 'redkite.upstream.clientPemPath': set.server, 'redkite.upstream.clientKeyPath': set.serverKey }
    told(await verify(proxyTo(port, files)), { level: 'fail', what: 'client', cause: 'serverAuthOnly' })
    const mixed = { 'redkite.upstream.clientKeyPath': set.serverKey }
    told(await verify(proxyTo(port, mixed)), { level: 'fail', what: 'client pair', cause: 'keyMismatch' })
  })

  it('a client without certificate is admitted', async () => {
    using oneWay = await upstream({ minVersion: 'TLSv1.3' })
    told(await verify(proxyTo(oneWay.port)), {
      level: 'fail',
      what: 'no-client probe',
      cause: 'notMutual',
      fix: /redkite\.internaltls\.mutual/,
    })
  })

  it('a client of nobody’s is admitted', async () => {
    using any = await upstream(
      { ...asks(), rejectUnauthorized: false },
      (socket) => socket.getPeerX509Certificate() !== undefined,
    )
    told(
      await verify(proxyTo(any.port)),
      { level: 'ok', what: 'no-client probe' },
      { level: 'fail', what: 'stranger probe', cause: 'strangerAdmitted' },
    )
  })

  it('TLS 1.2 is admitted on a mutual link', async () => {
    using old = await upstream({ ...asks(), rejectUnauthorized: true, minVersion: 'TLSv1.2' })
    told(await verify(proxyTo(old.port)), { level: 'fail', what: 'TLS 1.2 probe', cause: 'oldProtocol' })
  })

  it('plaintext is served on the same port', async () => {
    const both = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', (head) => {
        const up = connect(head[0] === 0x16 ? port : node.port, 'localhost')
        up.on('error', () => {})
        up.write(head)
        socket.pipe(up).pipe(socket)
      })
    })
      .listen(0)
      .unref()
    await once(both, 'listening')
    try {
      told(await verify(proxyTo((both.address() as AddressInfo).port)), {
        level: 'fail',
        what: 'plaintext probe',
        cause: 'plaintextAnswered',
      })
    } finally {
      both.close()
    }
  })

  it('the other side neither answers nor refuses strangers, or dies of them', async () => {
    const hangs = { ...asks(), rejectUnauthorized: false }
    using deaf = await upstream(
      hangs,
      (socket) => socket.authorized || socket.getPeerX509Certificate() === undefined,
      true,
    )
    told(await verify([...proxyTo(deaf.port), '--timeout', '0.5']), {
      level: 'fail',
      what: 'no-client probe',
      cause: 'noAnswer',
    })
    using frail = await upstream(hangs, (socket) => {
      if (!socket.authorized) frail.die()
      return socket.authorized
    })
    told(
      await verify(proxyTo(frail.port)),
      { level: 'ok', what: 'no-client probe' },
      { level: 'fail', what: 'control', cause: 'noAnswer' },
    )
  })

  it('the certificate is good for every name', async () => {
    const ca = await make({ cn: 'ca', ca: true })
    const server = await make({
      cn: 's',
      by: ca,
      usages: ['serverAuth'],
      names: ['localhost', 'wrong-name.redkite.invalid'],
    })
    const caPem = join(root.path, 'wide-ca.pem')
    writeFileSync(caPem, ca.pem)
    using wide = await upstream({ cert: server.pem, key: server.key })
    const uri = settings({
      'redkite.upstream.uri': `https://localhost:${wide.port}`,
      'redkite.upstream.caPemPath': caPem,
    })
    told(
      await verify(uri),
      { level: 'fail', what: 'wrong-name probe', cause: 'nameNotChecked' },
      { level: 'skip', what: 'no-client probe' },
    )
  })
})
