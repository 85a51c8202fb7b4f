/**
 * Property 11: no secret leaves the server: not in its log at debug level, its audit log, errors, metrics, the
 * administration, the ready file, what its commands print, or what `ps` shows; in no common encoding.
 */
import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { inspect } from 'node:util'
import { opByRpc, ops } from '../../src/ops/registry.ts'
import { samples } from '../../src/ops/samples.test-support.ts'
import { MILVUS_SERVICE, requestOn } from '../support/raw-http2.ts'
import { redkite, refusedStart, type Served, startRedkite, temporary } from '../support/server.ts'
import { type CertSet, createSet } from '../support/sets.ts'
import { settings, startProxy } from '../support/upstream.ts'
import { report, TEST_MS_MAX } from './support/budget.ts'
import { session } from './support/good-calls.ts'
import { found, privateKey, type Secrets, text } from './support/secrets.ts'

const ROOT = 'Canary-Root-7f3a!'
const USER = 'Canary-User-91bc?'
const WRONG = 'Canary-Wrong-55de+'
const PASSPHRASE = 'Canary-Phrase-0b1c&'
const UPSTREAM = 'Canary-Upstream-c2d3'
const TOKEN = 'Canary-Token-e4f5'

const place = temporary()
const said = new Map<string, string>()
let set: CertSet
let secrets: Secrets[]
let config: string

function tell(source: string, words: unknown): void {
  const text = words instanceof Error ? `${words.stack} ${JSON.stringify(words)}` : words
  said.set(source, `${said.get(source) ?? ''}${typeof text === 'string' ? text : JSON.stringify(text)}\n`)
}

before(async () => {
  set = await createSet(join(place.path, 'tls'))
  const plain = readFileSync(set.serverKey, 'utf8')
  const sealed = createPrivateKey(plain).export({
    ...{ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc' },
    passphrase: PASSPHRASE,
  } as { type: 'pkcs8'; format: 'pem'; cipher: string; passphrase: string })
  writeFileSync(set.serverKey, sealed, { mode: 0o600 })
  writeFileSync(join(place.path, 'passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 })
  secrets = [
    privateKey('server key', String(sealed), PASSPHRASE),
    privateKey('client key', readFileSync(set.clientKey, 'utf8')),
    privateKey('authority key', readFileSync(set.caKey, 'utf8')),
    ...Object.entries({ ROOT, USER, WRONG, PASSPHRASE, UPSTREAM, TOKEN }).map(([name, value]) => text(name, value)),
  ]
  config = join(place.path, 'milvus.yaml')
  writeFileSync(config, configuration('passphraseFile', join(place.path, 'passphrase')))
})
after(() => place[Symbol.dispose]())

function configuration(key: string, value: string): string {
  const security = { tlsMode: 2, authorizationEnabled: true, defaultRootPassword: ROOT }
  return JSON.stringify({
    log: { level: 'debug' },
    common: { security },
    tls: { serverPemPath: set.server, serverKeyPath: set.serverKey, caPemPath: set.ca },
    redkite: {
      tls: { [key]: value, reloadIntervalMs: 0 },
      audit: { path: join(place.path, 'audit.log'), level: 'all' },
    },
  })
}

function target(served: Served) {
  const tls = { ca: readFileSync(set.ca), cert: readFileSync(set.client), key: readFileSync(set.clientKey) }
  return { port: served.port, tls }
}

/** Every RPC with the request's passwords and the login given, and what came back. */
async function everyRpc(served: Served, authorization: string): Promise<number> {
  const on = session(target(served))
  let calls = 0
  for (const name of Object.keys(ops)) {
    const op = opByRpc(name)
    assert.ok(op)
    for (const request of samples[op.rpc].requests) {
      const message = Buffer.from(op.encodeRequest(request as never))
      for (const body of [
        message,
        Buffer.concat([message, Buffer.from(USER)]),
        message.subarray(0, message.length / 2),
      ]) {
        const head = Buffer.alloc(5)
        head.writeUInt32BE(body.length, 1)
        const headers = { ':method': 'POST', ':path': MILVUS_SERVICE + name, 'content-type': 'application/grpc' }
        const answer = await requestOn(on, { ...headers, te: 'trailers', authorization }, Buffer.concat([head, body]))
        tell('gRPC answers', { ...answer.all })
        tell('gRPC answers', answer.body.toString('latin1'))
        calls += 1
      }
    }
  }
  on.destroy()
  return calls
}

/** REST with each kind of login, of users and of the administration. */
async function everyRoute(served: Served): Promise<number> {
  const on = session(target(served))
  const base64 = (login: string) => `Basic ${Buffer.from(login).toString('base64')}`
  const logins = [`Bearer root:${ROOT}`, `Bearer root:${WRONG}`, base64(`root:${WRONG}`), `Bearer ${TOKEN}`, TOKEN]
  const routes = Object.keys(ops).flatMap((name) => opByRpc(name)?.rest ?? [])
  const bodies = [
    `{"userName": "eve", "password": "${USER}", "newPassword": "${WRONG}", "collectionName": "c", "data": ["${TOKEN}"]}`,
    `{"password": {"a": "${USER}"}, "userName": ["${USER}"], "filter": "x == '${TOKEN}' and"`,
    USER,
  ]
  const administration = ['status', 'connections', 'certificates', 'reload', 'rollback', 'connections/close', 'nothing']
  const all = [
    ...routes.flatMap(({ method, path }) => bodies.map((body) => ({ method, path, body }))),
    ...administration.flatMap((name) =>
      ['GET', 'POST'].map((method) => ({ method, path: `/redkite/v1/tls/${name}`, body: '{}' })),
    ),
  ]
  for (const { method, path, body } of all)
    for (const authorization of logins) {
      const headers = { ':method': method, ':path': path, 'content-type': 'application/json', authorization }
      const answer = await requestOn(on, headers, method === 'GET' ? '' : body)
      // what the caller wrote itself into a path or a filter may stand in the answer to that caller
      const echoed = answer.body.toString().replaceAll(path, '').replaceAll(`'${TOKEN}'`, '')
      tell('REST answers', { ...answer.headers })
      tell('REST answers', echoed)
    }
  on.destroy()
  return all.length * logins.length
}

/** What other users of the machine see, and what the process leaves behind. */
function outside(served: Served): void {
  const pid = served.ready.pid
  if (existsSync(`/proc/${pid}/cmdline`)) tell('ps', readFileSync(`/proc/${pid}/cmdline`, 'latin1'))
  tell('ready file', served.ready)
  tell('log', served.log())
  tell('stdout', served.stdout())
}

describe('canaries', () => {
  test('would be found in each encoding', () => {
    const pem = readFileSync(set.clientKey, 'utf8')
    const login = Buffer.from(`root:${ROOT}`)
    const leaks = [
      ROOT,
      ...['base64', 'base64url', 'hex'].map((encoding) => login.toString(encoding as BufferEncoding)),
      Buffer.from(`ro:${ROOT}`).toString('base64'),
      Buffer.from(`r:${ROOT}`).toString('base64'),
      encodeURIComponent(ROOT),
      JSON.stringify(Buffer.from(ROOT)),
      inspect(Buffer.from(`<Buffer ${ROOT}`)),
      pem.split('\n')[1] ?? '',
      String(createPrivateKey(pem).export({ format: 'jwk' }).d),
    ]
    const missed = leaks.filter((leak) => found(secrets, new Map([['a log', `… ${leak} …`]])).length === 0)
    assert.deepEqual(missed, [])
  })

  test('a server with everything at debug level', { timeout: TEST_MS_MAX }, async (t) => {
    await using served = await startRedkite({
      args: ['--config', config, '--host', '127.0.0.1'],
      data: join(place.path, 'd'),
    })
    const token = (login: string) => Buffer.from(login).toString('base64')
    let calls = 0
    for (const login of [`root:${ROOT}`, `root:${WRONG}`, TOKEN]) calls += await everyRpc(served, token(login))
    calls += await everyRpc(served, TOKEN)
    calls += await everyRoute(served)
    // reloads that fail: another key, the passphrase of another, the key where the certificate belongs
    const [key, phrase] = [readFileSync(set.serverKey), join(place.path, 'passphrase')]
    const spoiled: readonly (readonly [path: string, content: string | Buffer, good: string | Buffer])[] = [
      [set.serverKey, readFileSync(set.clientKey), key],
      [set.serverKey, key.subarray(0, key.length / 2), key],
      [phrase, WRONG, `${PASSPHRASE}\n`],
      [set.server, readFileSync(set.clientKey), readFileSync(set.server)],
    ]
    const on = session(target(served))
    for (const [path, content, good] of spoiled) {
      writeFileSync(path, content)
      const refused = served.log().length
      served.process.kill('SIGHUP')
      const headers = { ':method': 'POST', ':path': '/redkite/v1/tls/reload', authorization: `Bearer root:${ROOT}` }
      const answer = await requestOn(on, headers, '')
      assert.notEqual(JSON.parse(answer.body.toString()).code, 0)
      tell('reload answers', answer.body.toString())
      assert.match(served.log().slice(refused), /not reloaded/)
      writeFileSync(path, good)
    }
    on.destroy()
    tell('metrics', await (await fetch(`${served.ready.metrics}/metrics`)).text())
    tell('healthz', await (await fetch(`${served.ready.metrics}/healthz`)).text())
    outside(served)
    assert.equal(await served.stop(), 0)
    tell('log', served.log())
    tell('audit log', readFileSync(join(place.path, 'audit.log'), 'utf8'))
    assert.match(said.get('log') ?? '', /\[DEBUG\]/)
    assert.match(said.get('audit log') ?? '', /CreateCredential|login/)
    report(t, { calls, 'kilobytes read': Math.round([...said.values()].join('').length / 1024) })
    assert.deepEqual(found(secrets, said), [])
  })

  test('a passphrase command, and a proxy with a password for its upstream', { timeout: TEST_MS_MAX }, async () => {
    const program = join(place.path, 'phrase.sh')
    writeFileSync(program, `#!/bin/sh\ncat ${join(place.path, 'passphrase')}\n`, { mode: 0o700 })
    const commanded = join(place.path, 'command.yaml')
    writeFileSync(commanded, configuration('passphraseCommand', program))
    await using node = await startRedkite({ args: ['--config', commanded, '--host', '127.0.0.1'] })
    outside(node)
    const file = join(place.path, 'proxy.yaml')
    const upstream = { uri: `https://localhost:${node.port}`, credentials: 'mapped', user: 'root', password: UPSTREAM }
    const link = { caPemPath: set.ca, clientPemPath: set.client, clientKeyPath: set.clientKey }
    const security = { authorizationEnabled: true, defaultRootPassword: ROOT }
    writeFileSync(
      file,
      JSON.stringify({
        log: { level: 'debug' },
        common: { security },
        redkite: { upstream: { ...upstream, ...link } },
      }),
    )
    await using proxy = await startProxy(upstream.uri, ['--config', file])
    const on = session({ port: proxy.port, tls: null })
    for (const login of [`root:${ROOT}`, `root:${WRONG}`]) {
      const authorization = Buffer.from(login).toString('base64')
      const headers = {
        ':method': 'POST',
        ':path': `${MILVUS_SERVICE}ShowCollections`,
        'content-type': 'application/grpc',
      }
      const answer = await requestOn(on, { ...headers, te: 'trailers', authorization }, Buffer.alloc(5))
      assert.notEqual(answer.all['grpc-status'], '0', 'the password for the upstream is not good there')
      tell('proxy answers', { ...answer.all })
    }
    on.destroy()
    for (const one of [proxy, node]) {
      tell('metrics', await (await fetch(`${one.ready.metrics}/metrics`)).text())
      outside(one)
    }
    for (const output of ['text', 'json'])
      tell('config show', await redkite(['config', 'show', '--config', file, '-o', output]))
    assert.deepEqual(found(secrets, said), [])
  })

  test('commands: config, doctor, verify, tls, certs, and starts that fail', { timeout: TEST_MS_MAX }, async (t) => {
    await using served = await startRedkite({ args: ['--config', config, '--host', '127.0.0.1'] })
    const passwords = join(place.path, 'password')
    const login = ['--user', 'root', '--password-file', passwords]
    const files = ['--ca', set.ca, '--cert', set.client, '--key', set.clientKey]
    const uri = `https://localhost:${served.port}`
    const env = { COMMON_SECURITY_DEFAULTROOTPASSWORD: ROOT, REDKITE_PASSWORD: WRONG }
    const lines: string[][] = ['text', 'json'].flatMap((output) => [
      ['config', 'show', '--config', config, '-o', output],
      ['config', 'check', '--config', config, '-o', output],
      ['doctor', '--config', config, '-o', output],
      ['verify', uri, ...files, ...login, '-o', output],
      ['tls', 'status', '--uri', uri, ...files, ...login, '-o', output],
      ['tls', 'certificates', '--uri', uri, ...files, '--user', 'root', '-o', output],
      ['certs', 'inspect', set.server, '-o', output],
    ])
    let commands = 0
    for (const password of [ROOT, WRONG]) {
      writeFileSync(passwords, `${password}\n`, { mode: 0o600 })
      for (const line of lines) {
        tell(line.slice(0, 2).join(' '), await redkite(line, { env }))
        commands += 1
      }
    }
    const wrong = join(place.path, 'wrong')
    writeFileSync(wrong, WRONG, { mode: 0o600 })
    for (const broken of [
      { 'redkite.tls.passphraseFile': wrong },
      { 'redkite.tls.passphraseFile': set.clientKey },
      { 'tls.serverPemPath': set.serverKey },
      { 'tls.serverKeyPath': set.clientKey },
      { 'redkite.tls.pkcs12Path': set.serverKey, 'tls.serverPemPath': '', 'tls.serverKeyPath': '' },
    ]) {
      const failed = await refusedStart({ args: ['--config', config, ...settings(broken)] })
      tell('starts that fail', `${failed.message}\n${failed.stdout}`)
      assert.doesNotMatch(failed.message, /\n\s+at /, 'words, not a stack')
    }
    report(t, { commands, 'sources looked through': said.size })
    assert.deepEqual(found(secrets, said), [])
  })

  test('keys of connections are not logged: --tls-keylog is refused, and named by doctor', async () => {
    const log = join(place.path, 'keys.log')
    const env = { NODE_OPTIONS: `--tls-keylog=${log}` }
    const failed = await refusedStart({ args: ['--config', config], env })
    assert.equal(failed.exitCode, 78)
    assert.match(failed.message, /--tls-keylog/)
    const doctor = await redkite(['doctor', '--config', config], { env })
    assert.match(doctor.stdout, /--tls-keylog/)
    assert.notEqual(doctor.exitCode, 0)
    const other = join(place.path, 'other.log')
    const variable = await redkite(['doctor', '--config', config], { env: { SSLKEYLOGFILE: other } })
    assert.match(variable.stdout, /SSLKEYLOGFILE/)
    await using served = await startRedkite({
      args: ['--config', config, '--host', '127.0.0.1'],
      env: { SSLKEYLOGFILE: other },
    })
    const on = session(target(served))
    await requestOn(on, { ':method': 'GET', ':path': '/v2/vectordb/collections/list' }, '')
    on.destroy()
    assert.ok(!existsSync(other))
  })
})
