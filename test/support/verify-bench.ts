/** Servers to verify, good and faulty, and the certificates of both. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createSecureServer, type Http2SecureServer, type SecureServerOptions } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import { verifyCommand } from '../../src/cli/commands/verify.ts'
import { EXIT } from '../../src/errors/start-error.ts'
import type { Check } from '../../src/probe/check.ts'
import { type Made, make } from './certificates.ts'
import { checksIn, holds, type Ran, runCommand, type Wanted } from './run-command.ts'
import { type Served, startRedkite, temporary } from './server.ts'

export const root = temporary()
export const at = (name: string) => join(root.path, name)
export const PASSWORD = 'canary-Pa55word'

export const ca: Made = await make({ cn: 'Verify Test CA', ca: true })
export const otherCa: Made = await make({ cn: 'Another CA', ca: true })
export const server: Made = await make({
  cn: 'server',
  by: ca,
  usages: ['serverAuth'],
  names: ['localhost', '127.0.0.1'],
})

export const verify = (...args: readonly string[]): Promise<Ran> => runCommand(verifyCommand, [...args, '-o', 'json'])
export const uri = (port: number, host = 'localhost') => `https://${host}:${port}`
export const CA = ['--ca', at('ca.pem')]
export const pairOf = (name: string) => ['--cert', at(`${name}.pem`), '--key', at(`${name}.key`)]

export function put(name: string, made: Made): void {
  writeFileSync(at(`${name}.pem`), made.pem)
  writeFileSync(at(`${name}.key`), made.key, { mode: 0o600 })
}

export async function client(name: string, wish: Partial<Parameters<typeof make>[0]> = {}): Promise<readonly string[]> {
  put(name, await make({ cn: name, by: ca, usages: ['clientAuth'], ...wish }))
  return pairOf(name)
}

put('ca', ca)
put('other-ca', otherCa)
put('leaf', server)
await client('client')
writeFileSync(at('password'), `${PASSWORD}\n`)
mkdirSync(at('tls'))
writeFileSync(at('tls/server.pem'), server.pem)
writeFileSync(at('tls/server.key'), server.key, { mode: 0o600 })
writeFileSync(at('tls/ca.pem'), ca.pem)

/** The built server in mutual mode with logins, in one-way mode, and in plaintext. */
export interface Bench extends AsyncDisposable {
  readonly mutual: Served
  readonly oneWay: Served
  readonly plain: Served
}

/** Starts all three; disposing it removes every file of this module as well. */
export async function openBench(): Promise<Bench> {
  const tls = ['--tls-dir', at('tls')]
  const login = ['--set', 'common.security.authorizationEnabled=true']
  const env = { COMMON_SECURITY_DEFAULTROOTPASSWORD: PASSWORD }
  const [mutual, oneWay, plain] = await Promise.all([
    startRedkite({ args: ['--tls', 'mutual', ...tls, ...login], env }),
    startRedkite({ args: ['--tls', 'one-way', ...tls] }),
    startRedkite({}),
  ])
  return {
    mutual,
    oneWay,
    plain,
    async [Symbol.asyncDispose]() {
      await Promise.all([mutual, oneWay, plain].map((served) => served[Symbol.asyncDispose]()))
      root[Symbol.dispose]()
    },
  }
}

/** One line of the report is as wanted, and the exit code fits the levels. */
export function told(ran: Ran, wanted: Wanted): Check {
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

export interface Faulty extends AsyncDisposable {
  readonly port: number
  readonly calls: () => number
}

/** A gRPC server of this process with whatever is wrong with it. */
export async function faulty(options: SecureServerOptions, admits = (_: TLSSocket) => true): Promise<Faulty> {
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
  made.listen(0).unref()
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

export const servedBy = (made: Made, more: SecureServerOptions = {}, admits?: (socket: TLSSocket) => boolean) =>
  faulty({ cert: made.pem, key: made.key, ...more }, admits)
